/**
 * All workers of a run: boots them, handles their messages, and reaps them; kills.ts kills them. Runs in the master. Internal;
 * `Master.workers` lists them one by one.
 */

import { BootFailure, type DivvyError, hookThrew, toItemError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { Ledger } from '../journal/ledger.ts';
import { startOf } from '../journal/processes.ts';
import type { Settings } from '../options.ts';
import type { ItemError, WorkerExit } from '../parallelizable.ts';
import { type AnyTask, hashOfTask, textOfTask } from '../task/task.ts';
import { describeExit, seconds } from '../text/words.ts';
import { type CarriedOutcome, errorIn, type ToMaster } from '../wire/messages.ts';
import type { Delivery } from './delivery.ts';
import { type Ended, outcomeOf, type Payload } from './ended.ts';
import type { EngineRole } from './engine-role.ts';
import { Kills } from './kills.ts';
import type { Command } from './rules.ts';
import type { Run } from './run.ts';
import type { Settling } from './settling.ts';
import { Timeouts } from './timeouts.ts';
import { type BootWorker, environmentOf, Worker } from './worker.ts';

/**
 * How long a worker with waiting items may be silent, in milliseconds. Longer than the worker itself waits before it
 * gives items back (processing.ts).
 */
const SILENT_MS = 20;

/** A worker process that has ended. */
interface Exit {
  readonly worker: Worker;
  readonly exit: WorkerExit;
  readonly why: string | undefined;
}

/** What the pool reports to the run. */
export interface PoolEvents {
  readonly observe: (event: RunEvent) => void;
  /** Something happened that the master's loop must handle. */
  readonly wake: () => void;
  /** The run cannot go on. */
  readonly fail: (fault: DivvyError) => void;
  /** A hook that runs at an exit threw. */
  readonly exitHookThrew: (hook: string, worker: number, error: ItemError) => void;
}

/** What the pool needs from a run that has begun. */
export interface PoolRun {
  readonly task: AnyTask;
  readonly taskFile: string;
  readonly boot: BootWorker;
  readonly settling: Settling;
  readonly journal: Ledger | undefined;
  /** Undefined on a single machine. */
  readonly role: EngineRole | undefined;
  /** What the run's trace adds to the environment of workers. */
  readonly traced: NodeJS.ProcessEnv | undefined;
}

/** The workers of one run. */
export class Pool {
  readonly workers: Worker[];
  /** Processes that exited with a failure status. */
  failures = 0;
  readonly #settings: Settings;
  readonly #delivery: Delivery<Payload>;
  readonly #events: PoolEvents;
  #run!: PoolRun; // set by begin(), before the rules send any command
  /** The text of the task file, as the latest worker found it. */
  #taskText: Buffer = Buffer.alloc(0);
  #exits: Exit[] = [];
  /** The running afterExit hook of a worker's last process; the worker's next boot waits for it. */
  readonly #afterExits = new Map<number, Promise<void>>();
  readonly #outputs = new Set<Promise<unknown>>();
  readonly timeouts: Timeouts;
  readonly kills: Kills;
  /** Workers whose lifelines were asked to reclaim items and have not answered. */
  readonly #reclaiming = new Set<Worker>();

  /** workers - the workers that exist from the start. */
  constructor(workers: Worker[], settings: Settings, delivery: Delivery<Payload>, events: PoolEvents) {
    this.workers = workers;
    this.#settings = settings;
    this.#delivery = delivery;
    this.#events = events;
    this.timeouts = new Timeouts(settings, delivery, workers);
    this.kills = new Kills(settings, delivery, workers, this.timeouts);
  }

  begin(run: PoolRun): void {
    this.#run = run;
    this.#taskText = textOfTask(run.taskFile);
  }

  /** Resolves when the hooks after exits have run and all worker output has been passed on. */
  async ended(): Promise<void> {
    await Promise.all([...this.#afterExits.values(), ...this.#outputs]);
  }

  /** From now on there are at least `count` workers. */
  addWorkers(count: number): void {
    const socket = this.workers[0]?.socket ?? '';
    while (this.workers.length < count) this.workers.push(new Worker(this.workers.length + 1, socket));
  }

  /** Carries out a command of the delivery rules. */
  carryOut(command: Command<Payload>): void {
    const worker = this.workers[command.worker - 1];
    if (!worker) return;
    switch (command.do) {
      case 'boot':
        void this.#bootWorker(worker);
        return;
      case 'hand': {
        const { runs, batchAcks } = command;
        if (this.#settings.verbose || this.#settings.itemEvents) {
          const numbers = runs.flatMap(({ number, payloads }) => payloads.map((_, index) => number + index));
          this.#events.observe({ type: 'items handed', worker: worker.number, numbers });
        }
        const hasKeys = this.#run.task.key !== undefined || this.#settings.tag;
        const carried = runs.map(({ number, starts, payloads }) => ({ number, attempt: starts, hasKeys, payloads }));
        worker.process?.send({ kind: 'items', batchAcks, runs: carried });
        return;
      }
      case 'drain':
        this.kills.drain(worker);
        return;
      case 'expect exit':
        this.kills.expectExit(worker);
    }
  }

  /** Gives the worker a process. The run may be stopped while the hook before it runs. */
  async #bootWorker(worker: Worker): Promise<void> {
    await this.#afterExits.get(worker.number);
    worker.env = environmentOf(worker, this.#run.traced);
    try {
      await this.#run.task.beforeFork?.(worker);
    } catch (error) {
      this.#events.fail(hookThrew('beforeFork', error));
    }
    if (this.#delivery.stopping !== 'no') {
      this.kills.gone(worker); // it was told to exit, but there is no process to kill
      this.#delivery.notForked(worker.number);
      this.#events.wake();
      return;
    }
    this.#lookAtTask();
    worker.ready = false;
    const running = this.#run.boot(worker, {
      said: (message) => {
        if (worker.process === running) this.#said(worker, message);
      },
      reclaimed: (claimed) => {
        if (worker.process === running) this.#reclaimed(worker, claimed);
      },
      backpressure: (backpressure) => {
        this.#delivery.backpressure(worker.number, backpressure);
        this.#events.wake();
      },
      exited: (exit, why) => {
        this.#exits.push({ worker, exit, why });
        this.#events.wake();
      },
    });
    worker.process = running;
    this.#run.role?.booted?.(worker);
    this.#delivery.forked();
    const { ended } = running.output;
    if (ended) {
      this.#outputs.add(ended);
      void ended.then(() => this.#outputs.delete(ended));
    }
    if (this.#run.journal && running.pid !== undefined && !this.#settings.inline) {
      this.#run.journal.add({
        type: 'worker',
        worker: worker.number,
        pid: running.pid,
        started: startOf(running.pid) ?? '',
      });
    }
    this.#events.observe({ type: 'worker forked', worker: worker.number, pid: running.pid });
  }

  /**
   * A worker runs the task file as it is when it boots. If somebody has changed it meanwhile, report and record that.
   */
  #lookAtTask(): void {
    const { taskFile } = this.#run;
    let text: Buffer;
    try {
      text = textOfTask(taskFile);
    } catch {
      return; // the file is gone; the worker will report it
    }
    if (text.equals(this.#taskText)) return;
    this.#taskText = text;
    this.#run.journal?.add({
      type: 'task changed',
      at: new Date().toISOString(),
      taskHash: hashOfTask(taskFile, text),
    });
    this.#events.observe({
      type: 'note',
      text: 'the task file has changed: workers that start from now on run the new code',
    });
  }

  /**
   * Takes back the items that wait behind one that blocks its worker's main thread, for workers that are free. The
   * worker can't give them back itself, as it does when an item only waits for something.
   */
  reclaimFromSilent(): void {
    this.#reclaim(this.#delivery.silent(performance.now(), SILENT_MS));
  }

  /** Takes back what waits in these workers. */
  #reclaim(numbers: readonly number[]): void {
    for (const number of numbers) {
      const worker = this.workers[number - 1];
      if (!worker?.process || this.#reclaiming.has(worker)) continue;
      this.#reclaiming.add(worker);
      worker.process.reclaim();
    }
  }

  #reclaimed(worker: Worker, claimed: number | null): void {
    this.#reclaiming.delete(worker);
    if (claimed === null) return;
    const numbers = this.#delivery.slot(worker.number).handedBehind(claimed);
    worker.process?.send({ kind: 'forget' }); // it comes after all earlier items: the worker keeps what it gets next
    this.#nacked(worker, numbers);
    this.#events.wake();
  }

  /** Items come back unstarted. */
  #nacked(worker: Worker, numbers: readonly number[]): void {
    for (const item of this.#delivery.nacked(worker.number, numbers, performance.now())) {
      this.timeouts.ended(worker, item.number, 1);
      this.#run.settling.failed(item, this.timeouts.errorOf(true), worker.process?.output);
    }
  }

  /** Cancels the items in progress that have this key. Returns them, with their workers. */
  cancel(key: string): { worker: Worker; number: number }[] {
    const items = this.#delivery.slots.flatMap((slot) =>
      slot.inProgress.flatMap(({ number }) => {
        const worker = this.workers[slot.number - 1];
        const isIt = worker && slot.single(number)?.payloads[0]?.key === key;
        return isIt && this.#delivery.cancel(slot.number, number) ? { worker, number } : [];
      }),
    );
    for (const { worker, number } of items) this.timeouts.cancel(worker, number);
    return items;
  }

  #said(worker: Worker, message: ToMaster): void {
    switch (message.kind) {
      case 'hello':
        return; // server.ts has checked it
      case 'ready':
        this.#events.observe({ type: 'worker ready', worker: worker.number });
        this.#delivery.ready(worker.number);
        worker.ready = true;
        this.kills.ready(worker, performance.now());
        break;
      case 'boot failed':
        this.#events.observe({ type: 'boot failed', worker: worker.number, error: message.error });
        break;
      case 'outcomes':
        this.#ended(worker, message.outcomes);
        break;
      case 'overdue':
        this.timeouts.ask(worker, message.number);
        break;
      case 'open lines':
        worker.process?.output.openTo(message.numbers);
        break;
      case 'uncaught':
        worker.uncaught = message.error;
        break;
      case 'leaving':
        this.#delivery.leaving(worker.number);
        break;
      case 'nack':
        this.#nacked(worker, message.numbers);
        break;
      case 'hook failed':
        this.#events.exitHookThrew(message.hook, worker.number, message.error);
    }
    this.#events.wake();
  }

  /** Handles the processes that have ended since the last call. */
  reapWorkers(): void {
    for (const { worker, exit, why } of this.#exits.splice(0)) {
      this.kills.gone(worker);
      const { process: ended, uncaught } = worker;
      worker.process = undefined;
      worker.uncaught = undefined;
      worker.status = exit;
      if (exit.code !== 0) this.failures += 1;
      const now = performance.now();
      const timedOut = this.timeouts.exited(worker, now);
      this.#reclaiming.delete(worker);
      const { crashed, started, failed, bootFailure, bootInMs } = this.#delivery.exited(worker.number, now, timedOut);
      const inOrder = !crashed && exit.code === 0;
      // Kill what its items have started, unless the worker left in good order. A resume after a crash of the master
      // goes by the same.
      if (!inOrder) ended?.killGroup();
      if (ended?.pid !== undefined && !this.#settings.inline)
        this.#run.journal?.add({ type: 'exit', worker: worker.number, pid: ended.pid, ...exit, inOrder });
      const how = `worker ${worker.number} ${describeExit(exit)}`;
      if (crashed || timedOut) {
        this.#events.observe({
          type: 'worker died',
          worker: worker.number,
          exit,
          why: timedOut ? this.timeouts.whyKilled(failed) : why,
          error: uncaught,
          items: started.map((item) => item.number),
          keys: started.flatMap(({ payloads: [payload] }) => payload?.key || []),
          bootInMs,
        });
      } else if (exit.code === 0 || !worker.ready || this.#delivery.stopping === 'forcefully') {
        this.#events.observe({ type: 'worker exited', worker: worker.number, exit });
      } else this.#leftBadly(worker, exit, why);
      for (const item of failed) {
        const isUp = item.cancelled || timedOut !== undefined;
        const error = isUp ? this.timeouts.errorOf(item.cancelled) : workerDied(how, item.crashes, uncaught);
        this.#run.settling.failed(item, error, ended?.output);
      }
      if (bootFailure) {
        this.#events.fail(new BootFailure(this.#delivery.counts.spawned, how, this.#settings.inline));
      }
      this.#afterExits.set(worker.number, this.#runAfterExit(worker, exit));
    }
  }

  /** The worker was asked to exit, but something ended it first. */
  #leftBadly(worker: Worker, exit: WorkerExit, why = 'on its way out'): void {
    if (!this.#run.task.beforeExit)
      this.#events.observe({ type: 'worker died', worker: worker.number, exit, why, items: [], keys: [], bootInMs: 0 });
    else this.#events.exitHookThrew('beforeExit', worker.number, cutShort(exit));
  }

  async #runAfterExit(worker: Worker, exit: WorkerExit): Promise<void> {
    try {
      await this.#run.task.afterExit?.(worker, exit);
    } catch (error) {
      this.#events.exitHookThrew('afterExit', worker.number, toItemError(error));
    }
  }

  #ended(worker: Worker, outcomes: readonly CarriedOutcome[]): void {
    const now = performance.now();
    const outlet = worker.process?.output;
    if (!outlet) return;
    const ended: Ended[] = [];
    for (const { number, count, how, durationMs, body, by } of outcomes) {
      this.timeouts.ended(worker, number, count);
      if (how === 'done') {
        const runs = this.#delivery.acked(worker.number, number, count, now, durationMs);
        for (const run of runs) ended.push({ run: doneBy(run, by), result: body, error: undefined });
      } else {
        const error = errorIn(body);
        const verdict = this.#delivery.threw(worker.number, number, how, now, durationMs, error.retryAfterMs);
        if (verdict?.failed) ended.push({ run: doneBy(verdict.run, by), result: body, error });
        else if (verdict && how === 'rate limited') this.#rateLimited(number, error);
        else if (verdict) this.#retried(verdict.run, error);
      }
    }
    if (ended.length > 0) this.#run.settling.settle(ended, outlet);
  }

  /** Nobody begins an item for a while, so what waits in workers is taken back, too. */
  #rateLimited(number: number, error: ItemError): void {
    if (this.#delivery.stopping !== 'no') return;
    const ms = Math.max(0, this.#delivery.gate.closedUntil('RateLimited') - performance.now());
    this.#events.observe({ type: 'held back', by: 'RateLimited', ms, number, error });
    this.reclaimAll();
  }

  /** Takes back what waits in workers: nothing is to start now. */
  reclaimAll(): void {
    this.#reclaim(this.#delivery.slots.filter((slot) => slot.held > slot.concurrency).map((slot) => slot.number));
  }

  #retried(run: Run<Payload>, error: ItemError): void {
    this.#run.journal?.retried(run, error);
    if (this.#settings.verbose || this.#settings.itemEvents)
      this.#events.observe({ type: 'item retried', outcome: outcomeOf(run, 0), error });
  }

  /** Returns what each worker is doing, and where in its code. Works even for one that is stuck in a loop: stack.ts. */
  async state(): Promise<string[]> {
    const now = performance.now();
    const running = this.workers.filter((worker) => worker.running);
    const of = running.map(async (worker) => {
      const items = this.#delivery.slot(worker.number).inProgress;
      const at = items.map((item) => `item ${item.number} for ${seconds(now - item.startedAt)}`);
      return [`worker ${worker.number} (${worker.pid}): ${at.join(', ') || 'no item'}`, ...(await worker.stack())];
    });
    return (await Promise.all(of)).flat();
  }
}

/** Notes in which worker the items ended, if another master knows that. */
function doneBy(run: Run<Payload>, by: CarriedOutcome['by']): Run<Payload> {
  if (by) Object.assign(run, { worker: by.worker, starts: by.attempts, crashes: by.crashes });
  return run;
}

function cutShort(exit: WorkerExit): ItemError {
  const limit = exit.signal === 'SIGKILL' ? ' (--kill-after)' : '';
  return { name: 'WorkerDied', message: `the worker ${describeExit(exit)} before it had come to its end${limit}` };
}

function workerDied(how: string, times: number, cause?: ItemError): ItemError {
  return {
    name: 'WorkerDied',
    message: `${how} while on it${times > 1 ? `, ${times} times over` : ''} (--max-crashes)`,
    ...(cause && { cause }),
  };
}
