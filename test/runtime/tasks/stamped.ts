// Each item says when it begins, that it goes on, and when it ends, by the clock that all processes of a machine share.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Parallelizable, WorkerHandle } from '#divvy';

const { STAMPS = '', COUNT = '10', NAP_MS = '1', FAILS = '0', KILLS_HOST = '0' } = process.env;
/** `dispatch` lists the last item first; and the hook behind the run takes so long. */
const { BACKWARDS = '', AFTER_MS = '0' } = process.env;
const BEAT_MS = 10;

const stamp = (what: string, number: number): void =>
  appendFileSync(STAMPS, `${what} ${number} ${process.pid} ${process.hrtime.bigint()}\n`);

export default class Stamped implements Parallelizable<{ number: number }, number> {
  *dispatch(): Generator<{ number: number }> {
    const numbers = Array.from({ length: Number(COUNT) }, (_, at) => at + 1);
    for (const number of BACKWARDS ? numbers.reverse() : numbers) yield { number };
  }

  key({ number }: { number: number }): string {
    return `item-${number}`;
  }

  async process({ number }: { number: number }): Promise<number> {
    stamp('begins', number);
    if (number === Number(KILLS_HOST)) process.kill(process.ppid, 'SIGKILL');
    for (let left = Number(NAP_MS); left > 0; left -= BEAT_MS) {
      await sleep(Math.min(left, BEAT_MS));
      if (left > BEAT_MS) stamp('goes on', number);
    }
    stamp('ends', number);
    if (number === Number(FAILS)) throw new Error('this one always fails');
    return 2 * number;
  }

  beforeFork({ number }: WorkerHandle): void {
    console.log(`beforeFork ${number} in ${process.pid}`);
  }

  afterProcess({ number }: { number: number }, result: number): void {
    console.log(result === 2 * number ? `result ${result} in ${process.pid}` : `wrong: ${result} for ${number}`);
  }

  async afterRun(): Promise<void> {
    await sleep(Number(AFTER_MS));
  }

  afterFailure(_: unknown, { message }: { message: string }): void {
    console.log(`failure in ${process.pid}: ${message}`);
  }
}
