import { spawn } from 'node:child_process';
import type { Parallelizable } from '#divvy';

const way = process.argv[2] ?? '';

/** One item that writes in the way that the first argument names. */
export default class Writes implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield 1;
  }

  async process(): Promise<void> {
    if (way === 'no newline') process.stdout.write('a\nlast');
    if (way === 'bytes') process.stdout.write(Buffer.from([0, 1, 13, 10, 255, 254, 10, 10, 0xc3, 10, 0xa9]));
    if (way === 'much at the end') process.stdout.write(`${`${'x'.repeat(99)}\n`.repeat(100_000)}end\n`);
    if (way === 'then exit') {
      console.log('written before the exit');
      process.exit(3);
    }
    if (way === 'then uncaught') {
      process.stdout.write('written before the throw');
      setImmediate(() => {
        throw new Error('uncaught');
      });
      await new Promise(() => {});
    }
    if (way === 'grandchild') {
      // It holds this worker's output open for longer than anybody would wait.
      const child = spawn('sleep', ['1000'], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
      child.unref();
      console.log(`grandchild ${child.pid}`);
    }
    if (way === 'chatty grandchild') {
      const child = spawn('sh', ['-c', 'while echo grandchild; do sleep 0.1; done'], {
        detached: true,
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      child.unref();
      console.log(`chatty is ${child.pid}`);
    }
  }
}
