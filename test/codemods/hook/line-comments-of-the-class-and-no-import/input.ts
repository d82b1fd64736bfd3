// @ts-check
/// <reference types="node" />
// What is below it is for the class.
// @ts-expect-error: there is no such class.
export default class Nightly extends Missing {
  *dispatch() {
    yield 1;
  }
}
