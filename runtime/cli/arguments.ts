/**
 * Reads the runner's command line. Runs in the master. Internal.
 */

import { parseArgs } from 'node:util';
import {
  mustBe,
  needsJournal,
  noOption,
  notAShare,
  notTogether,
  notWholeNumber,
  optionGoesWrong,
  taskFileNotNamed,
} from '../errors.ts';
import { flagOf, isShare, type MasterOptions, OPTIONS, type OptionRow, unitOf } from '../options.ts';

/** What a command line asks for. */
export type Request =
  | { readonly want: 'help' | 'version' }
  /** How the last run of the task stands. */
  | { readonly want: 'status'; readonly taskFile: string; readonly json: boolean }
  | {
      readonly want: 'run';
      readonly taskFile: string;
      readonly options: MasterOptions;
      /** Events as NDJSON on stderr, in place of lines for people. */
      readonly json: boolean;
      /** Nothing but failures and errors on stderr. */
      readonly quiet: boolean;
      /** The file to which events are appended, too. */
      readonly events: string | undefined;
      /** Undefined where the terminal decides. */
      readonly progress: boolean | undefined;
      /** The task's own arguments. */
      readonly args: readonly string[];
    };

/**
 * Returns what `argv` (without node and the script) asks for. Options may stand before and behind the task file; what stands
 * behind `--` is the task's own. Throws UsageError.
 */
export function readArguments(argv: readonly string[]): Request {
  const parsed = parse(argv);
  if (parsed.values['help'] === true) return { want: 'help' };
  if (parsed.values['version'] === true) return { want: 'version' };
  checkTogether(parsed.values);
  const [taskFile, ...args] = parsed.positionals;
  if (taskFile === undefined) throw taskFileNotNamed();
  const json = parsed.values['json'] === true;
  if (parsed.values['status'] === true) return { want: 'status', taskFile, json };
  const options: Record<string, unknown> = { journal: true };
  for (const row of OPTIONS) {
    const { flag } = flagOf(row);
    const value = parsed.values[flag];
    if (value === undefined) continue;
    if (row.kind === 'off') options[row.key] = false;
    else options[row.key] = typeof value === 'string' ? readValue(row, flag, value) : value;
  }
  const progress = parsed.values['no-progress'] === true ? false : (parsed.values['progress'] as boolean | undefined);
  const quiet = parsed.values['quiet'] === true;
  const events = parsed.values['events'] as string | undefined;
  if (events === '') throw mustBe('--events', 'a path', events);
  return { want: 'run', taskFile, options, args, json, quiet, events, progress };
}

/** By the names that they have here; options.ts checks the same by those of a Master. */
function checkTogether(values: Parsed['values']): void {
  const both = (one: string, other: string): boolean => values[one] !== undefined && values[other] !== undefined;
  for (const [one, other] of [
    ['resume', 'retry-failed'],
    ['journal', 'no-journal'],
    ['progress', 'no-progress'],
    ['progress', 'json'],
    ['progress', 'quiet'],
    ['verbose', 'quiet'],
  ] as const) {
    if (both(one, other)) throw notTogether(`--${one}`, `--${other}`);
  }
  for (const option of ['resume', 'retry-failed']) {
    if (both(option, 'no-journal')) throw needsJournal(`--${option}`);
  }
}

type Parsed = { values: Record<string, unknown>; positionals: string[] };

function parse(argv: readonly string[]): Parsed {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string; multiple?: true }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
    status: { type: 'boolean' },
    json: { type: 'boolean' },
    quiet: { type: 'boolean', short: 'q' },
    events: { type: 'string' },
    progress: { type: 'boolean' },
    'no-progress': { type: 'boolean' },
  };
  for (const row of OPTIONS) {
    const { flag, short } = flagOf(row);
    options[flag] = {
      type: row.kind === 'flag' || row.kind === 'off' ? 'boolean' : 'string',
      ...(short !== undefined && { short }),
      ...(row.kind === 'modules' && { multiple: true }),
    };
  }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true }) as Parsed;
  } catch (error) {
    // Node.js says it at length, and calls a value that begins with a dash ambiguous.
    const { code, message } = error as NodeJS.ErrnoException;
    const option = /'(?:-\w, )?(-[^'\s,]+)/.exec(message)?.[1] ?? message;
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw noOption(option, nearest(option, Object.keys(options)));
    if (/does not take/.test(message)) throw optionGoesWrong(`${option} takes no value`);
    const next = argv[argv.indexOf(option) + 1];
    const dashed = argv.includes(option) && next?.startsWith('-') ? `, and ${next} begins with a dash` : '';
    throw optionGoesWrong(`${option} needs a value${dashed}`);
  }
}

const NEAREST_MAX = 3;

/** Options that were perhaps meant: two edits away at most, or with a beginning that is one edit away. */
function nearest(option: string, flags: readonly string[]): string[] {
  const typed = option.replace(/^--/, '').toLowerCase();
  if (typed === option.toLowerCase() || typed.length < 3) return [];
  const isNear = (flag: string): boolean => {
    if (edits(typed, flag) <= 2) return true;
    const lengths = [typed.length - 1, typed.length, typed.length + 1];
    return lengths.some((length) => edits(typed, flag.slice(0, length)) <= 1);
  };
  return flags
    .filter(isNear)
    .slice(0, NEAREST_MAX)
    .map((flag) => `--${flag}`);
}

/** How many letters are put in, left out or changed between the two. */
function edits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [at, letter] of [...one].entries()) {
    const next = [at + 1];
    for (let to = 0; to < other.length; to++) {
      const changed = (row[to] ?? 0) + (other[to] === letter ? 0 : 1);
      next.push(Math.min(changed, (row[to + 1] ?? 0) + 1, (next[to] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

function readValue({ kind, least, most }: OptionRow, flag: string, text: string): unknown {
  switch (kind) {
    case 'number':
    case 'megabytes': {
      const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!(value >= least && value <= most)) throw notWholeNumber(`--${flag}`, text, least, most);
      return value * unitOf(kind);
    }
    case 'duration': {
      const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
      if (amount === undefined) throw mustBe(`--${flag}`, 'a duration, such as 500ms, 2s or 5m', text);
      return Number(amount) * (MS_OF[unit] ?? 1);
    }
    case 'share': {
      const value = /^\d+$/.test(text) ? Number(text) : text;
      if (!isShare(value)) throw notAShare(`--${flag}`, text);
      return value;
    }
    default:
      if (text === '') throw mustBe(`--${flag}`, 'a path', text);
      return text;
  }
}

const MS_OF: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
