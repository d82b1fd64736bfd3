import { createInterface } from 'node:readline';
import type { Parallelizable } from '#divvy';

/** An item for each line of stdin. */
export default class FromStdin implements Parallelizable<string> {
  async *dispatch(): AsyncGenerator<string> {
    yield* createInterface({ input: process.stdin });
  }

  process(line: string): void {
    console.log(line);
  }
}
