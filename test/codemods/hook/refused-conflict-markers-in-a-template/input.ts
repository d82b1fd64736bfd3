import type { Parallelizable } from '#divvy';

type Item = number;

const text = `
<<<<<<< HEAD
one
=======
two
>>>>>>> theirs
`;

export default class Nightly implements Parallelizable<Item> {
  *dispatch(): Generator<Item> {
    yield 1;
  }

  process(): void {
    console.log(text);
  }
}
