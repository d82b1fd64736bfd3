import { isWorkerProcess, type Parallelizable } from '#divvy';

// Keeps its worker's thread for longer than the master waits for a hello.
if (isWorkerProcess()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);

export default class SlowToLoad implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield 1;
  }

  process(item: number): void {
    console.log(`processed ${item}`);
  }
}
