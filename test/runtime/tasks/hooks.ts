import type { Run, RunResult, WorkerExit, WorkerHandle, WorkerSelf } from '#divvy';
import { type ItemContext, type ItemError, isWorkerProcess, type Outcome, PermanentError } from '#divvy';

const [throwing = '', how = 'sync'] = process.argv.slice(2);

/** Every member says in which process it runs and what it was given; the one that the first argument names throws. */
export default class Hooks {
  total(): Promise<number> | number {
    return note('total', [], 3);
  }
  beforeRun({ taskFile, workers, runId }: Run) {
    return note('beforeRun', [taskFile.endsWith('hooks.ts'), workers, /^\d{8}-\d{6}-[a-z]{4}$/.test(runId)]);
  }
  afterRun(_run: Run, { counts, exitCode }: RunResult) {
    return note('afterRun', [counts.done, counts.failed, exitCode]);
  }
  beforeFork(worker: WorkerHandle) {
    worker.env['FROM_BEFORE_FORK'] = `for worker ${worker.number}`;
    return note('beforeFork', [worker.number, worker.pid, worker.running, worker.status]);
  }
  afterFork({ number, pid }: WorkerSelf) {
    return note('afterFork', [
      number,
      pid === process.pid,
      process.env['FROM_BEFORE_FORK'],
      process.env['DIVVY_WORKER'],
    ]);
  }
  beforeExit({ number, pid }: WorkerSelf) {
    return note('beforeExit', [number, pid === process.pid]);
  }
  afterExit({ number, pid, running }: WorkerHandle, exit: WorkerExit) {
    return note('afterExit', [number, pid, running, exit.code, exit.signal]);
  }
  *dispatch(): Generator<string> {
    note('dispatch', []);
    yield 'good';
    yield 'bad';
    yield 'last';
  }
  process(item: string, { worker, number, attempt }: ItemContext): string {
    if (item === 'bad') {
      const cause = Object.assign(new TypeError('the cause'), { code: 'E_CAUSE' });
      throw Object.assign(new PermanentError('bad indeed', { cause }), { code: 42 });
    }
    note('process', [item, worker, number, attempt]);
    return `${item} result`;
  }
  afterProcess(item: string, result: string, { number, attempts, crashes, worker, durationMs }: Outcome) {
    return note('afterProcess', [item, result, number, attempts, crashes, worker, durationMs >= 0]);
  }
  afterFailure(item: string, { name, message, stack, code, cause }: ItemError, { number, attempts }: Outcome) {
    const error = [name, message, stack?.includes('hooks.ts'), code, cause?.name, cause?.message, cause?.code];
    return note('afterFailure', [item, ...error, number, attempts]);
  }
}

/** Says it at once; what is async takes its time before it counts. */
function note<T>(member: string, given: readonly unknown[], value?: T): T | Promise<T> {
  console.log(`${isWorkerProcess() ? 'worker' : 'master'} ${member} ${given.map(String).join(' ')}`);
  if (how === 'async') return later(member, value as T);
  if (throwing === member && how === 'null') throw null;
  if (throwing === member) throw new RangeError(`${member} is broken`);
  return value as T;
}

async function later<T>(member: string, value: T): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  if (throwing === member) throw new RangeError(`${member} is broken`);
  return value;
}
