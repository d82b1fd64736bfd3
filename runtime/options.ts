/**
 * The options of a run: each has its doc, its default and its check here, once. `new Master` takes them by their names,
 * the runner (cli/) by their flags. Runs in the master.
 */

import os from 'node:os';
import { notDuration, notWholeNumber } from './errors.ts';
import type { RunEvent } from './report.ts';

/** What `new Master` takes. All of it is optional. Public. */
export interface MasterOptions {
  /** Worker processes at most, from 1; as many as the machine can run at once by default. */
  readonly workers?: number;
  /** Items in progress at once in each worker, from 1; 1 by default. */
  readonly concurrency?: number;
  /** Say on stderr what master and workers do. */
  readonly verbose?: boolean;
  /** Run everything in this one process, for a debugger. */
  readonly inline?: boolean;
  /** The path of the unix domain socket; in a fresh folder by default. */
  readonly socket?: string;
  /** The largest item or result that is carried, in bytes; 64 MB by default. */
  readonly maxItemBytes?: number;
  /** How often an item is tried again after `process` threw, from 0; 0 by default. */
  readonly retries?: number;
  /** The wait before the first of these, in milliseconds, doubling with jitter; 1000 by default. */
  readonly backoffMs?: number;
  /** How often an item, alone in its worker, may take the worker down before it is failed, from 1; 3 by default. */
  readonly maxCrashes?: number;
  /** Between asking a worker to go and SIGKILL, in milliseconds; 5000 by default. */
  readonly killAfterMs?: number;
  /** A second INT or QUIT is forceful once so many milliseconds have passed; 10,000 by default. */
  readonly forceAfterMs?: number;
  /** On TERM, let items finish for so many milliseconds first; 0 by default. */
  readonly graceMs?: number;
  /** Go on after a hang-up. */
  readonly ignoreHup?: boolean;
  /** The items, in place of the task's `dispatch`. */
  readonly items?: Iterable<unknown> | AsyncIterable<unknown>;
  /** `false` leaves this process's signal handlers alone; true by default. */
  readonly signals?: boolean;
  /** The task's own arguments: `process.argv.slice(2)` in each worker. Those of this process by default. */
  readonly args?: readonly string[];
  /** Is told what happens; writes to stderr by default. */
  readonly observe?: (event: RunEvent) => void;
}

/** How an option is written on the command line, and what it may be. */
export interface OptionRow {
  readonly key: keyof MasterOptions;
  readonly flag: string;
  readonly short?: string;
  readonly kind: 'flag' | 'number' | 'duration' | 'megabytes' | 'path';
  /** The least that a number may be. */
  readonly least?: number;
  /** What the value is called in the help. */
  readonly value?: string;
  readonly doc: string;
  /** The default, in the words of the help. */
  readonly default?: string;
}

export const OPTIONS: readonly OptionRow[] = [
  {
    key: 'workers',
    flag: 'workers',
    short: 'n',
    kind: 'number',
    least: 1,
    value: 'N',
    doc: 'worker processes, forked as items need them',
    default: 'one for each CPU',
  },
  {
    key: 'concurrency',
    flag: 'concurrency',
    short: 'c',
    kind: 'number',
    least: 1,
    value: 'N',
    doc: 'items in progress at once in each worker',
    default: '1',
  },
  { key: 'verbose', flag: 'verbose', short: 'v', kind: 'flag', doc: 'say on stderr what master and workers do' },
  { key: 'inline', flag: 'inline', kind: 'flag', doc: 'run everything in this one process, for a debugger' },
  {
    key: 'socket',
    flag: 'socket',
    kind: 'path',
    value: 'PATH',
    doc: 'the unix domain socket',
    default: 'in a fresh folder',
  },
  {
    key: 'maxItemBytes',
    flag: 'max-item-size',
    kind: 'megabytes',
    least: 1,
    value: 'MB',
    doc: 'the largest item that is carried',
    default: '64',
  },
  {
    key: 'retries',
    flag: 'retries',
    kind: 'number',
    least: 0,
    value: 'N',
    doc: 'try an item again so often after process threw',
    default: '0',
  },
  {
    key: 'backoffMs',
    flag: 'backoff',
    kind: 'duration',
    value: 'D',
    doc: 'wait before the first retry, doubling, with jitter',
    default: '1s',
  },
  {
    key: 'maxCrashes',
    flag: 'max-crashes',
    kind: 'number',
    least: 1,
    value: 'N',
    doc: 'an item that takes its worker down so often, alone in it, has failed',
    default: '3',
  },
  {
    key: 'killAfterMs',
    flag: 'kill-after',
    kind: 'duration',
    value: 'D',
    doc: 'between asking a worker to go and SIGKILL',
    default: '5s',
  },
  {
    key: 'forceAfterMs',
    flag: 'force-after',
    kind: 'duration',
    value: 'D',
    doc: 'a second INT or QUIT is forceful once this has passed',
    default: '10s',
  },
  {
    key: 'graceMs',
    flag: 'grace',
    kind: 'duration',
    value: 'D',
    doc: 'on TERM, let items finish for this long first',
    default: '0',
  },
  { key: 'ignoreHup', flag: 'ignore-hup', kind: 'flag', doc: 'go on after a hang-up' },
];

/** The options of a run with every default in its place. Internal. */
export interface Settings {
  readonly workers: number;
  readonly concurrency: number;
  readonly verbose: boolean;
  readonly inline: boolean;
  readonly socket: string | undefined;
  readonly maxItemBytes: number;
  readonly retries: number;
  readonly backoffMs: number;
  readonly maxCrashes: number;
  readonly killAfterMs: number;
  readonly forceAfterMs: number;
  readonly graceMs: number;
  readonly ignoreHup: boolean;
  readonly items: Iterable<unknown> | AsyncIterable<unknown> | undefined;
  readonly signals: boolean;
  readonly args: readonly string[];
}

/** The longest that a timer of Node.js can wait. */
const LONGEST_MS = 2 ** 31 - 1;

/** Returns the settings. Throws UsageError for a value that an option cannot have. */
export function settingsOf(options: MasterOptions): Settings {
  for (const { key, kind, least = 0 } of OPTIONS) {
    const value = options[key];
    if (value === undefined) continue;
    if ((kind === 'number' || kind === 'megabytes') && !(Number.isSafeInteger(value) && (value as number) >= least)) {
      throw notWholeNumber(key, value, least);
    }
    if (kind === 'duration' && !(typeof value === 'number' && value >= 0)) throw notDuration(key, value);
  }
  const ms = (value: number | undefined, otherwise: number): number => Math.min(value ?? otherwise, LONGEST_MS);
  const inline = options.inline ?? false;
  return {
    workers: inline ? 1 : (options.workers ?? os.availableParallelism()),
    concurrency: options.concurrency ?? 1,
    verbose: options.verbose ?? false,
    inline,
    socket: options.socket,
    maxItemBytes: options.maxItemBytes ?? 64 * 1024 * 1024,
    retries: options.retries ?? 0,
    backoffMs: ms(options.backoffMs, 1000),
    maxCrashes: options.maxCrashes ?? 3,
    killAfterMs: ms(options.killAfterMs, 5000),
    forceAfterMs: ms(options.forceAfterMs, 10_000),
    graceMs: ms(options.graceMs, 0),
    ignoreHup: options.ignoreHup ?? false,
    items: options.items,
    signals: options.signals ?? true,
    args: options.args ?? process.argv.slice(2),
  };
}
