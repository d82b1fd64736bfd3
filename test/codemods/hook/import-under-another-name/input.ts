import type { Run as Night, Parallelizable as Task } from '#divvy';

type Item = number;

export default class Nightly implements Task<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }

  afterRun(night: Night): void {
    console.log(night.runId);
  }
}
