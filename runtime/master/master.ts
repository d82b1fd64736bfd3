/**
 * The master: pulls items from `dispatch`, boots workers as items need them, hands items out, and stops it all in an
 * orderly way. Runs in the process that the user started.
 *
 * Whatever happens (a message, an exit, a signal, a timer) is noted down and wakes the one loop, `#loop`, which acts on
 * it: signals first, then the reaped workers, then the journal's lines, then the next items, then what the delivery rules
 * command (pool.ts carries it out).
 */

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DivvyError,
  dispatchThrew,
  exitCodeOf,
  hookThrew,
  masterRunsOnce,
  mustBe,
  Shutdown,
  TaskError,
  toItemError,
  windowsNeedsWsl,
} from '../errors.ts';
import type { Observed, RunEvent } from '../events.ts';
import { Recording } from '../journal/recording.ts';
import type { MasterOptions, Settings } from '../options.ts';
import type { Counts, ItemError, Run, RunResult } from '../parallelizable.ts';
import { installSignalTraps, resetSignalTraps, type SignalRow } from '../signals.ts';
import { moduleFrom } from '../task/imports.ts';
import { projectImports } from '../task/project.ts';
import { type AnyTask, loadTask, needFolder } from '../task/task.ts';
import { reportTo } from '../text/report.ts';
import type { TakenOver } from '../text/shell.ts';
import { linesTo } from '../text/terminal.ts';
import { grouped, plural, seconds } from '../text/words.ts';
import { type Body, encodeValue } from '../wire/codec.ts';
import type { Server } from '../wire/server.ts';
import { socketPathFor } from '../wire/socket-path.ts';
import { Delivery } from './delivery.ts';
import { Dispatching } from './dispatching.ts';
import { Intake, type Taken } from './intake.ts';
import { Output } from './output.ts';
import { aheadAt, isQuick } from './pace.ts';
import { needPermissions } from './permissions.ts';
import { Crew } from './pool.ts';
import { type Load, Settling } from './settling.ts';
import { Spare } from './spare.ts';
import { LOOK_EVERY_MS } from './timeouts.ts';
import { type BootWorker, environmentOf, forkWorkers, startProcess, type Worker } from './worker.ts';

/** What a timer of Node.js can wait at most; a longer one would go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** How long a forceful stop waits for hooks once every worker has been killed, in milliseconds. */
const FORSAKE_AFTER_MS = 2000;
/** How long a forceful stop waits for whoever reads the output, in milliseconds. */
const DISCARD_AFTER_MS = 1000;
/** How long a `dispatch` that waits is waited for where nothing is in progress, in milliseconds. */
const DISPATCH_PATIENCE_MS = 1000;
/** Within so many milliseconds a signal is the same keypress, come again by way of npm. */
const SAME_KEYPRESS_MS = 500;
/** How often workers in which items wait are looked at, in milliseconds. */
const SILENCE_EVERY_MS = 20;
/** The exit codes of what a run can fail with, the first that holds first. */
const FAULT_CODES: readonly number[] = [74, 75, 70, 69, 2];
/** A share of failed items is not looked at before so many have ended. */
const HALT_SHARE_AFTER = 100;

/** The master of one run. Public. */
export class Master {
  readonly socket: string;
  readonly verbose: boolean;

  readonly #taskFile: string;
  readonly #settings: Settings;
  readonly #delivery: Delivery<Load>;
  readonly #crew: Crew;
  readonly #observe: (event: RunEvent) => void;
  #run: Run;
  #began = false;
  #beganAt = 0;
  /** What is loaded before the task file. */
  #imports: readonly string[] = [];
  #task!: AnyTask; // set by run() before anything that reads it
  #settling!: Settling; // likewise
  #intake!: Intake; // likewise
  readonly #recording: Recording;
  /** `dispatch` came to its own end: nothing is left to dispatch. */
  #dispatchedAll = false;
  /** `dispatch` threw: the run stops when what it had yielded has been begun. */
  #dispatchThrew: DivvyError | undefined;
  /** There is nothing to dispatch, and nothing to say but so. */
  #nothingToDo = false;
  /** The first worker's process, until that worker is booted. */
  #spare: Spare | undefined;
  #overdueTimer: NodeJS.Timeout | undefined;
  #silenceTimer: NodeJS.Timeout | undefined;
  #server: Server | undefined;
  #dispatching: Dispatching | undefined;
  #dispatchStopped: Promise<void> | undefined;
  #outputs: { readonly stdout: Output; readonly stderr: Output } | undefined;
  /** Nobody reads stdout any more. */
  #readerGone = false;

