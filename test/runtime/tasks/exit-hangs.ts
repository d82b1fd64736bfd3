import { isWorkerProcess, type Parallelizable } from '#divvy';

// As Node.js itself does now and then: its compiler's threads and the main one wait for each other at the end.
function hang(): void {
  for (;;);
}
if (isWorkerProcess()) Object.assign(process, { reallyExit: hang });

/** Two items, the second of which the worker exits in where there is an argument. */
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
