import net from 'node:net';
import type { Parallelizable } from '#divvy';

const way = process.argv[2] ?? '';
/** The workers' own pid, for whoever wants to see them end. */
const begun = (): void => console.log(`begun in ${process.pid}`);

if (way === 'import' && process.env['DIVVY_WORKER'] !== undefined) {
  process.stdout.write(`begun in ${process.pid}\n`);
  for (;;);
}

/** Workers that are, in the way that the first argument names, for ever at what does not end by itself. */
export default class Orphaned implements Parallelizable<number> {
  async *dispatch(): AsyncGenerator<number> {
    // As many as workers are forked for at once.
    for (let item = 1; item <= (way === 'idle' ? 1 : 8); item++) yield item;
    if (way === 'idle') await new Promise(() => setInterval(() => {}, 1000));
  }

  async afterFork(): Promise<void> {
    if (way === 'idle') setTimeout(begun, 200);
    if (way === 'afterFork') {
      begun();
      for (;;);
    }
  }

  async process(): Promise<void> {
    if (way === 'idle') return;
    begun();
    if (way === 'await') await new Promise(() => setInterval(() => {}, 1000));
    if (way === 'loop') for (;;);
    if (way === 'wait') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    if (way === 'open') {
      // Whatever a task may have open, and ears for every signal and for its own end.
      const server = net.createServer().listen(0);
      setInterval(() => {}, 1000);
      for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.on(signal, () => {});
      process.on('exit', () => {
        for (;;);
      });
      process.on('uncaughtException', () => {});
      await new Promise((resolve) => server.on('close', resolve));
    }
  }
}
