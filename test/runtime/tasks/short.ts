import type { Parallelizable } from '#divvy';
import { waitAtGate } from './gate.ts';

const [way = ''] = process.argv.slice(2);
const ODD = 2500;

/** Five thousand items that take no time, so that many are on their way to a worker, and one that does something else. */
export default class Short implements Parallelizable<number> {
  /** Only here results are wanted, to be counted. */
  readonly afterProcess?: () => void;
  #done = 0;

  constructor() {
    if (way !== 'waits') return;
    this.afterProcess = () => {
      this.#done += 1;
      if (this.#done === 4999) console.log('the others are done');
    };
  }

  *dispatch(): Generator<number> {
    for (let item = 1; item <= 5000; item++) yield item;
  }

  process(item: number): void | Promise<void> {
    if (item === ODD && way === 'waits') return waitAtGate('waits');
    if (item === ODD && way === 'kills') process.kill(process.pid, 'SIGKILL');
    if (item === ODD && way === 'exits') process.exit(3);
  }
}