  #signals: SignalRow[] = [];
  #wakeUp: (() => void) | undefined;
  #awake = false;
  #alarm: NodeJS.Timeout | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #forsakeTimer: NodeJS.Timeout | undefined;
  #discardTimer: NodeJS.Timeout | undefined;
  /** A forceful stop has waited long enough: a hook of the task that hangs is left behind. */
  #forsaken = false;

  #stoppedBy: string | undefined;
  #stoppedAt: number | undefined;
  /** When a stop began that had to wait for items, by performance.now(). */
  #stopBegan: number | undefined;
  /** What the run fails with. */
  #fault: DivvyError | undefined;
  /** A hook that runs at an exit threw. */
  #exitHookFailed = false;

  /**
   * taskFile - the task file's path, relative to the working directory, or its URL.
   * options  - options.ts says what each is for.
   *
   * Throws UsageError for a task file or an option that cannot be, or where the working directory is gone; DivvyError where
   * the run that is to be resumed cannot be.
   */
  constructor(taskFile: string | URL, options: MasterOptions = {}) {
    needFolder();
    this.#taskFile = pathOf(taskFile);
    this.#recording = new Recording(this.#taskFile, options);
    this.#settings = this.#recording.settings;
    this.verbose = this.#settings.verbose;
    if (!this.#settings.inline) needPermissions(this.#settings.socket);
    this.socket = socketPathFor(this.#settings.socket);
    const { concurrency, halt } = this.#settings;
    // A run that is to be halted has nothing on its way that would go on failing.
    const ahead = (pace: number): number => (halt === Infinity ? aheadAt(pace, concurrency) : 0);
    this.#delivery = new Delivery({ ...this.#settings, random: Math.random, ahead, quick: isQuick });
    const observe: (event: Observed) => void =
      options.observe ?? reportTo(linesTo(process.stderr), { verbose: this.verbose, start: false, end: 'unless well' });
    this.#observe = (event) => observe({ at: Date.now(), runId: this.#run.runId, ...event });
    this.#crew = new Crew(this.socket, this.#settings, this.#delivery, {
      observe: this.#observe,
      wake: () => this.#wake(),
      fail: (fault) => this.#fail(fault),
      exitHookThrew: (hook, worker, error) => this.#exitHookThrew(hook, worker, error),
    });
    this.#run = { runId: newRunId(), taskFile: this.#taskFile, workers: this.#settings.workers };
  }

  /** The task's own arguments: those of the run that is resumed, where none were given. */
  get args(): readonly string[] {
    return this.#settings.args;
  }

  /** What it has of the run that is resumed, and was not given. Internal. */
  get takenOver(): TakenOver {
    return this.#recording.takenOver;
  }

  /** Every worker that there may be, 1..n, from the start. */
  get workers(): readonly Worker[] {
    return this.#crew.workers;
  }

