/**
 * The master: pulls items from `dispatch`, boots workers as items need them, hands items out, and stops it all in an
 * orderly way. Runs in the process that the user started.
 *
 * Whatever happens (a message, an exit, a signal, a timer) is noted down and wakes the one loop, `#loop`, which acts on
 * it: signals first, then the reaped workers, then what the delivery rules command, then the next items.
 */

import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeValue, encodeValue } from './codec.ts';
import { type Command, Delivery } from './delivery.ts';
import { Dispatching } from './dispatching.ts';
import {
  BootFailure,
  type DivvyError,
  describeExit,
  dispatchThrew,
  exitCodeOf,
  hookThrew,
  masterRunsOnce,
  mustBe,
  Shutdown,
  TaskError,
  toItemError,
  windowsNeedsWsl,
} from './errors.ts';
import { Intake, type Taken } from './intake.ts';
import type { Journal } from './journal/journal.ts';
import type { KeySet } from './journal/key-set.ts';
import { openJournal } from './journal/open.ts';
import { startOf } from './journal/processes.ts';
import { type MasterOptions, type Settings, settingsOf } from './options.ts';
import { Output } from './output.ts';
import type { Counts, ItemError, Run, RunResult, WorkerExit } from './parallelizable.ts';
import type { CarriedOutcome, ToMaster } from './protocol.ts';
import { plural, type RunEvent, reportTo, seconds } from './report.ts';
import { type Server, socketPathFor, startServer } from './server.ts';
import { type Load, outcomeOf, Settling } from './settling.ts';
import { installSignalTraps, resetSignalTraps, type SignalRow } from './signals.ts';
import { type AnyTask, loadTask } from './task.ts';
import { type BootWorker, environmentOf, forkWorkers, Worker } from './worker.ts';

/** How often items that are past their timeout are looked for, in milliseconds. */
const OVERDUE_EVERY_MS = 100;
/** A share of failed items is not looked at before so many have ended. */
const HALT_SHARE_AFTER = 100;

/** A process of a worker that has ended. */
interface Exit {
  readonly worker: Worker;
  readonly exit: WorkerExit;
  readonly why: string | undefined;
}

/** The master of one run. Public. */
export class Master {
  /** Every worker that there may be, 1..n, from the start. */
  readonly workers: Worker[];
  /** Worker processes that exited with a failure status. */
  failures = 0;
  readonly socket: string;
  readonly verbose: boolean;

  readonly #taskFile: string;
  readonly #settings: Settings;
  readonly #delivery: Delivery<Load>;
  readonly #observe: (event: RunEvent) => void;
  #run: Run;
  #began = false;
  #task!: AnyTask; // set by run() before anything that reads it
  #settling!: Settling; // likewise
  #intake!: Intake; // likewise
  #journal: Journal | undefined;
  /** `dispatch` came to its own end: nothing is left to dispatch. */
  #dispatchedAll = false;
  /** There is nothing to dispatch, and nothing to say but so. */
  #nothingToDo = false;
  /** By worker: the items that it says ran past their timeout. */
  readonly #timedOut = new Map<number, Set<number>>();
  /** Workers that were killed for such items. */
  readonly #killedOverdue = new Set<number>();
  #overdueTimer: NodeJS.Timeout | undefined;
  #server: Server | undefined;
  #boot!: BootWorker; // likewise
  #dispatching: Dispatching | undefined;
  #dispatchStopped: Promise<void> | undefined;

  #signals: SignalRow[] = [];
  #exits: Exit[] = [];
  #wakeUp: (() => void) | undefined;
  #awake = false;
  #alarm: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;

  #stoppedBy: string | undefined;
  #stoppedAt: number | undefined;
  /** What the run fails with: what was thrown first. */
  #fault: DivvyError | undefined;
  /** A hook that runs at an exit threw. */
  #exitHookFailed = false;
  /** The hook afterExit of a worker's last process; its next boot waits for it. */
  readonly #afterExits = new Map<number, Promise<void>>();
  readonly #outputs = new Set<Promise<unknown>>();

