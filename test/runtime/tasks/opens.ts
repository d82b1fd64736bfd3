import type { Parallelizable } from '#divvy';

/** One item that leaves a line open on stdout, behind one that is open on stderr, and fails. */
export default class Opens implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    process.stderr.write('begun...');
    yield 10;
  }

  async process(item: number): Promise<void> {
    process.stdout.write(`open ${item}...`);
    throw new Error('no');
  }
}
