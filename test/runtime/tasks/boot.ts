import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ItemContext, Parallelizable, WorkerSelf } from '#divvy';
import { waitAtGate } from './gate.ts';

const [way = '', mark = '', count] = process.argv.slice(2);
const inWorker = process.env['DIVVY_WORKER'] !== undefined;

if (way === 'import throws' && inWorker) throw new RangeError('not in a worker');
if (way === 'import exits' && inWorker) process.exit(7);

/** Workers that do not boot, in the way that the first argument names. */
export default class Boot implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= (way === 'then its item exits' ? 1 : 4); item++) yield item;
  }

  beforeFork(): void {
    if (way === 'fails while the master is busy') setImmediate(waitUntilGone);
  }

  async afterFork({ number }: WorkerSelf): Promise<void> {
    if (way === 'fails while the master is busy') {
      appendFileSync(mark, `${process.pid}\n`);
      throw new Error('not heard');
    }
    if (way === 'afterFork throws') throw new TypeError('no connection', { cause: new Error('refused') });
    if (way === 'afterFork exits') process.exit(0);
    if (way === 'afterFork hangs') {
      console.log('hangs');
      await new Promise(() => setInterval(() => {}, 1000));
    }
    if (way === 'all but the first throw' && number > 1) throw new Error('not me');
    if (way === 'the first throws once' && number === 1) {
      if (existsSync(mark)) await waitAtGate('booted again');
      else {
        writeFileSync(mark, '');
        throw new Error('not yet');
      }
    }
    if (way === 'is slow, then crashes') {
      await new Promise((resolve) => setTimeout(resolve, 100));
      process.exit(9);
    }
  }

  async process(item: number, { worker }: ItemContext): Promise<void> {
    if (way === 'the first throws once' && worker === 2) await waitAtGate('at work');
    if (way === 'then its item exits') process.exit(4);
    await new Promise((resolve) => setTimeout(resolve, 20));
    console.log(`done ${item}`);
  }
}

/** Keeps the master's thread until all workers, which leave their process ids at the mark, have ended. */
function waitUntilGone(): void {
  const pids = (): string[] => (existsSync(mark) ? readFileSync(mark, 'utf8').trim().split('\n') : []);
  while (pids().length < Number(count));
  const state = (pid: string): string =>
    spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' }).stdout.trim();
  while (!pids().every((pid) => /^(Z.*)?$/.test(state(pid))));
}
