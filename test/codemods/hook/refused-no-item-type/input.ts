export default class Nightly {
  *dispatch(): Generator<number> {}

  process(): void {}
}
