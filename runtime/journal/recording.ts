/**
 * Everything that a run does with journals: finds the earlier run to resume, holds the lock that keeps the run from
 * being started twice, and opens its own journal. Runs in the master. Internal.
 */

import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type DivvyError, orderedNeedsResults } from '../errors.ts';
import { type MasterOptions, type Settings, settingsOf } from '../options.ts';
import type { ArgumentName } from '../task/declared.ts';
import { comparedWords, recordedWords } from '../task/words.ts';
import type { TakenOver } from '../text/shell.ts';
import {
  declaredOtherwise,
  earlierRunChanged,
  journalFailed,
  needsEngine,
  noRunLock,
  otherArguments,
} from './errors.ts';
import { type Found, findEarlier, type Wanted } from './find.ts';
import { journalFolder } from './folder.ts';
import type { Journal } from './journal.ts';
import type { KeySet } from './key-set.ts';
import { mergedWith, recordedOf, wordsOf } from './recorded.ts';
import type { Mark, RunRecord } from './records.ts';
import { orderedIsNotRetried } from './results-errors.ts';
import type { ResultsFile } from './results-file.ts';
import { type RunLock, takeRunLock } from './run-lock.ts';
import { isSameRun } from './same-run.ts';

/** The state of a run once its journal is open. */
export interface Opened {
  readonly runId: string;
  readonly mode: RunRecord['mode'];
  /** Undefined without a journal. */
  readonly keys: KeySet | undefined;
  /** With a cursor: where `dispatch` begins; undefined: at its beginning. */
  readonly begin: Mark | undefined;
  /** Whether it was complete before: a retry with a cursor, which does not list everything, leaves that as it is. */
  readonly wasComplete: boolean | undefined;
  readonly notes: readonly string[];
  /** There is nothing to dispatch; the run only reports that. */
  readonly nothingToDo: boolean;
}

/** What the journal needs of the run. */
interface OpenRequest {
  /** The path of the run's control socket. */
  readonly control: string;
  /** How the command line says that the run goes over several machines; undefined if it does not. */
  readonly engine: readonly string[] | undefined;
  /** Whether the task has a cursor. */
  readonly hasCursor: boolean;
  /** Whether it has its own `key`. */
  readonly hasOwnKeys: boolean;
  /** Called if written lines could not be synced. */
  readonly failed: (error: DivvyError) => void;
}

export class Recording {
  /** The run's settings: the options given, then, for those not given, the options of the resumed run. */
  readonly settings: Settings;
  /** The settings that come from the earlier run. */
  readonly takenOver: TakenOver;
  /** Undefined until it is open, and if the run has none. */
  journal: Journal | undefined;
  /** The file of --results; undefined until it is open, and if the run has none. */
  results: ResultsFile | undefined;
  readonly #taskFile: string;
  readonly #options: MasterOptions;
  /** Path of the journal; true for one in the task's own folder, false for none. */
  readonly #file: string | boolean;
  readonly #found: Found | undefined;
  #lock: RunLock | undefined;
  /** What the task declares as its arguments; undefined until it is loaded. */
  #names: readonly ArgumentName[] | undefined;
  /** The arguments as the journal has them. */
  #recorded: readonly string[] = [];

