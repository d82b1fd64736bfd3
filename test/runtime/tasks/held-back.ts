import { setTimeout as sleep } from 'node:timers/promises';
import { type ItemContext, type Parallelizable, RateLimited } from '#divvy';

const [how = '', ...answers] = process.argv.slice(2);
let starts = 0;

/** Six items, and what holds them back: `throttle` with its answers, or the first item, which throws an error that asks to wait, or takes long. */
export default class HeldBack implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= (how === 'one' ? 1 : 6); item++) yield item;
  }

  async throttle(): Promise<number> {
    if (how === 'retried') console.log(`throttle 0 at ${Date.now()}`);
    if (how === 'slow-throttle') {
      console.log(`throttle at ${Date.now()}`);
      await sleep(Number(answers[0]));
    }
    if (how !== 'throttle') return 0;
    const answer = answers.shift() ?? '0';
    console.log(`throttle ${answer} at ${Date.now()}`);
    if (answer === 'throws') throw new Error('the replica is gone');
    if (answer === 'never') await new Promise(() => {});
    return JSON.parse(answer) as number;
  }

  async process(item: number, { attempt }: ItemContext): Promise<void> {
    starts += 1;
    console.log(`item ${item} attempt ${attempt} at ${Date.now()}`);
    // A retry may be in another process; what was limited counts no attempt, and is tried with one worker.
    if (item !== 1 || attempt > 1 || (how === 'limited' && starts > 1)) return;
    await sleep(1); // so that it is not over before anything else could begin
    const ms = Number(answers[0]);
    if (how === 'slow') await sleep(ms);
    if (how === 'blocks') for (const end = performance.now() + ms; performance.now() < end; );
    if (how === 'retried') throw Object.assign(new Error('once'), { retryAfterMs: 1100 });
    if (how === 'limited') throw new RateLimited(ms);
    if (how === 'asks') throw Object.assign(new Error('later'), { retryAfterMs: ms });
  }
}
