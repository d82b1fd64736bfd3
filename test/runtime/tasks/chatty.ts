import type { Parallelizable } from '#divvy';

const items = Number(process.argv[2] ?? 1);
const linesEach = Number(process.argv[3] ?? 1);

/** Items that write many lines each; at the end the master says how much memory it took at most. */
export default class Chatty implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= items; item++) yield item;
  }

  async process(item: number): Promise<void> {
    for (let line = 1; line <= linesEach; line++) {
      const more = process.stdout.write(`${item} ${'x'.repeat(1000)}\n`);
      if (!more) await new Promise((resolve) => process.stdout.once('drain', resolve));
    }
  }

  afterRun(): void {
    console.error(`the master took ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
  }
}
