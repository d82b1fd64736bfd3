#!/usr/bin/env node
export default class Nightly {
  *dispatch(): Generator<number> {}

  process(): void {}
}
