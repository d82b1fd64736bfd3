'use strict';

/** Runs at night. */
export default class Nightly {
  *dispatch(): Generator<number> {}

  process(): void {}
}
