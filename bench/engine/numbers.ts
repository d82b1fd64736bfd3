// Items that cost nothing: what is measured is what the queue costs.
import type { Parallelizable } from '#divvy';

export default class Numbers implements Parallelizable<{ number: number }, void> {
  *dispatch(): Generator<{ number: number }> {
    for (let number = 1; number <= Number(process.env['COUNT']); number++) yield { number };
  }

  process(): void {}
}
