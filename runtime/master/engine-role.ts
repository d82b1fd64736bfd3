/**
 * What is different in the master of a run over several machines. A dispatcher sends its items to a queue, not to worker
 * processes. A host takes its items from that queue, not from the task's `dispatch`. engine/ has both, and is in a project
 * only on demand; every other run has no role. Internal.
 */

import type { Ledger } from '../journal/ledger.ts';
import type { JournalRecord } from '../journal/records.ts';
import type { Settings } from '../options.ts';
import type { AnyTask } from '../task/task.ts';
import type { Body } from '../wire/codec.ts';
import type { BootWorker, Worker } from './worker.ts';

/** What a master is in a run over several machines. All of it runs in the master. */
export interface EngineRole {
  /** How the command line says so, for the journal; undefined without one. */
  readonly words?: readonly string[];
  /** Settings that are not those of the user. */
  readonly settings: Partial<Settings>;
  /** Returns the task as this master has it: without the hooks that run elsewhere. */
  taskOf(task: AnyTask): AnyTask;
  /** No other run like this one goes on on this machine, and there is no journal yet. If it rejects, there will be none. */
  claim?(): Promise<void>;
  /** The journal is open, and nothing has begun. If it rejects, nothing will. */
  opened?(run: OpenedRun): Promise<void>;
  /** How a worker gets what processes its items; undefined: a process. */
  readonly boot?: BootWorker | undefined;
  /** Returns how many items may wait in a worker; undefined: pace.ts decides. */
  readonly prefetch?: () => number;
  /** How many bytes may wait in a worker; undefined: PREFETCH_BYTES. */
  readonly prefetchBytes?: number;
  /** Outcomes of items are recorded, and so they count. */
  counted?(first: number, count: number): void;
  /** Where outcomes are recorded; undefined: in the journal. */
  readonly ledger?: Ledger;
  /** Whether somebody else wants the results, as JSON and as values. */
  readonly keepsResults?: boolean;
  readonly keepsValues?: boolean;
  /** How many hosts there are; undefined if this master is one of them. */
  readonly hosts?: number;
  /** A worker has got a process. */
  booted?(worker: Worker): void;
}

/** What a role gets to know of its run. */
export interface OpenedRun {
  readonly runId: string;
  /** What the user has asked for. */
  readonly settings: Settings;
  /** The task's arguments as the journal has them: without secrets. */
  readonly args: readonly string[];
  readonly mode: 'new' | 'resume' | 'retry-failed';
  /** The words of the run to resume, if that went over several machines. */
  readonly wordsBefore: readonly string[] | undefined;
  /** Adds a record to the journal, if there is one. */
  readonly record: (record: JournalRecord) => void;
  readonly task: AnyTask;
}

/** Items that come from elsewhere, with their numbers and keys, in place of a value that `dispatch` yields. */
export class ForeignItems {
  readonly items: readonly ForeignItem[];

  constructor(items: readonly ForeignItem[]) {
    this.items = items;
  }
}

interface ForeignItem {
  readonly number: number;
  /** Undefined for the default key. */
  readonly key: string | undefined;
  readonly body: Body;
}
