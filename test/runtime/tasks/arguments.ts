/** Says what process.argv is in the master and in a worker. */
export default class Arguments {
  *dispatch(): Generator<number> {
    console.log(`master ${JSON.stringify(process.argv.slice(1))}`);
    yield 1;
  }

  process(): void {
    console.log(`worker ${JSON.stringify(process.argv.slice(1))}`);
  }
}
