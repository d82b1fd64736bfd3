/**
 * The master: checks its arguments, loads the task, and hands over to the run loop (run-loop.ts). Runs in the process
 * that the user started.
 *
 * This file imports only what a run needs before its loop. A program that makes a Master itself has its first worker's
 * process started then, and the rest is loaded meanwhile. On the command line that process is there before this file
 * is (spare.ts).
 */

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type DivvyError,
  exitCodeOf,
  masterRunsOnce,
  metricsNotWritten,
  mustBe,
  Shutdown,
  UsageError,
  windowsNeedsWsl,
} from '../errors.ts';
import type { Observed, RunEvent } from '../events.ts';
import { type Opened, Recording } from '../journal/recording.ts';
import type { MasterOptions, Settings } from '../options.ts';
import type { Counts, Run, RunResult } from '../parallelizable.ts';
import { installSignalTraps, resetSignalTraps, type SignalRow } from '../signals.ts';
import { type ArgumentName, argumentNames, offer } from '../task/declared.ts';
import { moduleFrom } from '../task/imports.ts';
import { projectImports } from '../task/project.ts';
import { type AnyTask, loadTask, needFolder } from '../task/task.ts';
import { type Expected, NOTHING_EXPECTED } from '../text/outlook.ts';
import { reportTo } from '../text/report.ts';
import { shellWords, type TakenOver } from '../text/shell.ts';
import { linesTo } from '../text/terminal.ts';
import { TracedRun } from '../tracing.ts';
import { controlBeside, socketPathFor } from '../wire/socket-path.ts';
import { noCounts } from './counts.ts';
import type { EngineRole } from './engine-role.ts';
import type { Metrics } from './metrics.ts';
import { needPermissions } from './permissions.ts';
import type { Results } from './results.ts';
import type { RunLoop } from './run-loop.ts';
import { Spare } from './spare.ts';
import { Wakeup } from './wakeup.ts';
import { environmentOf, startProcess, Worker } from './worker.ts';

/** The master of one run. Public. */
export class Master {
  readonly socket: string;
  readonly verbose: boolean;
  /** All workers that may run, 1..n, from the start. */
  readonly workers: readonly Worker[];

