import type { Parallelizable, Run, RunResult } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, after the last worker is reaped, however the run ended. */
  async afterRun(run: Run, result: RunResult): Promise<void> {
    console.log(result.exitCode);
  }
}