  /** Worker processes that exited with a failure status. */
  get failures(): number {
    return this.#crew.failures;
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
   * signal - stops it gracefully when aborted; where the reason is a DivvyError, the run fails with that.
   *
   * Resolves with what it came to, also where some items failed or it was stopped gracefully. Rejects with a DivvyError
   * (TaskError, BootFailure, Shutdown, UsageError), whose `result` says what had been done where it had begun.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RunResult> {
    if (this.#began) throw masterRunsOnce();
    this.#began = true;
    this.#beganAt = performance.now();
    if (process.platform === 'win32') throw windowsNeedsWsl();
    // From now on: what the task does by itself at a signal, when it is loaded, is not what is to happen.
    const record = (row: SignalRow): void => this.#note(() => this.#signals.push(row));
    if (this.#settings.signals) installSignalTraps(record);
    try {
      for (const text of this.#recording.begin()) this.#observe({ type: 'note', text, isProblem: true });
      return await this.#runOnce(signal);
    } finally {
      await this.#spare?.dismiss();
      this.#recording.release();
      // Not before all has been said: npm sends Ctrl+C a second time.
      resetSignalTraps(record);
    }
  }

  async #runOnce(signal: AbortSignal | undefined): Promise<RunResult> {
    const { folder, modules } = projectImports(this.#taskFile);
    this.#imports = [...modules.map((name) => moduleFrom(folder, name)), ...this.#settings.import];
    this.#task = await this.#unlessStopped(loadTask(this.#taskFile, this.#imports));
    this.#spare = this.#spareProcess();
    await this.#openJournal();
    this.#settling = new Settling({
      task: this.#task,
      delivery: this.#delivery,
      journal: this.#recording.journal,
      itemEvents: this.verbose || this.#settings.itemEvents,
      observe: this.#observe,
      fail: (fault) => this.#fail(fault),
      wake: () => this.#wake(),
      isReaderGone: () => this.#readerGone,
    });
    const { stdout, stderr } = this.#openOutputs();
    const aborted = (): void => {
      if (signal?.reason instanceof DivvyError) this.#fail(signal.reason);
      else this.#stop('abort', 'gracefully');
    };
    try {
      const boot = await this.#bootOf(stdout, stderr);
      this.#crew.begin({
        task: this.#task,
        taskFile: this.#taskFile,
        boot,
        settling: this.#settling,
        journal: this.#recording.journal,
      });
      signal?.addEventListener('abort', aborted);
      if (signal?.aborted) aborted();
      await this.#begin();
      await this.#loop();
      await this.#windUp();
    } finally {
      clearTimeout(this.#alarm);
      clearTimeout(this.#graceTimer);
      clearTimeout(this.#forsakeTimer);
      clearTimeout(this.#discardTimer);
      clearInterval(this.#overdueTimer);
      clearInterval(this.#silenceTimer);
      signal?.removeEventListener('abort', aborted);
      await this.#server?.stopServer();
      stdout.release();
      stderr.release();
      await this.#endJournal();
    }
    return this.#conclude();
  }

  /** Nothing has begun yet, and the task's code may wait for ever: a signal that stops a run ends it at once. */
  async #unlessStopped<T>(loading: Promise<T>): Promise<T> {
    let isLoaded = false;
    loading.then(
      () => this.#note(() => (isLoaded = true)),
      () => this.#note(() => (isLoaded = true)),
    );
    while (!isLoaded) {
      const stops = this.#signals.find(({ signal, action }) => {
        const isIgnored = signal === 'SIGHUP' && this.#settings.ignoreHup;
        return (action === 'graceful' || action === 'forceful') && !isIgnored;
      });
      if (stops) {
        this.#stoppedBy = stops.signal;
        const fault = new Shutdown(stops.signal, exitCodeOf(stops.signal));
        fault.result = {
          counts: this.counts,
          runId: this.#run.runId,
          exitCode: fault.exitCode,
          stoppedBy: stops.signal,
        };
        throw fault;
      }
      await this.#wakening();
    }
    return loading;
  }

  /** Says what the run came to; returns it, or throws what the run fails with. */
  #conclude(): RunResult {
    const result = this.#result();
    this.#settling.abandon();
    const { failedBefore, leftBehind, skippedDone, skippedFailed } = this.#intake;
    const note = (text: string): void => this.#observe({ type: 'note', text });
    if (failedBefore > 0)
      note(
        `${plural(failedBefore, 'item')} had already failed; retry ${failedBefore === 1 ? 'it' : 'them'} with --retry-failed`,
      );
    if (leftBehind > 0)
      note(
        `${plural(leftBehind, 'item')} ${leftBehind === 1 ? 'is' : 'are'} not processed yet; --resume does the rest`,
      );
    this.#observe({
      type: 'ended',
      result,
      durationMs: performance.now() - this.#beganAt,
      skipped: { done: skippedDone, failed: skippedFailed, left: leftBehind },
    });
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
    const gone = ({ code, message }: NodeJS.ErrnoException): void => {
      this.#readerGone = true;
      if (code !== 'EPIPE')
        this.#observe({ type: 'note', text: `stdout cannot be written: ${message}`, isProblem: true });
      if (this.#delivery.stopping === 'no') this.#stop('stdout closed', 'gracefully');
    };
    const moved = (): void => this.#wake();
    const stdout = new Output(process.stdout, true, { gone, moved });
    const stderr = new Output(process.stderr, false, { gone: () => {}, moved });
    this.#outputs = { stdout, stderr };
    return this.#outputs;
  }

  async #openJournal(): Promise<void> {
    const opened = await this.#recording.open(this.#run.runId, (error) => this.#fail(error));
    const { runId, mode, keys, notes } = opened;
    this.#nothingToDo = opened.nothingToDo;
    this.#run = { ...this.#run, runId };
    for (const text of notes) this.#observe({ type: 'note', text });
    this.#intake = new Intake({ task: this.#task, keys, mode, limit: this.#settings.limit });
  }

