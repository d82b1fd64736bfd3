import { readFileSync } from "node:fs";
import type { Run } from "#divvy";

export default class Nightly {
  *dispatch(): Generator<string> {
    yield readFileSync("/dev/null", "utf8");
  }

  process(): void {}

  /** Runs in the master, before the first fork. */
  beforeRun(run: Run): void {
    void run; // Write here what is to happen, in place of this line.
  }
}
