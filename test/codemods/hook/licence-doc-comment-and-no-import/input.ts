/**
 * Copyright 2020 the authors of this file.
 */

export default class Nightly {
  *dispatch(): Generator<number> {}

  process(): void {}
}
