import type { Parallelizable } from '#divvy';

/** `item 1`, `item 2`, …, as many as $COUNT says; and at the end how much memory the master has had at most. */
export default class Many implements Parallelizable<string> {
  *dispatch(): Generator<string> {
    for (let number = 1; number <= Number(process.env['COUNT']); number++) yield `item ${number}`;
  }

  process(item: string): void {
    console.log(`processed ${item}`);
  }

  afterRun(): void {
    console.log(`${Math.ceil(process.resourceUsage().maxRSS / 1024)} MB`);
  }
}