  /**
   * taskFile - the task file's path, relative to the working directory, or its URL.
   * options  - options.ts says what each is for.
   *
   * Throws UsageError for a task file or an option that cannot be.
   */
  constructor(taskFile: string | URL, options: MasterOptions = {}) {
    this.#taskFile = pathOf(taskFile);
    this.#settings = settingsOf(options);
    this.verbose = this.#settings.verbose;
    this.socket = socketPathFor(this.#settings.socket);
    this.workers = [];
    this.#delivery = new Delivery({ ...this.#settings, random: Math.random });
    this.#addWorkers(this.#settings.workers);
    const say = (line: string): void => void process.stderr.write(`${line}\n`);
    this.#observe = options.observe ?? reportTo(say, { verbose: this.verbose, chatty: false });
    this.#run = { runId: newRunId(), taskFile: this.#taskFile, workers: this.#settings.workers };
  }

  /** How many workers there may be. */
  get workerCount(): number {
    return this.#delivery.size;
  }

  /** How the run stands. */
  get counts(): Counts {
    return { ...this.#delivery.counts };
  }

  /** Worker processes that were forked. */
  get spawnCount(): number {
    return this.#delivery.counts.spawned;
  }

  /** Items that were handed out. */
  get tasksDistributed(): number {
    return this.#delivery.distributed;
  }

  /** Whether any worker's process runs. */
  get workersRunning(): boolean {
    return this.workers.some((worker) => worker.running);
  }

  /**
   * Runs the task to its end.
   *
   * signal - stops it gracefully when aborted.
   *
   * Resolves with what it came to, also where some items failed or it was stopped gracefully. Rejects with a DivvyError
   * (TaskError, BootFailure, Shutdown, UsageError), whose `result` says what had been done where it had begun.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RunResult> {
    if (this.#began) throw masterRunsOnce();
    this.#began = true;
    if (process.platform === 'win32') throw windowsNeedsWsl();
    this.#task = await loadTask(this.#taskFile);
    await this.#openJournal();
    this.#settling = new Settling({
      task: this.#task,
      delivery: this.#delivery,
      journal: this.#journal,
      verbose: this.verbose,
      observe: this.#observe,
      fail: (fault) => this.#fail(fault),
      wake: () => this.#wake(),
    });
    const { stdout, stderr } = this.#openOutputs();
    const record = (row: SignalRow): void => this.#note(() => this.#signals.push(row));
    const aborted = (): void => this.#stop('abort', 'gracefully');
    try {
      await this.#chooseBoot(stdout, stderr);
      if (this.#settings.signals) installSignalTraps(record);
      signal?.addEventListener('abort', aborted);
      if (signal?.aborted) aborted();
      await this.#begin();
      await this.#loop();
      await this.#windUp();
    } finally {
      clearTimeout(this.#alarm);
      clearTimeout(this.#graceTimer);
      clearInterval(this.#overdueTimer);
      signal?.removeEventListener('abort', aborted);
      await this.#server?.stopServer();
      resetSignalTraps(record);
      stdout.release();
      stderr.release();
      await this.#endJournal();
    }
    const result = this.#result();
    this.#observe({ type: 'ended', result });
    const fault =
      this.#fault ??
      (this.#delivery.stopping === 'forcefully'
        ? new Shutdown(result.stoppedBy ?? 'shutdown', result.exitCode)
        : undefined);
    if (!fault) return result;
    fault.result = result;
    throw fault;
  }

  /** Stops gracefully: no new items, items in progress finish, workers exit. Does nothing where it is being stopped. */
  shutdown(): void {
    if (this.#delivery.stopping === 'no' && !this.#delivery.finished) this.#stop('shutdown', 'gracefully');
  }

  /** Stops forcefully: items in progress are aborted, their workers killed. `run` rejects with Shutdown. */
  shutdownNow(): void {
    if (!this.#delivery.finished) this.#stop('shutdown', 'forcefully');
  }

  // ---- the run, from its start to its end ----

  #openOutputs(): { stdout: Output; stderr: Output } {
    const readerGone = (): void => {
      if (this.#delivery.stopping === 'no') this.#stop('stdout closed', 'gracefully');
    };
    return { stdout: new Output(process.stdout, readerGone), stderr: new Output(process.stderr, () => {}) };
  }

  async #openJournal(): Promise<void> {
    const { journal: file, resume, retryFailed, args, limit, dryRun } = this.#settings;
    let mode: 'new' | 'resume' | 'retry-failed' = resume ? 'resume' : retryFailed ? 'retry-failed' : 'new';
    let keys: KeySet | undefined;
    if (file !== false) {
      const failed = (error: DivvyError): void => this.#fail(error);
      const runId = this.#run.runId;
      const opened = await openJournal({ taskFile: this.#taskFile, args, runId, file, mode, dryRun, failed });
      for (const text of opened.notes) this.#observe({ type: 'note', text });
      this.#nothingToDo = mode === 'retry-failed' && opened.journal === undefined && !dryRun;
      this.#journal = opened.journal;
      this.#run = { ...this.#run, runId: opened.runId };
      ({ keys, mode } = opened);
    }
    this.#intake = new Intake({ task: this.#task, keys, mode, limit });
  }

  async #endJournal(): Promise<void> {
    try {
      const complete = this.#dispatchedAll && this.#delivery.counts.unfinished === 0;
      await this.#journal?.end(this.#result(), complete);
    } catch (error) {
      this.#fault ??= error as DivvyError;
    }
  }

  async #chooseBoot(stdout: Output, stderr: Output): Promise<void> {
    if (this.#settings.inline) {
      const { bootInline } = await import('./inline.ts');
      this.#boot = bootInline(this.#task, this.#settings);
      return;
    }
    const { args, concurrency, maxItemBytes, timeoutMs, recycleAfter, recycleAboveBytes } = this.#settings;
    this.#server = await startServer(this.socket, this.#settings.socket === undefined, maxItemBytes);
    this.#boot = forkWorkers(
      this.#server,
      { taskFile: this.#taskFile, args, concurrency, maxItemBytes, timeoutMs, recycleAfter, recycleAboveBytes },
      { stdout, stderr },
    );
  }

  async #begin(): Promise<void> {
    let hook = 'beforeRun';
    try {
      await this.#task.beforeRun?.(this.#run);
      hook = 'total';
      const total = await this.#task.total?.();
      const socket = this.#settings.inline ? undefined : this.socket;
      this.#observe({
        type: 'started',
        runId: this.#run.runId,
        pid: process.pid,
        workers: this.workerCount,
        socket,
        total,
      });
    } catch (error) {
      this.#fail(hookThrew(hook, error));
      return;
    }
    if (this.#nothingToDo) this.#delivery.closed();
    if (this.#nothingToDo || this.#delivery.stopping !== 'no') return;
    if (this.#settings.timeoutMs < Infinity) {
      this.#overdueTimer = setInterval(() => this.#killOverdue(), OVERDUE_EVERY_MS);
    }
    try {
      this.#dispatching = new Dispatching(this.#settings.items ?? this.#task.dispatch(), {
        wanted: () => this.#delivery.wanted(),
        item: (value) => this.#dispatched(value),
        ended: (error) => {
          this.#delivery.closed();
          this.#dispatchedAll = error === undefined;
          if (error) this.#fail(dispatchThrew(error[0], this.#delivery.counts.dispatched));
          this.#wake();
        },
      });
    } catch (error) {
      this.#fail(error instanceof TaskError ? error : dispatchThrew(error, 0));
    }
  }

