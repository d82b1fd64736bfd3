import fs from 'node:fs';
import type { Parallelizable, WorkerHandle } from '#divvy';

/** Says what it finds itself in: once in the master, and once in a worker. */
export default class Environment implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    say('master');
    yield 1;
  }

  beforeFork(worker: WorkerHandle): void {
    worker.env['FROM_HOOK'] = `for worker ${worker.number}, pid ${worker.pid}`;
    delete worker.env['REMOVED'];
  }

  process(): void {
    say('worker');
  }
}

function say(who: string): void {
  const { DIVVY_WORKER, FORCE_COLOR, FROM_HOOK, REMOVED, NODE_OPTIONS } = process.env;
  const env = { DIVVY_WORKER, FORCE_COLOR, FROM_HOOK, REMOVED, NODE_OPTIONS };
  const inspector = process.execArgv.filter((arg) => arg.startsWith('--inspect'));
  const stdin = who === 'worker' ? fs.readFileSync(0, 'utf8') : undefined;
  console.log(
    `${who} ${JSON.stringify({ argv: process.argv.slice(2), file: process.argv[1], inspector, stdin, env })}`,
  );
}
