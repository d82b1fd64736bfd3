import type { Parallelizable } from '#divvy';

/** Two items, the second of which the worker exits in where there is an argument. For workers that load hanging-exit.mjs. */
export default class ExitHangs implements Parallelizable<number> {
  dispatch(): Iterable<number> {
    return [1, 2];
  }

  process(item: number): void {
    if (item === 2 && process.argv[2] !== undefined) process.exit(3);
  }

  beforeExit(): void {
    console.log('left');
  }
}
