/**
 * The options of a run. Each has its doc, its default and its check here, once. `new Master` takes them by name, the
 * runner (cli/) by flag. Runs in the master.
 */

import os from 'node:os';
import path from 'node:path';
import {
  mustBe,
  needsJournal,
  noSuchOption,
  notARate,
  notAShare,
  notModules,
  notTogether,
  notWholeNumber,
  orderedNeedsResults,
  sameFile,
} from './errors.ts';
import type { Observed } from './events.ts';
import { moduleFrom } from './task/imports.ts';
import { moduleList } from './task/project.ts';

/** The options of a run. `new Master` takes any of them, by these names; DEFAULTS below has their defaults. */
export interface Settings {
  /** Maximum number of worker processes, from 1. */
  readonly workers: number;
  /** Maximum number of items in progress in each worker, from 1. */
  readonly concurrency: number;
  /** Report on stderr what the master and the workers do. */
  readonly verbose: boolean;
  /** Put the worker and the item's key before each line that a worker writes: `[w3 user-812] `. Not with `inline`. */
  readonly tag: boolean;
  /** Run everything in this one process, for a debugger. */
  readonly inline: boolean;
  /** The path of the unix domain socket; undefined for one in a new folder. */
  readonly socket: string | undefined;
  /** The largest item or result, in bytes. */
  readonly maxItemBytes: number;
  /** How often an item is retried after `process` threw, from 0. */
  readonly retries: number;
  /** The delay before the first retry, in milliseconds; it doubles each time, with jitter. */
  readonly backoffMs: number;
  /** The longest delay before a retry, in milliseconds; `backoffMs` if that is longer. */
  readonly backoffCapMs: number;
  /** How many items may begin in a second, in all workers together; 0 or Infinity for no limit. */
  readonly rate: number;
  /** How long an item may take, in milliseconds; 0 or Infinity for no limit. */
  readonly timeoutMs: number;
  /** Milliseconds after which an item in progress is reported, with its stack; 0 or Infinity for never. */
  readonly warnAfterMs: number;
  /** A worker is replaced after so many items, from 1; Infinity for never. */
  readonly recycleAfter: number;
  /** Milliseconds after which a worker is replaced; 0 or Infinity for never. */
  readonly recycleOlderMs: number;
  /** A worker is replaced when it uses more memory than so many bytes; Infinity for never. */
  readonly recycleAboveBytes: number;
  /** Stop once so many items have failed: a number, from 1, or a share of the finished ones, such as `5%`. */
  readonly halt: number | string;
  /** Where outcomes are recorded: a path, true for a file in the task's own folder, false for no journal. */
  readonly journal: string | boolean;
  /** Path of the file to which what `process` returns is written, a line of JSON for each item that is done. */
  readonly results: string | undefined;
  /** Write the results in the order of `dispatch`. */
  readonly ordered: boolean;
  /** Path of a file for the Prometheus node exporter, which gets the numbers of the run each 5 seconds and at the end. */
  readonly metricsFile: string | undefined;
  /** Resume the last unfinished run, or the run of the named journal. */
  readonly resume: boolean;
  /**
   * Dispatch again, and process only the items that failed in the last run; a text: only those whose error has it in it,
   * as `--failures` shows the error.
   */
  readonly retryFailed: boolean | string;
  /** Process only the first so many items that are not skipped, from 1; Infinity for all. */
  readonly limit: number;
  /** Process nothing: `observe` only gets each item. */
  readonly dryRun: boolean;
  /** How often an item, alone in its worker, may crash the worker before it fails, from 1. */
  readonly maxCrashes: number;
  /** Time between asking a worker to exit and SIGKILL, in milliseconds. */
  readonly killAfterMs: number;
  /** A second INT or QUIT is forceful if it comes after so many milliseconds. */
  readonly forceAfterMs: number;
  /** On TERM, first let items finish for so many milliseconds. */
  readonly graceMs: number;
  /** Keep running on a hang-up (HUP). */
  readonly ignoreHup: boolean;
  /** Start even if the same run is going on. Undefined: only if there is no journal. */
  readonly concurrentRun: boolean | undefined;
  /**
   * Start even if a lock is held by a process that can't be checked: on another host, in another container, or from
   * another boot.
   */
  readonly takeOver: boolean;
  /**
   * Modules to load before the task file, in the master and in each worker, in this order and after those of
   * divvy.json. A path, which begins with `./`, `../`, `/` or `file:`, is relative to the working directory; a name is
   * found from the task file.
   */
  readonly import: readonly string[];
  /** The items, instead of those of the task's `dispatch`. */
  readonly items: Iterable<unknown> | AsyncIterable<unknown> | undefined;
  /** Whether the run takes over this process's signal handlers. */
  readonly signals: boolean;
  /** The task's own arguments: `process.argv.slice(2)` in each worker. */
  readonly args: readonly string[];
  /** Called with each event; undefined for lines on stderr. */
  readonly observe: ((event: Observed) => void) | undefined;
  /** Whether `observe` gets events for each item: handed out, done, retried. Always true with `verbose`. */
  readonly itemEvents: boolean;
}

