import type { Parallelizable } from '#divvy';

/** As many items as the argument says; the master prints a line for each, and waits until it is written. */
export default class PrintsResults implements Parallelizable<number, number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= Number(process.argv[2]); item++) yield item;
  }

  process(item: number): number {
    return item;
  }

  afterProcess(_item: number, result: number): Promise<void> {
    return new Promise((resolve, reject) => {
      process.stdout.write(`result ${result}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }
}
