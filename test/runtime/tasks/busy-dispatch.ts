import { setTimeout as wait } from 'node:timers/promises';

/** The first item writes more than a pipe holds, while dispatch keeps the master from reading it for five seconds. */
export default class BusyDispatch {
  async *dispatch(): AsyncGenerator<number> {
    yield 1;
    await wait(300);
    for (const end = performance.now() + 5000; performance.now() < end; );
    yield 2;
  }

  async process(item: number): Promise<void> {
    await wait(400);
    if (item === 1) for (let line = 0; line < 100; line++) console.log('x'.repeat(10_000));
    await wait(100);
  }
}
