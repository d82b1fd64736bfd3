import { readFileSync } from "node:fs";

export default class Nightly {
  *dispatch(): Generator<string> {
    yield readFileSync("/dev/null", "utf8");
  }

  process(): void {}
}