/** The options of `new Master`. Public. */
export type MasterOptions = {
  /** `rate` may also be a text: `30/m`. */
  readonly [Key in keyof Settings]?: Settings[Key] | (Key extends 'import' | 'rate' ? string : never) | undefined;
};

/** The defaults. */
const DEFAULTS: Settings = {
  workers: os.availableParallelism(),
  concurrency: 1,
  verbose: false,
  tag: false,
  inline: false,
  socket: undefined,
  maxItemBytes: 64 * 1024 * 1024,
  retries: 0,
  backoffMs: 1000,
  backoffCapMs: 30_000,
  rate: Infinity,
  timeoutMs: Infinity,
  warnAfterMs: Infinity,
  recycleAfter: Infinity,
  recycleOlderMs: Infinity,
  recycleAboveBytes: Infinity,
  halt: Infinity,
  journal: false,
  results: undefined,
  ordered: false,
  metricsFile: undefined,
  resume: false,
  retryFailed: false,
  limit: Infinity,
  dryRun: false,
  maxCrashes: 3,
  killAfterMs: 5000,
  forceAfterMs: 10_000,
  graceMs: 0,
  ignoreHup: false,
  concurrentRun: undefined,
  takeOver: false,
  import: [],
  items: undefined,
  signals: true,
  args: process.argv.slice(2),
  observe: undefined,
  itemEvents: false,
};

/** Of these durations, 0 means that there is no such limit. */
const NONE_AT_0: readonly string[] = ['timeoutMs', 'warnAfterMs', 'recycleOlderMs'];

/** How an option is written on the command line, and its limits. */
export interface OptionRow {
  readonly key: keyof Settings;
  /** As the help shows it: `-n, --workers N`. */
  readonly usage: string;
  readonly kind:
    | 'flag'
    | 'off'
    | 'number'
    | 'duration'
    | 'megabytes'
    | 'share'
    | 'rate'
    | 'flag or text'
    | 'path'
    | 'modules';
  /** With the default in brackets, if there is one. */
  readonly doc: string;
  /** The smallest and the largest number allowed. */
  readonly least: number;
  readonly most: number;
  /** It shapes the run: the journal records it, and a resume uses it. */
  readonly isRecorded: boolean;
}

/** Options for one run, or one terminal, only. */
const ONCE: ReadonlySet<keyof Settings> = new Set([
  'verbose',
  'tag',
  'inline',
  'socket',
  'journal',
  'resume',
  'retryFailed',
  'limit',
  'dryRun',
  'concurrentRun',
  'takeOver',
]);

const MEGABYTE = 1024 * 1024;
/** Each worker has a slot from the start. */
export const WORKERS_MAX = 10_000;
/** A frame's length has four bytes, and a frame holds more than the item. */
const ITEM_MEGABYTES_MAX = 4095;

