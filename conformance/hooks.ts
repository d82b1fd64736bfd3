/**
 * Every hook says in ledger.ndjson, in the folder that the run was started in, in which process it ran and what it was
 * given. The hook that the variable BROKEN names throws.
 */

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ItemError, Outcome, Parallelizable, Run, RunResult, WorkerExit, WorkerHandle, WorkerSelf } from '#divvy';

export default class Hooks implements Parallelizable<string, string> {
  beforeRun({ workers }: Run): void {
    note('beforeRun', { workers });
  }

  beforeFork(worker: WorkerHandle): void {
    worker.env['FROM_THE_MASTER'] = `to worker ${worker.number}`;
    note('beforeFork', { number: worker.number });
  }

  afterFork({ number }: WorkerSelf): void {
    note('afterFork', { number, got: process.env['FROM_THE_MASTER'] });
  }

  *dispatch(): Generator<string> {
    yield 'good';
    yield 'bad';
  }

  async process(item: string): Promise<string> {
    note('process', { item });
    if (item === 'bad') throw new TypeError('it is bad', { cause: new Error('the cause') });
    return `made of ${item}`;
  }

  async afterProcess(item: string, result: string, { key }: Outcome): Promise<void> {
    await sleep(100);
    const file = 'journal.ndjson';
    const journal = existsSync(file) ? readFileSync(file, 'utf8') : '';
    const recorded = journal.split('\n').some((line) => line.startsWith('{"type":"done"') && line.includes(key));
    note('afterProcess', { item, result, key, recorded });
  }

  afterFailure(item: string, { name, message, cause }: ItemError): void {
    note('afterFailure', { item, error: `${name}: ${message}`, cause: cause?.message });
  }

  beforeExit({ number }: WorkerSelf): void {
    note('beforeExit', { number });
  }

  afterExit({ number, running }: WorkerHandle, { code }: WorkerExit): void {
    note('afterExit', { number, running, code });
  }

  afterRun(_run: Run, { counts }: RunResult): void {
    note('afterRun', { done: counts.done, failed: counts.failed });
  }
}

function note(what: string, given: object): void {
  appendFileSync('ledger.ndjson', `${JSON.stringify({ what, ...given, pid: process.pid })}\n`);
  if (process.env['BROKEN'] === what) throw new Error(`${what} is broken`);
}
