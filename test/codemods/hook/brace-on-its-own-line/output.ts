import type { Parallelizable, Run } from '#divvy';

type Item = number;

export default class Nightly
  implements Parallelizable<Item>
{
  *dispatch(): Generator<Item>
  {
    yield 1;
  }

  process(): void
  {
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }
}
