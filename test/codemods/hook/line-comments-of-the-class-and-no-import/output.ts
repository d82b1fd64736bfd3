// @ts-check
/// <reference types="node" />
import type { Run } from '#divvy';

// What is below it is for the class.
// @ts-expect-error: there is no such class.
export default class Nightly extends Missing {
  *dispatch() {
    yield 1;
  }

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }
}
