import type { ItemContext, Parallelizable } from '#divvy';

const MOST = 2 * 1024 * 1024;
const sizeOf = (number: number): number => (1 + ((number * 7) % 29)) * 65_000;

/** Large Buffers, each full of its own number. Where $DEADLY is set a worker dies of some of them, the first time. */
export default class Buffers implements Parallelizable<Buffer> {
  readonly #kept: { number: number; item: Buffer }[] = [];
  readonly #same = Buffer.alloc(MOST);

  *dispatch(): Generator<Buffer> {
    const one = Buffer.alloc(MOST);
    for (let number = 1; number <= 60; number++) {
      yield one.subarray(0, sizeOf(number)).fill(number);
      one.fill(255); // what was yielded is the task's own again
    }
  }

  process(item: Buffer, { number, attempt }: ItemContext): void {
    if (process.env['DEADLY'] && number % 25 === 0 && attempt === 1) process.kill(process.pid, 'SIGKILL');
    // What it was given before stays as it is, whatever comes after.
    this.#kept.push({ number, item });
    for (const each of this.#kept) {
      const same = this.#same.subarray(0, sizeOf(each.number)).fill(each.number);
      if (!each.item.equals(same)) throw new Error(`item ${each.number} is not what it was, at item ${number}`);
    }
    if (this.#kept.length > 3) this.#kept.shift();
  }
}