  async #loop(): Promise<void> {
    for (;;) {
      this.#actOnSignals();
      this.#reapWorkers();
      this.#settling.write();
      this.#haltIfDue();
      for (const command of this.#delivery.plan(performance.now())) this.#carryOut(command);
      this.#dispatching?.pull();
      if (this.#delivery.finished) return;
      this.#setAlarm();
      if (!this.#awake) await new Promise<void>((resolve) => (this.#wakeUp = resolve));
      this.#awake = false;
    }
  }

  async #windUp(): Promise<void> {
    await this.#settling.hooksEnded;
    await Promise.all(this.#afterExits.values());
    await Promise.all(this.#outputs);
    if (this.#dispatchStopped) {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#settings.killAfterMs)));
      await Promise.race([this.#dispatchStopped, patience]);
      clearTimeout(timer);
    }
    try {
      await this.#task.afterRun?.(this.#run, this.#result());
    } catch (error) {
      this.#exitHookThrew('afterRun', undefined, error);
    }
  }

  #result(): RunResult {
    return {
      counts: this.counts,
      runId: this.#run.runId,
      exitCode: this.#exitCode(),
      ...(this.#stoppedBy !== undefined && { stoppedBy: this.#stoppedBy }),
      ...(this.#journal && { journal: this.#journal.file }),
    };
  }

  /** The first of errors.ts's list that holds. */
  #exitCode(): number {
    if (this.#stoppedBy?.startsWith('SIG')) return exitCodeOf(this.#stoppedBy);
    if (this.#stoppedBy === 'stdout closed') return 141;
    if (this.#fault) return this.#fault.exitCode;
    const failed = this.#delivery.counts.failed + this.#intake.failedBefore;
    return failed > 0 || this.#exitHookFailed || this.#stoppedBy !== undefined ? 1 : 0;
  }

  // ---- waking ----

  #wake(): void {
    this.#awake = true;
    this.#wakeUp?.();
    this.#wakeUp = undefined;
  }

  #note(what: () => void): void {
    what();
    this.#wake();
  }

  #setAlarm(): void {
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    const inMs = this.#delivery.wakeAt - performance.now();
    if (inMs > 0 && inMs < Infinity) this.#alarm = setTimeout(() => this.#wake(), Math.ceil(inMs));
  }

  // ---- items ----

  #dispatched(value: unknown): void {
    this.#wake();
    const number = this.#delivery.counts.dispatched + this.#delivery.counts.skipped + 1;
    let taken: Taken | undefined;
    try {
      taken = this.#intake.take(value, number);
    } catch (error) {
      this.#fail(error as TaskError);
      return;
    }
    if (!taken || this.#settings.dryRun) this.#delivery.skipped();
    else this.#admit(value, number, taken);
    if (taken && this.#settings.dryRun) this.#observe({ type: 'item', number, value });
    if (this.#intake.full) {
      this.#delivery.closed();
      this.#dispatchStopped ??= this.#dispatching?.stop().catch(() => {});
    }
  }

  #admit(value: unknown, number: number, taken: Taken): void {
    const what = `item ${number}`;
    try {
      this.#delivery.dispatched({
        ...taken,
        body: encodeValue(value, what, this.#settings.maxItemBytes),
        durationMs: 0,
      });
    } catch (error) {
      // The hook of a failed item is not given what cannot be carried, but what can be: nothing.
      const item = this.#delivery.dispatchedUnfit({
        ...taken,
        body: encodeValue(undefined, what, Infinity),
        durationMs: 0,
      });
      this.#settling.failed(item, toItemError(error));
    }
  }

  #ended(worker: Worker, { number, how, durationMs, body }: CarriedOutcome): void {
    if (how === 'done') {
      const item = this.#delivery.acked(worker.number, number);
      if (!item) return;
      item.load.durationMs = durationMs;
      this.#settling.done(item, body);
      return;
    }
    const verdict = this.#delivery.threw(worker.number, number, how === 'threw for good', performance.now());
    if (!verdict) return;
    verdict.item.load.durationMs = durationMs;
    const error = decodeValue(body) as ItemError;
    if (verdict.failed) this.#settling.failed(verdict.item, error);
    else if (this.verbose) this.#observe({ type: 'item retried', outcome: outcomeOf(verdict.item), error });
  }

  // ---- workers ----

  #carryOut(command: Command<Load>): void {
    const worker = this.workers[command.worker - 1];
    if (!worker) return;
    switch (command.do) {
      case 'boot':
        void this.#bootWorker(worker);
        return;
      case 'hand': {
        const items = command.items.map((item) => ({
          number: item.number,
          attempt: item.starts,
          key: item.load.key,
          body: item.load.body,
        }));
        if (this.verbose)
          this.#observe({ type: 'items handed', worker: worker.number, numbers: items.map((item) => item.number) });
        worker.process?.send({ kind: 'items', items });
        return;
      }
      case 'drain':
        worker.process?.send({ kind: 'drain' });
        return;
      case 'expect exit':
        this.#killLater(worker);
    }
  }

