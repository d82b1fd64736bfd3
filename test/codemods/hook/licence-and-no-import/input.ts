/* Copyright 2020 the authors of this file. */

/** Runs at night. */
export default class Nightly {
  *dispatch(): Generator<number> {}

  process(): void {}
}
