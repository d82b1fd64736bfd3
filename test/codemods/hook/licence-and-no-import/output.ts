/* Copyright 2020 the authors of this file. */

import type { Run } from '#divvy';

/** Runs at night. */
export default class Nightly {
  *dispatch(): Generator<number> {}

  process(): void {}

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }
}
