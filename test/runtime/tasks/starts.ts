import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import type { ItemContext, Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

/** Each item starts a process that would run for long, says which, and goes on as the first argument says. */
export default class Starts implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= Number(process.argv[3] ?? 1); item++) yield item;
  }

  async process(item: number, { signal }: ItemContext): Promise<void> {
    const way = process.argv[2];
    if (way === 'awaits it') {
      const sleeping = promisify(execFile)('sleep', ['1']);
      await waitAtGate(`item ${item}`);
      await sleeping;
      return;
    }
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    child.unref();
    console.log(`started ${child.pid}`);
    if (way === 'hangs') await new Promise((resolve) => setTimeout(resolve, 1_000_000));
    if (way === 'loops') for (;;);
    if (way === 'exits') process.exit(3);
    if (way === 'exits with 0') process.exit(0);
    if (way === 'waits') await waitAtGate(`item ${item}`);
    if (way === 'isAbortable') await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }
}
