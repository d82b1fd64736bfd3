import { Worker } from 'node:worker_threads';
import type { Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

const [way = ''] = process.argv.slice(2);
const ODD = 2500;
/** Keeps the thread from doing anything else until the gate is open. */
function blockAtGate(): void {
  const open = new Int32Array(new SharedArrayBuffer(4));
  const thread = `const socket = require('node:net').connect(process.env.GATE);
    socket.on('end', () => Atomics.notify(require('node:worker_threads').workerData, 0)).resume();
    socket.write('${process.pid}');`;
  new Worker(thread, { eval: true, workerData: open });
  Atomics.wait(open, 0, 0);
}

function compute(ms: number): void {
  for (const began = performance.now(); performance.now() - began < ms; );
}

/** Five thousand items that take no time, so that many are on their way to a worker, and one that does something else. */
export default class Short implements Parallelizable<number> {
  /** Only here results are wanted, to be counted. */
  readonly afterProcess?: () => void;
  #done = 0;

  constructor() {
    if (way !== 'waits' && way !== 'blocks') return;
    this.afterProcess = () => {
      this.#done += 1;
      if (this.#done === 4999) console.log('the others are done');
    };
  }

  *dispatch(): Generator<number> {
    for (let item = 1; item <= 5000; item++) yield item;
  }

  process(item: number): void | Promise<void> {
    if (way === 'blocks' || way === 'stumbles') {
      console.log(`begun ${item}`);
      // So long that it is said at once that it has ended, and so short that others are on their way.
      compute(way === 'stumbles' && item % 100 === 0 ? 60 : 0.05);
    }
    if (item === ODD && way === 'waits') return waitAtGate('waits');
    if (item === ODD && way === 'blocks') blockAtGate();
    if (item === ODD && way === 'kills') process.kill(process.pid, 'SIGKILL');
    if (item === ODD && way === 'exits') process.exit(3);
  }
}
