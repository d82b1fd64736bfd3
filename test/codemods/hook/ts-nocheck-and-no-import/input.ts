// @ts-nocheck

export default class Nightly {
  *dispatch() {}

  process() {}
}
