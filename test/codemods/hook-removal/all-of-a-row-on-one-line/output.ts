import type { Parallelizable } from '#divvy';

type Item = number;

export default class Nightly implements Parallelizable<Item> {}
