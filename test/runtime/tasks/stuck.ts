import type { Parallelizable } from '#divvy';

/** One item, at which a worker is for ever, in the way that the first argument names. */
export default class Stuck implements Parallelizable<string> {
  *dispatch(): Generator<string> {
    yield process.argv[2] ?? '';
  }

  async process(way: string): Promise<void> {
    console.log(`begun in ${process.pid}`);
    if (way === 'loop') loop();
    if (way === 'wait') wait();
    if (way === 'regex') regex();
    if (way === 'await') await forever();
  }
}

function loop(): void {
  for (;;);
}

function wait(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function regex(): void {
  /^(a+)+$/.test(`${'a'.repeat(100)}b`);
}

function forever(): Promise<void> {
  return new Promise(() => setInterval(() => {}, 1000));
}