export const OPTIONS: readonly OptionRow[] = [
  row(
    'workers',
    '-n, --workers N',
    'number',
    'worker processes, forked as items need them (one for each CPU)',
    1,
    WORKERS_MAX,
  ),
  row('concurrency', '-c, --concurrency N', 'number', 'items in progress at once in each worker (1)', 1),
  row('verbose', '-v, --verbose', 'flag', 'say on stderr what master and workers do'),
  row('tag', '--tag', 'flag', "put the worker and the item's key before each line that a worker writes"),
  row('inline', '--inline', 'flag', 'run everything in this one process, for a debugger'),
  row('socket', '--socket PATH', 'path', 'the unix domain socket (in a fresh folder)'),
  row('maxItemBytes', '--max-item-size MB', 'megabytes', 'the largest item or result (64)', 1, ITEM_MEGABYTES_MAX),
  row('retries', '--retries N', 'number', 'how often an item is tried again after process threw (0)'),
  row('backoffMs', '--backoff D', 'duration', 'wait before the first retry; doubles each time, with jitter (1s)'),
  row('backoffCapMs', '--backoff-cap D', 'duration', 'longest wait before a retry (30s)'),
  row('rate', '--rate N/s', 'rate', 'how many items may begin in a second, in all workers (/m, /h: a minute, an hour)'),
  row('maxCrashes', '--max-crashes N', 'number', 'crashes of its worker, alone in it, that fail an item (3)', 1),
  row(
    'timeoutMs',
    '--timeout D',
    'duration',
    'time for an item; then its signal is aborted, after --kill-after SIGKILL; 0 for none',
  ),
  row('warnAfterMs', '--warn-after D', 'duration', 'report an item that takes longer, with its stack'),
  row('recycleAfter', '--recycle-after N', 'number', 'replace a worker after so many items', 1),
  row('recycleOlderMs', '--recycle-older D', 'duration', 'replace a worker that is older'),
  row('recycleAboveBytes', '--recycle-above MB', 'megabytes', 'replace a worker that uses more memory', 1),
  row('halt', '--halt N|N%', 'share', 'stop once N items have failed, or N% of them after the first 100', 1),
  row('journal', '--journal FILE', 'path', 'where outcomes are recorded (.divvy/<task>/<run id>.ndjson)'),
  row('journal', '--no-journal', 'off', 'record nothing'),
  row('results', '--results FILE', 'path', 'what process returns: a line of JSON for each item that is done'),
  row('ordered', '--ordered', 'flag', 'write the results in the order of dispatch'),
  row(
    'metricsFile',
    '--metrics-file FILE',
    'path',
    'numbers for the Prometheus node exporter, each 5 s and at the end',
  ),
  row('resume', '--resume', 'flag', 'go on with the last unfinished run, or that of --journal'),
  row(
    'retryFailed',
    '--retry-failed[=ERROR]',
    'flag or text',
    'only the items that failed in the last run; with =, those whose error contains ERROR',
  ),
  row('limit', '--limit N', 'number', 'process only the first N items that are not skipped', 1),
  row('dryRun', '--dry-run', 'flag', 'print the items, one a line, and process none'),
  row('killAfterMs', '--kill-after D', 'duration', 'time between asking a worker to exit and SIGKILL (5s)'),
  row('forceAfterMs', '--force-after D', 'duration', 'time after which a second INT or QUIT is forceful (10s)'),
  row('graceMs', '--grace D', 'duration', 'on TERM, let items finish for this long first (0)'),
  row('ignoreHup', '--ignore-hup', 'flag', 'keep running on a hang-up (HUP)'),
  row('concurrentRun', '--concurrent-run', 'flag', 'start even if the same run is going on'),
  row('takeOver', '--take-over', 'flag', 'start even if a run on another host or container holds the lock'),
  row('import', '--import MODULE', 'modules', 'load it before the task file, such as tsx; can be repeated'),
];

function row(
  key: keyof Settings,
  usage: string,
  kind: OptionRow['kind'],
  doc: string,
  least = 0,
  most = Math.floor(Number.MAX_SAFE_INTEGER / unitOf(kind)),
): OptionRow {
  return { key, usage, kind, doc, least, most, isRecorded: !ONCE.has(key) };
}

/** Splits `-n, --workers N` into the flag and its short form. */
export function flagOf({ usage }: OptionRow): { flag: string; short: string | undefined } {
  return { flag: /--([a-z-]+)/.exec(usage)?.[1] ?? usage, short: /^-([a-z]),/.exec(usage)?.[1] };
}

/** Returns the factor for a number on the command line. */
export function unitOf(kind: OptionRow['kind']): number {
  return kind === 'megabytes' ? MEGABYTE : 1;
}

