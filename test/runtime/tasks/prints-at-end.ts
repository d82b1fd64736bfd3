/** One item; the master prints much when all is done. */
export default class PrintsAtEnd {
  *dispatch(): Generator<number> {
    yield 1;
  }

  process(): void {}

  afterRun(): void {
    process.stdout.write('x'.repeat(5_000_000));
  }
}
