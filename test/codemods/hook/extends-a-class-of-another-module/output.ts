import { EventEmitter } from 'node:events';
import type { Parallelizable, Run, RunResult } from '#divvy';

type Item = number;

export default class Nightly extends EventEmitter implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  /** Runs in the master, after the last worker is reaped, however the run ended. */
  afterRun(run: Run, result: RunResult): void {
    void [run, result]; // Write here what is to happen, in place of this line.
  }
}