  async #endJournal(): Promise<void> {
    try {
      const result = this.#result();
      // A hook that was left behind has taken its item's outcome with it.
      const complete = this.#dispatchedAll && this.#intake.leftBehind === 0 && result.counts.unfinished === 0;
      await this.#recording.journal?.end(result, complete);
    } catch (error) {
      this.#faultIs(error as DivvyError);
    }
  }

  /** None where there may be nothing for it to do, or where a hook has a say before it is forked. */
  #spareProcess(): Spare | undefined {
    const { inline, dryRun } = this.#settings;
    const [first] = this.workers;
    if (inline || dryRun || this.#task.beforeRun || this.#task.beforeFork || !first) return undefined;
    return new Spare(startProcess, environmentOf(first));
  }

  async #bootOf(stdout: Output, stderr: Output): Promise<BootWorker> {
    if (this.#settings.inline) {
      const { bootInline } = await import('./inline.ts');
      return bootInline(this.#task, this.#settings, stdout, () => this.#wake());
    }
    const { args, concurrency, maxItemBytes, timeoutMs, recycleAfter, recycleAboveBytes } = this.#settings;
    const { startServer } = await import('../wire/server.ts'); // while the spare loads what it needs
    this.#server = await startServer(this.socket, this.#settings.socket === undefined, maxItemBytes);
    return forkWorkers(
      this.#server,
      {
        taskFile: this.#taskFile,
        imports: this.#imports,
        args,
        concurrency,
        maxItemBytes,
        timeoutMs,
        recycleAfter,
        recycleAboveBytes,
      },
      { stdout, stderr },
      this.#spare,
    );
  }

  async #begin(): Promise<void> {
    let hook = 'beforeRun';
    try {
      await this.#wait(async () => this.#task.beforeRun?.(this.#run));
      hook = 'total';
      const given = await this.#wait(async () => this.#task.total?.());
      // Infinity or NaN: the task does not know, or dispatch has no end.
      const total = Number.isFinite(given) && Number(given) >= 0 ? given : undefined;
      const socket = this.#settings.inline ? undefined : this.socket;
      this.#observe({
        type: 'started',
        runId: this.#run.runId,
        pid: process.pid,
        workers: this.workerCount,
        socket,
        journal: this.#recording.journal?.file,
        total,
        keys: this.#task.key ? 'own' : this.#recording.journal ? 'hashed' : 'none',
      });
    } catch (error) {
      this.#fail(hookThrew(hook, error));
      return;
    }
    if (this.#nothingToDo) this.#delivery.closed();
    if (this.#nothingToDo || this.#delivery.stopping !== 'no') return;
    if (this.#settings.timeoutMs < Infinity) {
      // Where it was the master that was busy, what has ended by now is read first.
      const look = (): void => void setImmediate(() => this.#crew.timeouts.killOverdue(performance.now()));
      this.#overdueTimer = setInterval(look, LOOK_EVERY_MS);
    }
    this.#silenceTimer = setInterval(() => this.#crew.takeBackFromSilent(), SILENCE_EVERY_MS);
    try {
      this.#dispatching = new Dispatching(this.#settings.items ?? this.#task.dispatch(), {
        wanted: () => this.#delivery.wanted(),
        item: (value) => this.#dispatched(value),
        ended: (error) => {
          this.#delivery.closed();
          this.#dispatchedAll = error === undefined;
          if (error) this.#dispatchThrew = dispatchThrew(error[0], this.#delivery.counts.dispatched);
          this.#wake();
        },
      });
    } catch (error) {
      this.#fail(error instanceof TaskError ? error : dispatchThrew(error, 0));
    }
  }

  async #loop(): Promise<void> {
    for (;;) {
      if (this.#signals.length > 0) {
        this.#actOnSignals();
        // Before the reaped are seen to: Ctrl+C ends workers that boot, too.
        this.#carryOut(performance.now());
      }
      this.#crew.reapWorkers();
      if (this.#settling.turn()) setImmediate(this.#settleOn);
      this.#settling.write();
      this.#haltIfDue();
      this.#delivery.outputIsFull = this.#isFull;
      this.#dispatching?.pull();
      const now = performance.now();
      this.#carryOut(now);
      if (this.#dispatchThrew && this.#delivery.unbegun === 0) this.#fail(this.#dispatchThrew);
      if (this.#delivery.finished || this.#forsaken) return;
      this.#setAlarm(now);
      await this.#wakening();
    }
  }

  /** A turn later outcomes may count that waited for it; where nothing else has happened that is all there is to do. */
  readonly #settleOn = (): void => {
    if (this.#awake) return; // the loop does it, in this turn
    if (this.#settling.turn() && !this.#awake) setImmediate(this.#settleOn); // awake, the loop does it
    this.#settling.write();
    if (this.#delivery.leased === 0 || this.#delivery.wanted() > 0) this.#wake();
  };

  #carryOut(now: number): void {
    for (const command of this.#delivery.plan(now)) this.#crew.carryOut(command);
  }

  /** Waits for the task's own code, and acts on signals meanwhile; no longer than a forceful stop allows. */
  async #wait<T>(act: () => Promise<T>): Promise<T | undefined> {
    let over = false;
    const end = (): void => this.#note(() => (over = true));
    const acting = act();
    acting.then(end, end);
    while (!over && !this.#forsaken) {
      this.#actOnSignals();
      await this.#wakening();
    }
    return over ? acting : undefined;
  }

  async #windUp(): Promise<void> {
    await this.#wait(() => this.#settling.hooksEnded);
    await this.#wait(() => this.#crew.ended());
    if (this.#dispatchStopped) {
      let timer: NodeJS.Timeout | undefined;
      // As long as items in progress had, or for a moment: nothing is in progress any more.
      const left = (this.#stopBegan ?? 0) + this.#settings.killAfterMs - performance.now();
      const ms = Math.max(left, Math.min(DISPATCH_PATIENCE_MS, this.#settings.killAfterMs));
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
      await Promise.race([this.#dispatchStopped, patience]);
      clearTimeout(timer);
    }
    try {
      await this.#wait(async () => this.#task.afterRun?.(this.#run, this.#result()));
    } catch (error) {
      this.#exitHookThrew('afterRun', undefined, toItemError(error));
    }
  }

  #result(): RunResult {
    const { dispatched, done, failed } = this.counts;
    return {
      counts: this.#forsaken ? { ...this.counts, unfinished: dispatched - done - failed } : this.counts,
      runId: this.#run.runId,
      exitCode: this.#exitCode(),
      ...(this.#stoppedBy !== undefined && { stoppedBy: this.#stoppedBy }),
      ...(this.#recording.journal && { journal: this.#recording.journal.file }),
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
    if (this.#awake) return;
    this.#awake = true;
    if (this.#wakeUp) setImmediate(this.#wakeUp);
  }

  /** What else happens in the same turn of the event loop is acted on together with it. */
  async #wakening(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#awake) setImmediate(resolve);
      else this.#wakeUp = resolve;
    });
    this.#wakeUp = undefined;
    this.#awake = false;
  }

  #note(what: () => void): void {
    what();
    this.#wake();
  }

  /** `now` is what the plan went by: what became due since then would be forgotten by a later one. */
  #setAlarm(now: number): void {
    clearTimeout(this.#alarm);
    this.#alarm = undefined;
    const inMs = this.#delivery.wakeAt(now) - now;
    if (inMs > 0 && inMs < Infinity)
      this.#alarm = setTimeout(() => this.#wake(), Math.min(Math.ceil(inMs), LONGEST_TIMER_MS));
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

  #admit(value: unknown, number: number, { key, journalKey, occurrence }: Taken): void {
    let body: Body;
    try {
      body = encodeValue(value, `item ${number}`, this.#settings.maxItemBytes);
    } catch (error) {
      // The hook of a failed item is not given what cannot be carried, but what can be: nothing.
      const nothing = encodeValue(undefined, `item ${number}`, Infinity);
      const item = this.#delivery.dispatchedUnfit({ key, journalKey, occurrence, body: nothing, durationMs: 0 });
      this.#settling.failed(item, toItemError(error));
      return;
    }
    this.#delivery.dispatched({ key, journalKey, occurrence, body, durationMs: 0 }, body.length);
  }

  // ---- stopping ----

  #stop(by: string, how: 'gracefully' | 'forcefully'): void {
    // Of several signals the first counts, and a signal counts more than anything else.
    const first = this.#stoppedBy === undefined || (by.startsWith('SIG') && !this.#stoppedBy.startsWith('SIG'));
    if (first) this.#stoppedBy = by;
    this.#begunToStop(by, how);
  }

  /** What the run fails with: of several the one whose exit code comes first, of these what was thrown first. */
  #faultIs(fault: DivvyError): void {
    const rank = ({ exitCode }: DivvyError): number => FAULT_CODES.indexOf(exitCode);
    if (!this.#fault || rank(fault) < rank(this.#fault)) this.#fault = fault;
  }

  /** The run cannot go on. Items in progress finish. */
  #fail(fault: DivvyError): void {
    this.#faultIs(fault);
    this.#begunToStop(fault.message.split(/[:;]/, 1)[0] ?? fault.message, 'gracefully', true);
  }

  #begunToStop(by: string, how: 'gracefully' | 'forcefully', failing = false): void {
    const already = this.#delivery.stopping === how;
    // Whoever presses Ctrl+C is answered, also where something else has begun to stop the run.
    if (this.#delivery.stopping === 'forcefully' || (already && !by.startsWith('SIG'))) return;
    const isTerm = by === 'SIGTERM';
    const againAfterMs = by.startsWith('SIG') && !isTerm ? this.#settings.forceAfterMs : undefined;
    const waitsFor = `${this.#waitsFor()}${isTerm ? `, at most ${seconds(this.#settings.graceMs)} (--grace)` : ''}`;
    const { inProgress } = this.#delivery;
    const unread = this.#unread;
    this.#observe({ type: 'stopping', by, failing, how, already, inProgress, unread, waitsFor, againAfterMs });
    if (already) return;
    if (inProgress > 0) this.#stopBegan ??= performance.now();
    // What cleaning up throws is of no use to anybody any more.
    this.#dispatchStopped ??= this.#dispatching?.stop().catch(() => {});
    if (how === 'forcefully') {
      this.#crew.killWorkers(by);
      const ms = Math.min(this.#settings.killAfterMs + FORSAKE_AFTER_MS, LONGEST_TIMER_MS);
      this.#forsakeTimer = setTimeout(() => this.#note(() => (this.#forsaken = true)), ms);
      this.#discardTimer = setTimeout(() => this.#discard(), Math.min(this.#settings.killAfterMs, DISCARD_AFTER_MS));
    }
    this.#delivery.stop(how);
    this.#wake();
  }

  /** Whoever reads the output has had long enough: what is not out is lost, and the items that wrote it are unfinished. */
  #discard(): void {
    this.#outputs?.stdout.discard();
    this.#outputs?.stderr.discard();
    this.#wake();
  }

  /** What has been written waits to be read: no item is begun. */
  get #isFull(): boolean {
    return this.#outputs?.stdout.isFull === true || this.#outputs?.stderr.isFull === true;
  }

  /** How many items have ended whose output waits to be read. */
  get #unread(): number {
    return this.#isFull ? this.#delivery.settling : 0;
  }

  /** What a run that is being stopped waits for, in words. */
  #waitsFor(): string {
    const { inProgress } = this.#delivery;
    const running = this.workers.filter((worker) => worker.running).length;
    if (this.#unread > 0) {
      const more = inProgress > 0 ? `${plural(inProgress, 'item')}, and for ` : '';
      return `${more}whoever reads the output of ${plural(this.#unread, 'item')} that ${this.#unread === 1 ? 'has' : 'have'} ended`;
    }
    if (inProgress > 0) return plural(inProgress, 'item');
    return running > 0 && !this.#settings.inline ? `${plural(running, 'worker')} to exit` : 'a hook, or dispatch';
  }

  #haltIfDue(): void {
    const { done, failed } = this.#settling.ended;
    const { halt } = this.#settings;
    if (this.#delivery.stopping !== 'no' || failed === 0) return;
    const share = typeof halt === 'string';
    if (share && done + failed < HALT_SHARE_AFTER) return;
    const reached = share ? (failed / (done + failed)) * 100 >= Number.parseFloat(halt) : failed >= halt;
    if (reached) this.#stop('halt', 'gracefully');
  }

  #exitHookThrew(hook: string, worker: number | undefined, error: ItemError): void {
    this.#exitHookFailed = true;
    this.#observe({ type: 'hook failed', hook, worker, error });
  }

  // ---- signals ----

  #actOnSignals(): void {
    for (const { signal, action } of this.#signals.splice(0)) {
      if (action === 'dump') void this.#dump();
      else if (action === 'more workers') this.#resize(this.workerCount + 1);
      else if (action === 'fewer workers') this.#resize(this.workerCount - 1);
      else if (signal === 'SIGHUP' && this.#settings.ignoreHup)
        this.#observe({ type: 'signal ignored', signal, waitsFor: '', forInMs: undefined });
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
    else if (this.#delivery.inProgress > 0 || now - this.#stoppedAt > SAME_KEYPRESS_MS) {
      this.#observe({ type: 'signal ignored', signal, waitsFor: this.#waitsFor(), forInMs: left });
    }
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
    this.#crew.addWorkers(count);
    this.#observe({ type: 'workers changed', workers: count });
  }

  async #dump(): Promise<void> {
    const asked = this.#dispatching?.askedAt;
    const { dispatched, done, failed } = this.#delivery.counts;
    const forDispatch = asked !== undefined && `dispatch to give an item, for ${seconds(performance.now() - asked)}`;
    const waits = forDispatch || (this.#isFull ? 'its output to be read' : 'its workers');
    const lines = await this.#crew.state();
    lines.push(
      `master (${process.pid}): ${plural(dispatched, 'item')} dispatched, ${grouped(done)} done, ${grouped(failed)} failed`,
      `    waits for ${waits}`,
    );
    this.#observe({ type: 'state', lines });
  }
}

function pathOf(taskFile: string | URL): string {
  try {
    return typeof taskFile === 'string' ? path.resolve(taskFile) : fileURLToPath(taskFile);
  } catch {
    throw mustBe('the task file', 'a path, or a file: URL', taskFile);
  }
}

/** The time, to the second, and four letters: three that say when in the second, and one by chance. */
function newRunId(): string {
  const now = new Date();
  const time = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const inSecond = (now.getMilliseconds() / 1000) * 26 ** 3;
  const letters = [inSecond / 26 ** 2, inSecond / 26, inSecond, Math.random() * 26];
  return `${time}-${letters.map((at) => String.fromCharCode(97 + (Math.floor(at) % 26))).join('')}`;
}
