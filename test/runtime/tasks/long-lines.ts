import { setImmediate } from 'node:timers/promises';
import type { Parallelizable } from '#divvy';

/** Each item is a line of more than 64 KB, written in pieces that care neither for lines nor for characters. */
export default class LongLines implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= 40; item++) yield item;
  }

  async process(item: number): Promise<void> {
    const line = Buffer.from(`${item}<${'é😀'.repeat(20_000)}>${item}\n`);
    for (let at = 0; at < line.length; at += 5001) {
      process.stdout.write(line.subarray(at, at + 5001));
      process.stderr.write(line.subarray(at, at + 5001));
      await setImmediate();
    }
  }
}
