/**
 * The loop of one run. Every event is recorded and wakes the loop (wakeup.ts). The loop then handles, in this order:
 * signals, workers that have exited, outcomes and journal lines, the next items, and the commands of the delivery
 * rules, which pool.ts carries out. Runs in the master. Internal.
 *
 * This file is loaded while the spare process, if there is one, loads its own; master.ts does what comes before.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { DivvyError, hookThrew, Shutdown, toItemError } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { Opened, Recording } from '../journal/recording.ts';
import type { Settings } from '../options.ts';
import type { ItemError, Run, RunResult } from '../parallelizable.ts';
import type { SignalRow } from '../signals.ts';
import type { AnyTask } from '../task/task.ts';
import { expectedOf } from '../text/outlook.ts';
import type { TracedRun } from '../tracing.ts';
import { ACKS_GATHERED } from '../wire/messages.ts';
import type { Server } from '../wire/server.ts';
import { bootOf } from './booting.ts';
import { Controls } from './controls.ts';
import { Cursor } from './cursor.ts';
import { Delivery } from './delivery.ts';
import { Dispatch } from './dispatch.ts';
import type { Payload } from './ended.ts';
import type { EngineRole } from './engine-role.ts';
import { Intake } from './intake.ts';
import type { Metrics } from './metrics.ts';
import { Outputs } from './output.ts';
import { batchesAcks, prefetchAt } from './pace.ts';
import { Pool } from './pool.ts';
import type { Results } from './results.ts';
import { Samples } from './samples.ts';
import { Settling } from './settling.ts';
import { SlowItems } from './slow-items.ts';
import type { Spare } from './spare.ts';
import { Stopping } from './stopping.ts';
import { Throttle } from './throttle.ts';
import { LOOK_EVERY_MS } from './timeouts.ts';
import type { Wakeup } from './wakeup.ts';
import type { Worker } from './worker.ts';

/** How long a stop waits for a `dispatch` that waits for something, if nothing is in progress, in milliseconds. */
const DISPATCH_PATIENCE_MS = 1000;
/** How often to check workers that hold waiting items, in milliseconds. */
const SILENCE_EVERY_MS = 20;

/** What the master hands over to the loop. */
export interface RunLoopOptions {
  readonly task: AnyTask;
  readonly taskFile: string;
  /** Modules to import before the task. */
  readonly imports: readonly string[];
  readonly settings: Settings;
  readonly verbose: boolean;
  /** Path of the socket. */
  readonly socket: string;
  readonly run: Run;
  /** When the run began, by performance.now(). */
  readonly beganAt: number;
  readonly recording: Recording;
  /** The control socket, and its folder if that has to be made for it; undefined without a journal, which names it. */
  readonly control: { readonly path: string; readonly folder: string | undefined } | undefined;
  readonly opened: Opened;
  /** Undefined without --results. */
  readonly results: Results | undefined;
  /** Undefined without --metrics-file. */
  readonly metrics: Metrics | undefined;
  readonly workers: Worker[];
  readonly spare: Spare | undefined;
  readonly traced: TracedRun | undefined;
  /** Undefined on a single machine. */
  readonly role: EngineRole | undefined;
  /** Signals that have arrived but have not been handled. */
  readonly signals: SignalRow[];
  readonly wakeup: Wakeup;
  readonly observe: (event: RunEvent) => void;
}

/** One run. */
export class RunLoop {
  readonly delivery: Delivery<Payload>;
  readonly pool: Pool;
  readonly stopping: Stopping;
  readonly controls: Controls;
  readonly #options: RunLoopOptions;
  readonly #settling: Settling;
  readonly #intake: Intake;
  readonly #dispatch: Dispatch;
  readonly #throttle: Throttle;
  readonly #slowItems: SlowItems;
  readonly #outputs: Outputs;
  #server: Server | undefined;
  /** Undefined without a journal. */
  #samples: Samples | undefined;
  #reclaiming: NodeJS.Timeout | undefined;
  #watching: NodeJS.Timeout | undefined;
  /** Nobody reads stdout any more. */
  #isReaderGone = false;