  /**
   * Finds the run to resume. Writes nothing yet.
   *
   * Throws UsageError for an invalid option, and DivvyError if the run that was found can't be resumed.
   */
  constructor(taskFile: string, options: MasterOptions) {
    this.#taskFile = taskFile;
    const given = settingsOf(options);
    // A path in them is relative to the folder in which this run was started.
    this.#options = {
      ...options,
      ...(options.import !== undefined && { import: given.import }),
      ...(options.results !== undefined && { results: given.results }),
      ...(options.metricsFile !== undefined && { metricsFile: given.metricsFile }),
    };
    // Resolve it now: the task may change the working directory.
    this.#file = typeof given.journal === 'string' ? path.resolve(given.journal) : given.journal;
    this.#found = this.#find(given);
    const { last, begun, args } = this.#found ?? {};
    const before = (last ?? begun)?.options;
    const { results, ordered } = before ?? {};
    if (given.retryFailed && ordered === true) throw orderedIsNotRetried(String(results));
    this.settings = before && args ? settingsOf({ ...mergedWith(before, options), args }) : given;
    const own = options as Readonly<Record<string, unknown>>;
    if (this.settings.ordered && this.settings.results === undefined)
      throw orderedNeedsResults('--ordered', '--results');
    const others = Object.entries(recordedOf(before ?? {})).filter(([key]) => own[key] === undefined);
    this.takenOver = {
      args: this.#found?.takenOver ?? [],
      optionWords: wordsOf(Object.fromEntries(others)),
    };
  }

  /**
   * Keeps the same run from being started a second time, once the task is loaded. Returns notes for the user.
   *
   * names - what the task declares as its arguments.
   * engine - as in OpenRequest.
   *
   * Throws DivvyError: 75 if the run is already going on, 74 if the journal's folder can't be written, 2 if the run that
   * was found has other arguments, by what the task declares now.
   */
  begin(names: readonly ArgumentName[], engine: readonly string[] | undefined): string[] {
    const { args, dryRun, takeOver, concurrentRun, resume } = this.settings;
    const before = this.engineBefore;
    if (resume && before && !engine && !dryRun) throw needsEngine(this.#found?.first?.runId, before);
    this.#names = names;
    this.#recorded = recordedWords(args, names, process.env);
    if (dryRun || (this.#file === false && concurrentRun === undefined)) return [];
    const notes: string[] = [];
    try {
      this.#lock = takeRunLock(this.#taskFile, comparedWords(this.#recorded, names), takeOver);
    } catch (error) {
      const folder = journalFolder(this.#taskFile);
      const { exitCode } = error as DivvyError;
      if (exitCode !== undefined && !concurrentRun) throw error;
      if (exitCode === undefined && this.#file === true) throw journalFailed(folder, error);
      if (exitCode === undefined && !concurrentRun) notes.push(noRunLock(folder, error));
    }
    // Another run may have resumed and finished it before this one got the lock.
    const now = this.#find(this.settings);
    if (now?.file !== this.#found?.file || now?.last?.number !== this.#found?.last?.number)
      throw this.#otherRun(now, names);
    return notes;
  }

  /** `now` is what was found once the task was loaded. */
  #otherRun(now: Found | undefined, names: readonly ArgumentName[]): DivvyError {
    const first = this.#found?.first;
    if (first && !isSameRun(first, this.#recorded, names)) return otherArguments(first.args, this.#recorded);
    const isOther = now?.first && !isDeepStrictEqual(now.first.arguments ?? [], names);
    return !this.#found?.file && isOther ? declaredOtherwise(now.first.runId) : earlierRunChanged();
  }

  /**
   * Opens the journal, and the file of results. Resolves when no worker of an earlier master is left.
   *
   * Rejects with DivvyError: 2 if a file is not this run's, 74 if one can't be written, 75 if one is in use.
   */
  async open(runId: string, request: OpenRequest): Promise<Opened> {
    const { results, dryRun, takeOver } = this.settings;
    if (results !== undefined && !dryRun) {
      const { ResultsFile } = await import('./results-file.ts');
      this.results = new ResultsFile(results, takeOver);
    }
    try {
      return await this.#open(runId, request);
    } catch (error) {
      this.#abandonResults();
      throw error;
    }
  }

  #abandonResults(): void {
    this.results?.abandon();
    this.results = undefined;
  }

  async #open(runId: string, request: OpenRequest): Promise<Opened> {
    const wanted = this.#wanted(this.settings);
    const found = this.#found;
    const { results } = this;
    if (!wanted || !found) {
      results?.begin();
      const nothing = { keys: undefined, begin: undefined, wasComplete: undefined, notes: [], nothingToDo: false };
      return { ...nothing, runId, mode: 'new' };
    }
    const options = recordedOf(mergedWith((found.last ?? found.begun)?.options ?? {}, this.#options));
    const { dryRun, takeOver } = this.settings;
    const { takenOver } = this;
    const { openJournal } = await import('./open.ts'); // the first worker's process loads meanwhile: spare.ts
    const journalRequest = { ...wanted, ...request, found, runId, options, takenOver, results, dryRun, takeOver };
    const { journal, ...opened } = await openJournal(journalRequest);
    this.journal = journal;
    const hasNone = !journal && opened.mode === 'retry-failed' && !dryRun;
    if (hasNone) this.#abandonResults();
    return { ...opened, nothingToDo: opened.mode === 'retry-failed' && opened.keys.failed === 0 && !dryRun };
  }

  /** How the command line of the run to resume said that it goes over several machines. */
  get engineBefore(): readonly string[] | undefined {
    return (this.#found?.last ?? this.#found?.begun)?.engine;
  }

  /** The task's arguments as the journal has them: without secrets. Known once the run has begun. */
  get args(): readonly string[] {
    return this.#recorded;
  }

  /** Releases the run lock, so that another run may begin. */
  release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  #find(settings: Settings): Found | undefined {
    const wanted = this.#wanted(settings);
    return wanted && findEarlier(wanted);
  }

  #wanted({ resume, retryFailed, args: given }: Settings): Wanted | undefined {
    const file = this.#file;
    if (file === false) return undefined;
    const mode = resume ? 'resume' : retryFailed ? 'retry-failed' : 'new';
    const errorText = typeof retryFailed === 'string' ? retryFailed : undefined;
    const names = this.#names;
    const args = names ? this.#recorded : given;
    return { taskFile: this.#taskFile, args, names, file, mode, errorText };
  }
}
