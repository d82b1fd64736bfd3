/**
 * What a run has to do with journals: which earlier run it goes on with, the lock that keeps it from being started twice, and its
 * own journal. Runs in the master. Internal.
 */

import path from 'node:path';
import { type DivvyError, earlierRunChanged, journalFailed, noRunLock } from '../errors.ts';
import { type MasterOptions, type Settings, settingsOf } from '../options.ts';
import { needTaskFile } from '../task/task.ts';
import type { TakenOver } from '../text/shell.ts';
import { type Found, findEarlier, type Wanted } from './find.ts';
import { journalFolder } from './folder.ts';
import type { Journal } from './journal.ts';
import type { KeySet } from './key-set.ts';
import { mergedWith, recordedOf, wordsOf } from './recorded.ts';
import type { RunRecord } from './records.ts';
import { type RunLock, takeRunLock } from './run-lock.ts';

/** What is known once the journal is open. */
export interface Opened {
  readonly runId: string;
  readonly mode: RunRecord['mode'];
  /** Undefined where there is no journal. */
  readonly keys: KeySet | undefined;
  readonly notes: readonly string[];
  /** There is nothing to dispatch, and nothing to say but so. */
  readonly nothingToDo: boolean;
}

export class Recording {
  /** The run's settings: those that are given, and behind them those of the run that it goes on with. */
  readonly settings: Settings;
  /** What of these is the earlier run's. */
  readonly takenOver: TakenOver;
  /** Undefined until it is open, and where there is none. */
  journal: Journal | undefined;
  readonly #taskFile: string;
  readonly #options: MasterOptions;
  /** Its path; true for one in the task's own folder, false for none. */
  readonly #file: string | boolean;
  readonly #found: Found | undefined;
  #lock: RunLock | undefined;

  /**
   * Looks for the run to go on with, and writes nothing yet.
   *
   * Throws UsageError for an option that cannot be, and DivvyError where what there is cannot be gone on with.
   */
  constructor(taskFile: string, options: MasterOptions) {
    this.#taskFile = taskFile;
    const given = settingsOf(options);
    // A path in it was from the folder in which this run is started.
    this.#options = options.import === undefined ? options : { ...options, import: given.import };
    // The task may change the folder.
    this.#file = typeof given.journal === 'string' ? path.resolve(given.journal) : given.journal;
    this.#found = this.#find(given);
    const { last, args } = this.#found ?? {};
    this.settings = last && args ? settingsOf({ ...mergedWith(last.options, options), args }) : given;
    const own = options as Readonly<Record<string, unknown>>;
    const others = Object.entries(recordedOf(last?.options ?? {})).filter(([key]) => own[key] === undefined);
    this.takenOver = {
      args: given.args.length === 0 ? this.settings.args : [],
      optionWords: wordsOf(Object.fromEntries(others)),
    };
  }

  /**
   * Keeps the same run from being started a second time. Returns what people are told of it.
   *
   * Throws DivvyError: 75 where it is going on already, 74 where the journal's folder cannot be written.
   */
  begin(): string[] {
    const { args, dryRun, takeOver, concurrentRun } = this.settings;
    needTaskFile(this.#taskFile);
    if (dryRun || (this.#file === false && concurrentRun === undefined)) return [];
    const notes: string[] = [];
    try {
      this.#lock = takeRunLock(this.#taskFile, args, takeOver);
    } catch (error) {
      const folder = journalFolder(this.#taskFile);
      const { exitCode } = error as DivvyError;
      if (exitCode !== undefined && !concurrentRun) throw error;
      if (exitCode === undefined && this.#file === true) throw journalFailed(folder, error);
      if (exitCode === undefined && !concurrentRun) notes.push(noRunLock(folder, error));
    }
    // Another run may have gone on with it, to its end, before this one had the lock.
    const now = this.#find(this.settings);
    if (now?.file !== this.#found?.file || now?.last?.number !== this.#found?.last?.number) throw earlierRunChanged();
    return notes;
  }

  /**
   * Opens the journal. Resolves when no worker of an earlier master is left.
   *
   * failed - is told when what was written could not be synced.
   */
  async open(runId: string, failed: (error: DivvyError) => void): Promise<Opened> {
    const wanted = this.#wanted(this.settings);
    const found = this.#found;
    if (!wanted || !found) return { runId, mode: 'new', keys: undefined, notes: [], nothingToDo: false };
    const options = recordedOf(mergedWith(found.last?.options ?? {}, this.#options));
    const { dryRun, takeOver } = this.settings;
    const { takenOver } = this;
    const request = { ...wanted, found, runId, options, takenOver, dryRun, takeOver, failed };
    const { openJournal } = await import('./open.ts'); // the first worker's process loads meanwhile: spare.ts
    const { journal, ...opened } = await openJournal(request);
    this.journal = journal;
    return { ...opened, nothingToDo: opened.mode === 'retry-failed' && found.file === undefined && !dryRun };
  }

  /** Lets another run begin. */
  release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }

  #find(settings: Settings): Found | undefined {
    const wanted = this.#wanted(settings);
    return wanted && findEarlier(wanted);
  }

  #wanted({ resume, retryFailed, args }: Settings): Wanted | undefined {
    const file = this.#file;
    if (file === false) return undefined;
    const mode = resume ? 'resume' : retryFailed ? 'retry-failed' : 'new';
    return { taskFile: this.#taskFile, args, file, mode };
  }
}