  constructor(options: RunLoopOptions) {
    this.#options = options;
    const { task, settings, recording, opened, results, metrics, role, workers, wakeup, observe, verbose } = options;
    const { wake } = wakeup;
    const fail = (fault: DivvyError): void => this.stopping.fail(fault);
    const numbersFrom = opened.begin?.number ?? 0;
    this.delivery = this.#deliveryFrom(numbersFrom);
    const { delivery } = this;
    const exitHookThrew = this.#exitHookThrew;
    this.pool = new Pool(workers, settings, delivery, { observe, wake, fail, exitHookThrew });
    const journal = role?.ledger ?? recording.journal;
    const itemEvents = verbose || settings.itemEvents;
    const isReaderGone = (): boolean => this.#isReaderGone;
    const { keys, mode } = opened;
    const cursor = this.#cursorOf();
    this.#settling = new Settling({
      task,
      delivery,
      journal,
      cursor,
      results,
      metrics,
      role,
      itemEvents,
      observe,
      fail,
      wake,
      isReaderGone,
    });
    this.#intake = new Intake({ task, keys, mode, cursor, limit: settings.limit });
    const { pool } = this;
    this.#slowItems = new SlowItems(settings.warnAfterMs, delivery, workers, observe);
    this.#throttle = new Throttle({ task, dryRun: settings.dryRun, delivery, observe, fail, wake });
    const dispatched = { task, settings, delivery, cursor, results, observe, fail, wake };
    this.#dispatch = new Dispatch({ ...dispatched, intake: this.#intake, settling: this.#settling });
    this.#outputs = new Outputs({ gone: (error) => this.#readerGone(error), moved: wake });
    const dispatch = this.#dispatch;
    const outputs = this.#outputs;
    const isQueue = role?.boot !== undefined;
    this.stopping = new Stopping({ settings, delivery, pool, outputs, dispatch, isQueue, observe, wake });
    const { stopping } = this;
    const lookAtTimes = (): void => this.#watchTimes();
    const watched = {
      settings,
      delivery,
      pool,
      stopping,
      dispatch,
      outputs,
      cursor,
      results,
      throttle: this.#throttle,
      isQueue,
    };
    this.controls = new Controls({ ...watched, observe, wake, lookAtTimes });
  }

  #deliveryFrom(numbersFrom: number): Delivery<Payload> {
    const { task, settings, role } = this.#options;
    const { concurrency, halt, rate } = settings;
    // With --halt, send nothing ahead: no more items should fail after the run is to stop. With --rate and `throttle`,
    // an item begins when it is handed out, and not later.
    const isAhead = halt === Infinity && rate === Infinity && !task.throttle;
    const prefetch = role?.prefetch ?? ((pace: number): number => (isAhead ? prefetchAt(pace, concurrency) : 0));
    const { prefetchBytes } = role ?? {};
    // To a queue items go in runs, however slow they are.
    const inRuns = role?.boot ? () => true : batchesAcks;
    const isQueue = role?.boot !== undefined;
    const rules = { prefetch, prefetchBytes, isQueue, batchesAcks: inRuns, acksGathered: ACKS_GATHERED };
    return new Delivery({ ...settings, ...rules, numbersFrom, random: Math.random });
  }

  #cursorOf(): Cursor | undefined {
    const { task, settings, recording, opened } = this.#options;
    if (!opened.keys || !task.cursor || settings.items) return undefined;
    // A run that only retries failed items comes no further.
    return new Cursor(opened.begin, recording.journal !== undefined && opened.mode !== 'retry-failed');
  }

  /** Runs the task to its end. Resolves and rejects as Master.run does. */
  async run(signal: AbortSignal | undefined): Promise<RunResult> {
    const { task, taskFile, recording, traced, role } = this.#options;
    const aborted = (): void => {
      if (signal?.reason instanceof DivvyError) this.stopping.fail(signal.reason);
      else this.stopping.stop('abort', 'gracefully');
    };
    try {
      const { boot, server } = await bootOf(this.#options, this.#outputs);
      this.#server = server;
      this.pool.begin({
        task,
        taskFile,
        boot,
        settling: this.#settling,
        journal: role?.ledger ?? recording.journal,
        role,
        traced: traced?.env,
      });
      signal?.addEventListener('abort', aborted);
      if (signal?.aborted) aborted();
      const { control } = this.#options;
      if (control) this.controls.open(control.path, control.folder);
      await this.#begin();
      await this.#loop();
      await this.#windUp();
    } finally {
      this.#options.wakeup.setAlarm(Infinity);
      this.stopping.end();
      await this.controls.end();
      clearInterval(this.#reclaiming);
      this.#samples?.end();
      clearInterval(this.#watching);
      signal?.removeEventListener('abort', aborted);
      await this.#server?.stopServer();
      this.#outputs.release();
      await this.#endJournal();
    }
    const durationMs = performance.now() - this.#options.beganAt;
    await this.#endTrace();
    return this.#conclude(durationMs);
  }

  /**
   * Stops gracefully or forcefully. Does nothing if the run has ended, or if a graceful stop is asked for and the run
   * is already stopping.
   */
  shutdown(how: 'gracefully' | 'forcefully'): void {
    if (this.delivery.finished || (how === 'gracefully' && this.delivery.stopping !== 'no')) return;
    this.stopping.stop('shutdown', how);
  }

  async #begin(): Promise<void> {
    const { task, run, settings, socket, recording, opened, role, observe } = this.#options;
    let hook = 'beforeRun';
    try {
      await this.#wait(async () => task.beforeRun?.(run));
      hook = 'total';
      const given = await this.#wait(async () => task.total?.());
      // Infinity or NaN: the task does not know, or dispatch never ends.
      const all = Number.isFinite(given) && Number(given) >= 0 ? given : undefined;
      const expected = expectedOf(opened, all, settings.limit);
      this.controls.expected = expected;
      observe({
        type: 'started',
        runId: run.runId,
        pid: process.pid,
        workers: this.delivery.size,
        socket: settings.inline ? undefined : socket,
        journal: recording.journal?.file,
        total: expected.total,
        after: opened.begin,
        keys: task.key ? 'own' : recording.journal ? 'hashed' : 'none',
      });
    } catch (error) {
      this.stopping.fail(hookThrew(hook, error));
      return;
    }
    if (opened.nothingToDo) this.delivery.closed();
    if (opened.nothingToDo || this.delivery.stopping !== 'no') return;
    if (Math.min(settings.timeoutMs, settings.warnAfterMs, settings.recycleOlderMs) < Infinity) this.#watchTimes();
    // Items in a queue are not stuck behind a slow one: any free host takes them.
    if (!role?.boot) this.#reclaiming = setInterval(() => this.pool.reclaimFromSilent(), SILENCE_EVERY_MS);
    this.#dispatch.begin();
    const { journal } = recording;
    const { delivery, controls } = this;
    const { workers, wakeup } = this.#options;
    if (journal) this.#samples = new Samples({ journal, delivery, workers, controls, wake: wakeup.wake });
  }

  #watchTimes(): void {
    if (this.#watching) return;
    this.pool.timeouts.watch();
    // If it was the master that was busy, first read which items have ended by now.
    this.#watching = setInterval(() => void setImmediate(this.#lookAtTimes), LOOK_EVERY_MS);
  }

  readonly #lookAtTimes = (): void => {
    const now = performance.now();
    this.pool.kills.killOverdue(now);
    this.#slowItems.look(now);
    if (this.pool.kills.replaceOld(now)) this.#options.wakeup.wake();
  };

  async #loop(): Promise<void> {
    const { signals, wakeup } = this.#options;
    for (;;) {
      if (signals.length > 0) {
        this.#actOnSignals();
        // Before reaping: Ctrl+C must also end workers that are booting.
        this.#carryOut(performance.now());
      }
      this.pool.reapWorkers();
      if (this.#settling.turn()) setImmediate(this.#settleOn);
      this.#settling.write();
      this.stopping.haltIfDue(this.#settling.ended);
      this.delivery.outputIsFull = this.#outputs.isFull;
      this.#dispatch.pull();
      const now = performance.now();
      this.#throttle.askIfDue(now);
      this.#carryOut(now);
      this.#dispatch.failIfDue();
      if (this.delivery.finished || this.stopping.hasAbandoned) return;
      // Use the time of the plan: with a later one, anything that became due since then would be missed.
      wakeup.setAlarm(this.delivery.wakeAt(now) - now);
      await wakeup.sleep();
    }
  }

  /** Outcomes that waited may count a turn later. If nothing else has happened, this is all there is to do. */
  readonly #settleOn = (): void => {
    const { wakeup } = this.#options;
    if (wakeup.isAwake) return; // the loop does it, in this turn
    if (this.#settling.turn() && !wakeup.isAwake) setImmediate(this.#settleOn); // if awake, the loop does it
    this.#settling.write();
    if (this.delivery.leased === 0 || this.delivery.wanted(performance.now()) > 0) wakeup.wake();
  };

  #carryOut(now: number): void {
    for (const command of this.delivery.plan(now)) this.pool.carryOut(command);
  }

  /** Waits for the task's own code and handles signals meanwhile, but no longer than a forceful stop allows. */
  async #wait<T>(act: () => Promise<T>): Promise<T | undefined> {
    const { wakeup } = this.#options;
    let isOver = false;
    const end = (): void => {
      isOver = true;
      wakeup.wake();
    };
    const acting = act();
    acting.then(end, end);
    while (!isOver && !this.stopping.hasAbandoned) {
      this.#actOnSignals();
      await wakeup.sleep();
    }
    return isOver ? acting : undefined;
  }

  async #windUp(): Promise<void> {
    const { task, run, settings } = this.#options;
    await this.#wait(() => this.#settling.hooksEnded);
    await this.#wait(() => this.pool.ended());
    const { stopped } = this.#dispatch;
    if (stopped) {
      const over = new AbortController();
      // Nothing is in progress any more: wait as long as items in progress would have had, but at least for a moment.
      const ms = Math.max(this.stopping.leftMs, Math.min(DISPATCH_PATIENCE_MS, settings.killAfterMs));
      const patience = sleep(ms, undefined, { signal: over.signal }).catch(() => {});
      await Promise.race([stopped, patience]);
      over.abort();
    }
    try {
      await this.#wait(async () => task.afterRun?.(run, this.#result()));
    } catch (error) {
      this.#exitHookThrew('afterRun', undefined, toItemError(error));
    }
  }

  async #endJournal(): Promise<void> {
    const { journal, results } = this.#options.recording;
    this.#settling.abandon();
    try {
      await results?.close();
      const result = this.#result();
      // An abandoned hook takes its item's outcome with it.
      const { opened } = this.#options;
      const isAll = this.#dispatch.isComplete && this.#intake.leftBehind === 0 && result.counts.unfinished === 0;
      const isComplete = opened.wasComplete ?? isAll;
      this.#settling.mark();
      await journal?.end(result, isComplete, this.stopping.fault);
    } catch (error) {
      this.stopping.failWith(error as DivvyError);
    }
  }

  async #endTrace(): Promise<void> {
    const { traced, observe } = this.#options;
    const why = await traced?.end(this.#result(), this.stopping.fault);
    if (why !== undefined) observe({ type: 'note', text: `telemetry: ${why}`, isProblem: true });
  }

  /** Reports the result of the run. Returns it, or throws the error with which the run fails. */
  #conclude(durationMs: number): RunResult {
    const { observe, metrics } = this.#options;
    const result = this.#result();
    const { leftBehind, skippedDone, skippedFailed, skippedOthers } = this.#intake;
    for (const text of this.#intake.notesOfLeft(this.#options.settings.ordered)) observe({ type: 'note', text });
    metrics?.ended(result); // before the last event: it may have to say that it can't
    observe({
      type: 'ended',
      result,
      durationMs,
      skipped: { done: skippedDone, failed: skippedFailed, left: leftBehind, others: skippedOthers },
    });
    const isForceful = this.delivery.stopping === 'forcefully';
    const shutdown = isForceful ? new Shutdown(result.stoppedBy ?? 'shutdown', result.exitCode) : undefined;
    const fault = this.stopping.fault ?? shutdown;
    if (!fault) return result;
    fault.result = result;
    throw fault;
  }

  #result(): RunResult {
    const { by, hasAbandoned } = this.stopping;
    const { run, recording } = this.#options;
    const counts = { ...this.delivery.counts };
    if (hasAbandoned) counts.unfinished = counts.dispatched - counts.done - counts.failed;
    return {
      counts,
      runId: run.runId,
      exitCode: this.stopping.exitCode(counts.failed + this.#intake.failedBefore),
      ...(by !== undefined && { stoppedBy: by }),
      ...(recording.journal && { journal: recording.journal.file }),
    };
  }

  readonly #exitHookThrew = (hook: string, worker: number | undefined, error: ItemError): void => {
    this.stopping.exitHookFailed = true;
    this.#options.observe({ type: 'hook failed', hook, worker, error });
  };

  #readerGone({ code, message }: NodeJS.ErrnoException): void {
    this.#isReaderGone = true;
    if (code !== 'EPIPE')
      this.#options.observe({ type: 'note', text: `stdout cannot be written: ${message}`, isProblem: true });
    if (this.delivery.stopping === 'no') this.stopping.stop('stdout closed', 'gracefully');
  }

  #actOnSignals(): void {
    for (const row of this.#options.signals.splice(0)) {
      if (row.action === 'dump') void this.controls.dump();
      else if (row.action === 'more workers') this.controls.resize(this.delivery.size + 1);
      else if (row.action === 'fewer workers') this.controls.resize(this.delivery.size - 1);
      else this.stopping.signalled(row);
    }
  }
}
