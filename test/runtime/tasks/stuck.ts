import { execFileSync } from 'node:child_process';
import { writeSync } from 'node:fs';
import type { Parallelizable } from '#divvy';

/** One item, at which a worker is for ever, in the way that the first argument names. */
export default class Stuck implements Parallelizable<string> {
  *dispatch(): Generator<string> {
    yield process.argv[2] ?? '';
  }

  async process(way: string): Promise<void> {
    if (way === 'loop') loop();
    if (way === 'wait') wait();
    if (way === 'regex') regex();
    // By the time that the child speaks, this thread waits for it in the system.
    if (way === 'native')
      execFileSync('sh', ['-c', 'echo begun in $$; exec sleep 1000'], { stdio: ['ignore', 'inherit', 'ignore'] });
    if (way === 'await') await forever();
  }
}

function loop(): void {
  begun();
  for (;;);
}

function wait(): void {
  begun();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function regex(): void {
  begun();
  /^(a+)+$/.test(`${'a'.repeat(100)}b`);
}

function forever(): Promise<void> {
  begun();
  return new Promise(() => setInterval(() => {}, 1000));
}

/** Said from where it is stuck: a signal that comes at once finds it there, and not on the way. */
function begun(): void {
  writeSync(1, `begun in ${process.pid}\n`);
}
