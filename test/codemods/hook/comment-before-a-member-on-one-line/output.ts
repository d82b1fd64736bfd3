import type { Parallelizable } from '#divvy';

export default class Nightly implements Parallelizable<number> { *dispatch() { yield 1; } process(item: number) { void item; } 

  /** Runs in the master, once for each item of `dispatch`. */
  key(item: number): string {
    return JSON.stringify(item); // Put in its place what names it for good, such as its id.
  }

  /* closes */ close() {} }