/** Returns whether the value is valid for `halt`. */
function isShare(value: unknown): boolean {
  if (typeof value === 'string') return /^\d+(\.\d+)?%$/.test(value) && Number.parseFloat(value) <= 100;
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/**
 * Returns the items per second that `100/s`, `30/m`, `1000/h` or a number stand for; Infinity for 0, which means no limit;
 * undefined for anything else.
 */
export function rateOf(value: unknown): number | undefined {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(?:\/([smh]))?$/.exec(String(value)) ?? [];
  const rate = typeof value === 'number' ? value : amount && Number(amount) / (SECONDS_OF[unit] ?? 1);
  return typeof rate === 'number' && rate >= 0 ? rate || Infinity : undefined;
}

/** The longest delay of a Node.js timer. */
const LONGEST_MS = 2 ** 31 - 1;

/** How an option was given, for error messages: by its key to a Master, by its flag on the command line. */
export interface Given {
  readonly name: string;
  readonly value: unknown;
  /** The factor that was applied to a number. */
  readonly unit: number;
}

/** Throws UsageError if the value is invalid for the option. `given` says how it was given. */
export function checkOption({ key, kind, least, most }: OptionRow, value: unknown, given: Given): void {
  if (kind === 'duration') {
    if (!(typeof value === 'number' && value >= 0))
      throw mustBe(given.name, 'a number of milliseconds of at least 0', given.value);
  } else if (kind === 'share') {
    if (!isShare(value)) throw notAShare(given.name, given.value);
  } else if (kind === 'rate') {
    if (rateOf(value) === undefined) throw notARate(given.name, given.value);
  } else if (kind === 'flag or text') {
    if (typeof value !== 'boolean' && (typeof value !== 'string' || value === ''))
      throw mustBe(
        given.name,
        given.name === key
          ? 'true, false, or a text to look for in the errors'
          : 'alone, or have a text to look for after =, as in --retry-failed=ECONNRESET',
        given.value,
      );
  } else if (kind === 'modules') {
    if (moduleList(value) === undefined) throw notModules(given.name, given.value);
  } else if (kind === 'number' || kind === 'megabytes') {
    const scale = unitOf(kind);
    const fits = Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most * scale;
    if (!fits) throw notWholeNumber(given.name, given.value, least, (most * scale) / given.unit);
  } else if (kind === 'flag' || kind === 'off') {
    if (typeof value !== 'boolean') throw mustBe(given.name, 'true or false', given.value);
  } else if (value !== undefined && (typeof value !== 'string' || value === '')) {
    // A Master also accepts true or false for it.
    const isJournal = key === 'journal' && given.name === key;
    if (!(isJournal && typeof value === 'boolean'))
      throw mustBe(given.name, isJournal ? 'a path, true or false' : 'a path', given.value);
  }
}

/** Throws UsageError if options exclude each other. `nameOf` returns an option's name as it was given. */
export function checkTogether(options: MasterOptions, nameOf: (key: keyof Settings) => string): void {
  const { resume, retryFailed, journal, results, ordered, dryRun, tag, inline } = options;
  if (tag && inline) throw notTogether(nameOf('tag'), nameOf('inline'));
  if (resume && retryFailed) throw notTogether(nameOf('resume'), nameOf('retryFailed'));
  if ((resume || retryFailed) && journal === false) throw needsJournal(nameOf(resume ? 'resume' : 'retryFailed'));
  if (ordered && retryFailed) throw notTogether(nameOf('ordered'), nameOf('retryFailed'));
  // A resume takes the file from the run that it goes on with.
  if (ordered && results === undefined && !resume && !dryRun)
    throw orderedNeedsResults(nameOf('ordered'), nameOf('results'));
  checkFiles(options, nameOf);
}

/** The options that name a file which is written. */
const FILES = ['results', 'metricsFile', 'journal'] as const;

/** Returns which of them is this file. */
export function optionOf(file: string, options: MasterOptions): (typeof FILES)[number] | undefined {
  return FILES.find((key) => {
    const named = options[key];
    return typeof named === 'string' && path.resolve(named) === path.resolve(file);
  });
}

function checkFiles(options: MasterOptions, nameOf: (key: keyof Settings) => string): void {
  for (const key of FILES) {
    const file = options[key];
    const first = typeof file === 'string' ? optionOf(file, options) : undefined;
    if (typeof file === 'string' && first && first !== key)
      throw sameFile(nameOf(first), nameOf(key), String(options[first]));
  }
}

/** Returns the settings. Throws UsageError if a value is invalid. */
export function settingsOf(options: MasterOptions): Settings {
  const settings: Record<string, unknown> = { ...DEFAULTS };
  for (const [key, value] of Object.entries(options)) {
    if (!Object.hasOwn(DEFAULTS, key)) throw noSuchOption(key, Object.keys(DEFAULTS));
    if (value !== undefined) settings[key] = value;
  }
  for (const row of OPTIONS) {
    const { key, kind } = row;
    const value = settings[key];
    if (value === DEFAULTS[key] || (kind === 'off' && value !== false)) continue;
    checkOption(row, value, { name: key, value, unit: 1 });
    if (kind === 'duration')
      settings[key] = NONE_AT_0.includes(key) && value === 0 ? Infinity : Math.min(value as number, LONGEST_MS);
    if (kind === 'rate') settings[key] = rateOf(value);
    // Now, not later: the task may change the working directory.
    if (key === 'results' || key === 'metricsFile') settings[key] = path.resolve(value as string);
    if (kind === 'modules') settings[key] = moduleList(value)?.map((name) => moduleFrom(path.resolve(), name));
  }
  checkTogether(settings as MasterOptions, (key) => key);
  const { items, signals, args, observe, itemEvents } = settings;
  const iterable = typeof items === 'object' && items && (Symbol.asyncIterator in items || Symbol.iterator in items);
  if (items !== undefined && !iterable) throw mustBe('items', 'an iterable, or an async one', items);
  if (typeof signals !== 'boolean') throw mustBe('signals', 'true or false', signals);
  if (typeof itemEvents !== 'boolean') throw mustBe('itemEvents', 'true or false', itemEvents);
  if (!(Array.isArray(args) && args.every((arg) => typeof arg === 'string'))) {
    throw mustBe('args', 'an array of strings', args);
  }
  if (observe !== undefined && typeof observe !== 'function') throw mustBe('observe', 'a function', observe);
  if (settings['inline'] === true) settings['workers'] = 1;
  return settings as unknown as Settings;
}
