import type { Parallelizable } from '#divvy';

export default class Nightly implements Parallelizable<number> { a = 1; b = 2; }
