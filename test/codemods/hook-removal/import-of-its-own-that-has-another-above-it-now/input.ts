import { sep } from 'node:path';
import type { Run } from '#divvy';

export default class Nightly implements Parallelizable<number> {
  /** Runs in the master, before the first fork. */
  async beforeRun(run: Run): Promise<void> {
    void run; // Write here what is to happen, in place of this line.
  }
}

void sep;
