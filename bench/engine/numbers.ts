// Items that cost nothing: what is measured is what the queue costs.
import type { Parallelizable } from '#divvy';

export default class Numbers implements Parallelizable<{ number: number }, void> {
  *dispatch(): Generator<{ number: number }> {
    const count = Number(process.env['COUNT']);
    for (let number = 1; number <= count; number++) yield { number };
  }

  process(): void {}
}
