import type { Parallelizable, Run } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  static readonly pattern = /[{}]\/}/g;
  static {
    console.log(`{ ${Nightly.pattern.source} ${`}`}`);
  }
  readonly #braces = '}{';
  declare readonly later: string;

  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void;
  process(item: Item, ...rest: never[]): void;
  process(item: Item): void {
    console.log(`}${item}{`, /}/.test(this.#braces));
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }

  get braces(): string {
    return this.#braces;
  }

  accessor last = 0;
}
