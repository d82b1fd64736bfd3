import type { Parallelizable, Run } from '#divvy';

type Item = number;

export default abstract class Nightly implements Parallelizable<Item> {
  abstract dispatch(): Iterable<Item>;

  abstract process(item: Item): void;

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }
}