  /** Gives the worker a process. The hook before it may take its time, and the run may be stopped meanwhile. */
  async #bootWorker(worker: Worker): Promise<void> {
    await this.#afterExits.get(worker.number);
    worker.env = environmentOf(worker);
    try {
      await this.#task.beforeFork?.(worker);
    } catch (error) {
      this.#fail(hookThrew('beforeFork', error));
    }
    if (this.#delivery.stopping !== 'no') {
      clearTimeout(worker.killTimer); // it was told to exit, and there is nothing to kill
      return this.#note(() => this.#delivery.notForked(worker.number));
    }
    worker.bootedAt = performance.now();
    const running = this.#boot(worker, {
      said: (message) => {
        if (worker.process === running) this.#said(worker, message);
      },
      clogged: (clogged) => this.#note(() => this.#delivery.clogged(worker.number, clogged)),
      exited: (exit, why) => this.#note(() => this.#exits.push({ worker, exit, why })),
    });
    worker.process = running;
    this.#delivery.forked();
    this.#outputs.add(running.outputEnded);
    void running.outputEnded.then(() => this.#outputs.delete(running.outputEnded));
    if (this.#journal && running.pid !== undefined && !this.#settings.inline) {
      this.#journal.add({
        type: 'worker',
        worker: worker.number,
        pid: running.pid,
        started: startOf(running.pid) ?? '',
      });
    }
    this.#observe({ type: 'worker forked', worker: worker.number, pid: running.pid });
  }

  #said(worker: Worker, message: ToMaster): void {
    switch (message.kind) {
      case 'hello':
        return; // server.ts has seen to it
      case 'ready':
        this.#observe({ type: 'worker ready', worker: worker.number });
        this.#delivery.ready(worker.number);
        break;
      case 'boot failed':
        this.#observe({ type: 'boot failed', worker: worker.number, error: message.error });
        break;
      case 'outcomes':
        for (const outcome of message.outcomes) this.#ended(worker, outcome);
        break;
      case 'timed out': {
        const items = this.#timedOut.get(worker.number) ?? new Set();
        this.#timedOut.set(worker.number, items.add(message.number));
        break;
      }
      case 'leaving':
        this.#delivery.leaving(worker.number);
        break;
      case 'returned':
        for (const number of message.numbers) this.#delivery.returned(worker.number, number);
        break;
      case 'hook failed':
        this.#exitHookThrew(message.hook, worker.number, message.error);
    }
    this.#wake();
  }

  #reapWorkers(): void {
    for (const { worker, exit, why } of this.#exits.splice(0)) {
      clearTimeout(worker.killTimer);
      worker.killTimer = undefined;
      worker.process = undefined;
      worker.status = exit;
      if (exit.code !== 0) this.failures += 1;
      const now = performance.now();
      const timedOut = this.#killedOverdue.delete(worker.number) ? this.#itemsToBlame(worker) : undefined;
      this.#timedOut.delete(worker.number);
      const { crashed, inProgress, failed, bootFailure, bootInMs } = this.#delivery.exited(
        worker.number,
        now,
        timedOut,
      );
      const how = `worker ${worker.number} ${describeExit(exit)}`;
      if (crashed || timedOut) {
        const items = inProgress.map((item) => item.number);
        this.#observe({
          type: 'worker died',
          worker: worker.number,
          exit,
          why: timedOut ? 'it ran past its timeout' : why,
          items,
          bootInMs,
        });
      } else {
        this.#observe({ type: 'worker exited', worker: worker.number, exit });
      }
      for (const item of failed) {
        this.#settling.failed(item, timedOut ? this.#timeoutError() : workerDied(how, item.crashes));
      }
      if (bootFailure) this.#fail(new BootFailure(this.failures, how));
      this.#afterExits.set(worker.number, this.#runAfterExit(worker, exit));
    }
  }

  async #runAfterExit(worker: Worker, exit: WorkerExit): Promise<void> {
    try {
      await this.#task.afterExit?.(worker, exit);
    } catch (error) {
      this.#exitHookThrew('afterExit', worker.number, error);
    }
  }

  #killLater(worker: Worker): void {
    worker.killTimer ??= setTimeout(() => worker.kill('SIGKILL'), this.#settings.killAfterMs);
  }

  /** An item that ran past its timeout, and did not obey its signal for the kill delay, takes its worker with it. */
  #killOverdue(): void {
    const { timeoutMs, killAfterMs } = this.#settings;
    for (const item of this.#delivery.overdue(performance.now(), timeoutMs + killAfterMs)) {
      if (this.workers[item.worker - 1]?.kill('SIGKILL')) this.#killedOverdue.add(item.worker);
    }
  }

  /** The items that a killed worker had said ran past their timeout. One that was stuck said nothing: its only item, or none. */
  #itemsToBlame(worker: Worker): ReadonlySet<number> {
    const leases = this.#delivery.slots[worker.number - 1]?.leases ?? [];
    const said = this.#timedOut.get(worker.number);
    const blamed = leases.filter((item) => leases.length === 1 || said?.has(item.number));
    return new Set(blamed.map((item) => item.number));
  }

  #timeoutError(): ItemError {
    return {
      name: 'TimeoutError',
      message: `took longer than ${this.#settings.timeoutMs} ms (--timeout), and did not obey its signal`,
    };
  }

  /** At a forceful stop: whoever is at an item may obey its signal until the kill delay is over; the others go now. */
  #killWorkers(by: string): void {
    for (const worker of this.workers) {
      const busy = (this.#delivery.slots[worker.number - 1]?.leases.length ?? 0) > 0;
      if (!busy) {
        worker.kill('SIGKILL');
        continue;
      }
      worker.process?.send({ kind: 'abort', reason: by });
      this.#killLater(worker);
    }
  }

  #addWorkers(count: number): void {
    for (let number = this.workers.length + 1; number <= count; number++)
      this.workers.push(new Worker(number, this.socket));
  }

  // ---- stopping ----

  #stop(by: string, how: 'gracefully' | 'forcefully'): void {
    this.#stoppedBy ??= by;
    this.#begunToStop(by, how);
  }

  /** What was thrown first is what the run fails with. Items in progress finish. */
  #fail(fault: DivvyError): void {
    this.#fault ??= fault;
    this.#begunToStop(fault.message.split(/[:;]/, 1)[0] ?? fault.message, 'gracefully');
  }

  #begunToStop(by: string, how: 'gracefully' | 'forcefully'): void {
    if (this.#delivery.stopping === 'forcefully' || this.#delivery.stopping === how) return;
    const againAfterMs = this.#stoppedBy?.startsWith('SIG') ? this.#settings.forceAfterMs : undefined;
    this.#observe({ type: 'stopping', by, how, inProgress: this.#delivery.leased, againAfterMs });
    // What cleaning up throws is of no use to anybody any more.
    this.#dispatchStopped ??= this.#dispatching?.stop().catch(() => {});
    if (how === 'forcefully') this.#killWorkers(by);
    this.#delivery.stop(how);
    this.#wake();
  }

  #haltIfDue(): void {
    const { done, failed } = this.#delivery.counts;
    const { halt } = this.#settings;
    if (this.#delivery.stopping !== 'no' || failed === 0) return;
    const share = typeof halt === 'string';
    if (share && done + failed < HALT_SHARE_AFTER) return;
    const reached = share ? (failed / (done + failed)) * 100 >= Number.parseFloat(halt) : failed >= halt;
    if (reached) this.#stop('halt', 'gracefully');
  }

  #exitHookThrew(hook: string, worker: number | undefined, error: unknown): void {
    this.#exitHookFailed = true;
    this.#observe({
      type: 'hook failed',
      hook,
      worker,
      error: error instanceof Error ? toItemError(error) : (error as ItemError),
    });
  }

  // ---- signals ----

  #actOnSignals(): void {
    for (const { signal, action } of this.#signals.splice(0)) {
      if (action === 'dump') void this.#dump();
      else if (action === 'more workers') this.#resize(this.workerCount + 1);
      else if (action === 'fewer workers') this.#resize(this.workerCount - 1);
      else if (signal === 'SIGHUP' && this.#settings.ignoreHup)
        this.#observe({ type: 'signal ignored', signal, forInMs: undefined });
      else if (action === 'forceful') this.#terminate(signal);
      else this.#interrupt(signal);
    }
  }

  #interrupt(signal: string): void {
    const now = performance.now();
    if (this.#stoppedAt === undefined) {
      this.#stoppedAt = now;
      this.#stop(signal, 'gracefully');
      return;
    }
    const left = this.#stoppedAt + this.#settings.forceAfterMs - now;
    if (left <= 0) this.#stop(signal, 'forcefully');
    else if (this.#delivery.leased > 0) this.#observe({ type: 'signal ignored', signal, forInMs: left });
  }

  #terminate(signal: string): void {
    if (this.#settings.graceMs === 0) {
      this.#stop(signal, 'forcefully');
      return;
    }
    this.#stop(signal, 'gracefully');
    this.#graceTimer ??= setTimeout(() => this.#stop(signal, 'forcefully'), this.#settings.graceMs);
  }

  #resize(count: number): void {
    if (count < 1 || this.#delivery.stopping !== 'no') return;
    this.#delivery.resize(count);
    this.#addWorkers(count);
    this.#observe({ type: 'workers changed', workers: count });
  }

  /** Says what each worker is at, and where. A worker that is stuck in a loop answers all the same: lifeline.ts. */
  async #dump(): Promise<void> {
    const now = performance.now();
    const running = this.workers.filter((worker) => worker.running);
    const of = running.map(async (worker) => {
      const items = this.#delivery.slots[worker.number - 1]?.leases ?? [];
      const at = items.map((item) => `item ${item.number} for ${seconds(now - item.leasedAt)}`);
      const stack = (await worker.process?.stack()) ?? '';
      return [`worker ${worker.number} (${worker.pid}): ${at.join(', ') || 'no item'}`, ...stack.split('\n')];
    });
    const asked = this.#dispatching?.askedAt;
    const { dispatched, done, failed } = this.#delivery.counts;
    const master = [
      `master (${process.pid}): ${plural(dispatched, 'item')} dispatched, ${done} done, ${failed} failed`,
      asked === undefined
        ? '    waits for its workers'
        : `    waits for dispatch to give an item, for ${seconds(now - asked)}`,
    ];
    this.#observe({ type: 'state', lines: [...(await Promise.all(of)).flat(), ...master] });
  }
}

function workerDied(how: string, times: number): ItemError {
  return {
    name: 'WorkerDied',
    message: `${how} while on it${times > 1 ? `, ${times} times over` : ''} (--max-crashes)`,
  };
}

function pathOf(taskFile: string | URL): string {
  try {
    return typeof taskFile === 'string' ? path.resolve(taskFile) : fileURLToPath(taskFile);
  } catch {
    throw mustBe('the task file', 'a path, or a file: URL', taskFile);
  }
}

/** The time, to the second, and four letters. */
function newRunId(): string {
  const time = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${time}-${[...randomBytes(4)].map((byte) => String.fromCharCode(97 + (byte % 26))).join('')}`;
}