  readonly #taskFile: string;
  readonly #settings: Settings;
  readonly #recording: Recording;
  readonly #role: EngineRole | undefined;
  readonly #observe: (event: RunEvent) => void;
  readonly #wakeup = new Wakeup();
  /** Signals that have arrived but have not been handled. */
  readonly #signals: SignalRow[] = [];
  readonly #workers: Worker[] = [];
  #run: Run;
  /** Takes the task's arguments back. */
  #withdraw = (): void => {};
  #began = false;
  /** The first worker's process, until that worker boots. */
  #spare: Spare | undefined;
  /** Undefined if nothing traces the run. */
  #traced: TracedRun | undefined;
  /** Set once the run loop has been loaded. */
  #loop: RunLoop | undefined;
  /** What the run was told before the loop was loaded: how to stop, and to pause. */
  readonly #early: { stop: 'gracefully' | 'forcefully' | undefined; isPaused: boolean } = {
    stop: undefined,
    isPaused: false,
  };

  /**
   * taskFile - path of the task file, relative to the working directory, or its URL.
   * options  - see options.ts.
   * role     - what this master is in a run over several machines (engine/). Internal.
   * spare    - a process for the first worker, which the caller has started. Internal.
   *
   * Throws UsageError if the task file or an option is invalid, or if the working directory is gone. Throws DivvyError
   * if the run to resume can't be resumed.
   */
  constructor(taskFile: string | URL, options: MasterOptions = {}, role?: EngineRole, spare?: Spare) {
    needFolder();
    this.#taskFile = pathOf(taskFile);
    this.#recording = new Recording(this.#taskFile, options);
    this.#role = role;
    this.#spare = spare;
    this.#settings = { ...this.#recording.settings, ...role?.settings };
    const { verbose, inline, socket, workers } = this.#settings;
    this.verbose = verbose;
    if (!inline) needPermissions(socket);
    this.socket = socketPathFor(socket);
    this.workers = this.#workers;
    for (let number = 1; number <= workers; number++) this.#workers.push(new Worker(number, this.socket));
    const observe: (event: Observed) => void =
      options.observe ?? reportTo(linesTo(process.stderr), { verbose, start: false, end: 'unless well' });
    this.#observe = (event) => observe({ at: Date.now(), runId: this.#run.runId, ...event });
    this.#run = { runId: newRunId(), taskFile: this.#taskFile, workers };
  }

  /** The task's own arguments; if none were given, those of the resumed run. */
  get args(): readonly string[] {
    return this.#settings.args;
  }

  /** Options taken from the resumed run because they were not given. Internal. */
  get takenOver(): TakenOver {
    return this.#recording.takenOver;
  }

  /** What the task declares as its arguments, once it is loaded. Internal. */
  get argumentNames(): readonly ArgumentName[] {
    return argumentNames(this.#taskFile);
  }

  /** Worker processes that exited with a failure status. */
  get failures(): number {
    return this.#loop?.pool.failures ?? 0;
  }

  /** How many workers may run. */
  get workerCount(): number {
    return this.#loop?.delivery.size ?? this.#settings.workers;
  }

  /** How many hosts take part; undefined if the run is on this machine alone. Internal. */
  get hosts(): number | undefined {
    return this.#role?.hosts;
  }

  /** What is known of its items from the start. Internal. */
  get expected(): Expected {
    return this.#loop?.controls.expected ?? NOTHING_EXPECTED;
  }

  /** The counts of the run so far. */
  get counts(): Counts {
    return { ...(this.#loop?.delivery.counts ?? noCounts()) };
  }

  /** Worker processes that were forked. */
  get spawnCount(): number {
    return this.counts.spawned;
  }

  /** Items that were handed out. */
  get tasksDistributed(): number {
    return this.#loop?.delivery.distributed ?? 0;
  }

  /** Whether any worker's process runs. */
  get workersRunning(): boolean {
    return this.workers.some((worker) => worker.running);
  }

  /**
   * Runs the task to its end.
   *
   * signal - stops it gracefully when aborted; if the reason is a DivvyError, the run fails with that.
   *
   * Resolves with the result, even if some items failed or the run was stopped gracefully. Rejects with a DivvyError
   * (TaskError, BootFailure, Shutdown, UsageError); if the run had begun, its `result` says what was done.
   */
  async run({ signal }: { signal?: AbortSignal } = {}): Promise<RunResult> {
    if (this.#began) throw masterRunsOnce();
    this.#began = true;
    const beganAt = performance.now();
    if (process.platform === 'win32') throw windowsNeedsWsl();
    // Install the traps before the task loads, so that they decide what a signal does, not the task.
    const record = (row: SignalRow): void => {
      this.#signals.push(row);
      this.#wakeup.wake();
    };
    if (this.#settings.signals) installSignalTraps(record);
    this.#withdraw = offer(this.#settings.args);
    let metrics: Metrics | undefined;
    try {
      metrics = await this.#metrics();
      const loop = await this.#load(beganAt, metrics);
      return await (this.#traced ? this.#traced.within(() => loop.run(signal)) : loop.run(signal));
    } catch (error) {
      metrics?.failed(error);
      await this.#traced?.end(undefined, error); // the loop has ended it already, if that had begun
      throw error;
    } finally {
      await this.#spare?.dismiss();
      this.#recording.release();
      this.#withdraw();
      // Only after everything has been reported: npm sends Ctrl+C a second time.
      resetSignalTraps(record);
    }
  }

  /**
   * Stops gracefully: no new items, items in progress finish, workers exit. Does nothing if the run is already
   * stopping.
   */
  shutdown(): void {
    this.#early.stop ??= 'gracefully';
    this.#loop?.shutdown('gracefully');
  }

  /** Stops forcefully: items in progress are aborted, their workers killed. `run` rejects with Shutdown. */
  shutdownNow(): void {
    this.#early.stop = 'forcefully';
    this.#loop?.shutdown('forcefully');
  }

  /** Whether the run is paused. */
  get paused(): boolean {
    return this.#loop?.controls.isPaused ?? this.#early.isPaused;
  }

  /**
   * Pauses the run: no item starts until `continue`; items in progress finish. Does nothing if the run is stopping. A run
   * whose items all have their outcomes ends as ever.
   */
  pause(): void {
    this.#early.isPaused = true;
    this.#loop?.controls.pause();
  }

  /** Goes on with a paused run. */
  continue(): void {
    this.#early.isPaused = false;
    this.#loop?.controls.continue();
  }

  /**
   * Sets how many workers may run from now on. Does nothing before the run, while it is stopping, and with `inline`.
   *
   * count - from 1 to 10,000; any other number changes nothing.
   */
  resize(count: number): void {
    this.#loop?.controls.resize(count);
  }

  /**
   * Cancels the items in progress that have this key: their signals are aborted, and they fail as `Cancelled`, whatever
   * comes of it. A worker whose item does not end within the kill delay is killed. Returns whether there was such an item.
   */
  cancel(key: string): boolean {
    return this.#loop?.controls.cancel(key).ok ?? false;
  }

  /** Arguments that nobody has typed now may be wrong, too: then say where they come from. */
  #saysWhence(error: unknown): never {
    const { args } = this.takenOver;
    if (error instanceof UsageError && args.length > 0)
      error.message += `\nFrom the run to resume: ${shellWords(args)}`;
    throw error;
  }

  /** Loads the task, opens the journal, and returns the loop of the run. */
  async #load(beganAt: number, metrics: Metrics | undefined): Promise<RunLoop> {
    const taskFile = this.#taskFile;
    const settings = this.#settings;
    const { folder, modules } = projectImports(taskFile);
    const imports = [...modules.map((name) => moduleFrom(folder, name)), ...settings.import];
    const role = this.#role;
    const loaded = await this.#unlessStopped(
      loadTask(taskFile, imports, settings.args).catch((error) => this.#saysWhence(error)),
    );
    const task = role?.taskOf(loaded) ?? loaded;
    const names = this.argumentNames;
    if (names.length === 0) this.#withdraw(); // another run in this process may have others
    for (const text of this.#recording.begin(names, role?.words))
      this.#observe({ type: 'note', text, isProblem: true });
    const claimed = role?.claim?.();
    if (claimed) await this.#unlessStopped(claimed);
    if (!settings.dryRun) this.#traced = TracedRun.of({ taskFile, workers: settings.workers });
    await this.#prepareSpare(task);
    const { RunLoop } = await import('./run-loop.ts');
    const control = this.#control;
    const failed = (error: DivvyError): void => this.#loop?.stopping.fail(error);
    const hasCursor = task.cursor !== undefined && settings.items === undefined;
    const opened = await this.#recording.open(this.#run.runId, {
      ...{ control: control.path, engine: role?.words, hasCursor, hasOwnKeys: task.key !== undefined, failed },
    });
    this.#run = { ...this.#run, runId: opened.runId };
    const results = await this.#results(task, opened);
    for (const text of opened.notes) this.#observe({ type: 'note', text });
    const open = role?.opened?.({
      ...{ task: loaded, runId: opened.runId, mode: opened.mode },
      ...{ settings: this.#recording.settings, args: this.#recording.args },
      wordsBefore: this.#recording.engineBefore,
      record: (record) => this.#recording.journal?.add(record),
    });
    if (open) await this.#unlessStopped(open);
    const loop = new RunLoop({
      ...{ task, taskFile, imports, settings, beganAt, opened, results, metrics, role },
      verbose: this.verbose,
      socket: this.socket,
      run: this.#run,
      recording: this.#recording,
      control: this.#recording.journal && control,
      workers: this.#workers,
      spare: this.#spare,
      traced: this.#traced,
      signals: this.#signals,
      wakeup: this.#wakeup,
      observe: this.#observe,
    });
    this.#loop = loop;
    metrics?.begin(() => ({
      counts: this.counts,
      begun: loop.delivery.inProgress + loop.delivery.settling,
      workers: this.#workers.filter((worker) => worker.running).length,
    }));
    if (this.#early.isPaused) loop.controls.pause();
    if (this.#early.stop) loop.shutdown(this.#early.stop);
    return loop;
  }

  /** Loaded only if it is needed. Rejects with UsageError if something else is at that path. */
  async #metrics(): Promise<Metrics | undefined> {
    const { metricsFile, dryRun } = this.#settings;
    if (metricsFile === undefined || dryRun) return undefined;
    const { Metrics } = await import('./metrics.ts');
    const failed = (error: unknown): void =>
      this.#observe({ type: 'note', text: metricsNotWritten(metricsFile, error), isProblem: true });
    return new Metrics(metricsFile, this.#taskFile, failed);
  }

  /** Loaded only if it is needed. */
  async #results(task: AnyTask, { begin }: Opened): Promise<Results | undefined> {
    const { results: file, journal } = this.#recording;
    if (!file) return undefined;
    const { Results } = await import('./results.ts');
    const forms = { asJson: true, asValue: task.afterProcess !== undefined };
    return new Results({ file, journal, forms, numbersFrom: begin?.number ?? 0, isOrdered: this.#settings.ordered });
  }

  /** The control socket: in the folder of the run's own, unless that has none. */
  get #control(): { path: string; folder: string | undefined } {
    const { inline, socket } = this.#settings;
    const hasFolder = !inline && socket === undefined && !this.#role?.boot; // that of the workers' socket
    if (hasFolder) return { path: controlBeside(this.socket), folder: undefined };
    const fresh = controlBeside(socketPathFor(undefined));
    return { path: fresh, folder: path.dirname(fresh) };
  }

  /** There is none if there may be no work for it, or if a hook must run before the fork. */
  async #prepareSpare(task: AnyTask): Promise<void> {
    const { inline, dryRun } = this.#settings;
    const [first] = this.workers;
    const isWanted = !(inline || dryRun || this.#role?.boot || task.beforeRun || task.beforeFork) && first;
    const env = isWanted && environmentOf(first, this.#traced?.env);
    if (env && this.#spare?.isAsIfStarted(env)) return;
    await this.#spare?.dismiss();
    this.#spare = env ? new Spare(startProcess, env) : undefined;
  }

  /** Nothing has begun, and what it waits for may never come: a signal that stops a run ends it at once. */
  async #unlessStopped<T>(loading: Promise<T>): Promise<T> {
    let isLoaded = false;
    const loaded = (): void => {
      isLoaded = true;
      this.#wakeup.wake();
    };
    loading.then(loaded, loaded);
    while (!isLoaded) {
      const stops = this.#signals.find(({ signal, action }) => {
        const isIgnored = signal === 'SIGHUP' && this.#settings.ignoreHup;
        return (action === 'graceful' || action === 'forceful') && !isIgnored;
      });
      if (stops) throw this.#stoppedBy(stops.signal);
      await this.#wakeup.sleep();
    }
    return loading;
  }

  #stoppedBy(signal: string): Shutdown {
    const exitCode = exitCodeOf(signal);
    const fault = new Shutdown(signal, exitCode);
    fault.result = { counts: this.counts, runId: this.#run.runId, exitCode, stoppedBy: signal };
    return fault;
  }
}

function pathOf(taskFile: string | URL): string {
  try {
    return typeof taskFile === 'string' ? path.resolve(taskFile) : fileURLToPath(taskFile);
  } catch {
    throw mustBe('the task file', 'a path, or a file: URL', taskFile);
  }
}

/** The time to the second, then four letters: three for the time within the second, one random. */
function newRunId(): string {
  const now = new Date();
  const time = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  const inSecond = (now.getMilliseconds() / 1000) * 26 ** 3;
  const letters = [inSecond / 26 ** 2, inSecond / 26, inSecond, Math.random() * 26];
  return `${time}-${letters.map((at) => String.fromCharCode(97 + (Math.floor(at) % 26))).join('')}`;
}
