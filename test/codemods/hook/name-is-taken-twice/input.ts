import type { Parallelizable } from '#divvy';

type Item = number;

type Outcome = 'good' | 'bad';
type DivvyOutcome = Outcome;

export default class Nightly implements Parallelizable<Item> {
  readonly last: DivvyOutcome = 'good';

  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(item: Item): void {
    console.log(item);
  }
}
