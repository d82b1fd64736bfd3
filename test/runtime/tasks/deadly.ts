import type { ItemContext, Parallelizable } from '#divvy';

const OF = Number(process.argv[3] ?? 6);

/** Items of which the third ends its worker, in the way that the first argument names; the others take a moment. */
export default class Deadly implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= OF; item++) yield item;
  }

  async process(item: number, { attempt }: ItemContext): Promise<void> {
    if (item === 3) {
      console.log(`item 3 in ${process.pid}, attempt ${attempt}`);
      await die(process.argv[2] ?? '');
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
    console.log(`done ${item}`);
  }
}

async function die(way: string): Promise<void> {
  if (way === 'exit 0') process.exit(0);
  if (way === 'exit 3') process.exit(3);
  if (way === 'SIGKILL') process.kill(process.pid, 'SIGKILL');
  if (way === 'SIGSEGV') process.kill(process.pid, 'SIGSEGV');
  if (way === 'abort') process.abort();
  if (way === 'exception')
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
  if (way === 'rejection') void Promise.reject(new Error('nobody awaits this'));
  if (way === 'memory') {
    const all: unknown[] = [];
    for (;;) all.push(new Array(1000).fill({}));
  }
  if (way === 'socket') for (const handle of process.getActiveResourcesInfo()) console.log(handle);
  await new Promise(() => setInterval(() => {}, 1000));
}
