import type { Parallelizable } from '#divvy';

export default class Nightly implements Parallelizable<number> { *dispatch() { yield 1; } process(item: number) { void item; } /* closes */ close() {} }
