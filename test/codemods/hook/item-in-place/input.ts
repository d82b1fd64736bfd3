import type { Parallelizable } from '#divvy';

export default class Nightly implements Parallelizable<{ readonly id: number; readonly tags: string[] }> {
  *dispatch(): Generator<{ readonly id: number; readonly tags: string[] }> {}

  process(): void {}
}
