/**
 * Reads the runner's command line. Runs in the master. Internal.
 */

import { parseArgs } from 'node:util';
import { mustBe, noOption, notTogether, optionGoesWrong, sameFile, taskFileNotNamed } from '../errors.ts';
import {
  checkOption,
  checkTogether,
  flagOf,
  type MasterOptions,
  OPTIONS,
  type OptionRow,
  optionOf,
  rateOf,
  unitOf,
} from '../options.ts';

/** What can be shown of runs, without running anything. */
const SHOWN = ['status', 'runs', 'failures', 'report-data', 'report-live'] as const;
type Shown = (typeof SHOWN)[number];

/** Flags as parseArgs takes them. */
export type Flags = Readonly<Record<string, { readonly type: 'boolean' | 'string'; readonly short?: string }>>;

/** The values of the engine's flags; empty without an engine. */
export type EngineValues = Readonly<Record<string, unknown>>;

/** What a command line asks for. */
export type Request =
  | { readonly want: 'help' | 'version' }
  /** Show the state of the task's last run, of all of them, the failed items of the last one, or what it did. */
  | {
      readonly want: Shown;
      readonly taskFile: string;
      readonly args: readonly string[];
      /** The journal, if it is not in the task's own folder. */
      readonly journal: string | undefined;
      readonly json: boolean;
      readonly engine: EngineValues;
    }
  /** Ask something of the task's run that goes on. */
  | {
      readonly want: 'control';
      /** What to ask: control.ts. */
      readonly control: string;
      readonly taskFile: string;
      readonly args: readonly string[];
      readonly journal: string | undefined;
      readonly json: boolean;
    }
  | {
      readonly want: 'run';
      readonly taskFile: string;
      readonly options: MasterOptions;
      /** Events as NDJSON on stderr, instead of lines for people. */
      readonly json: boolean;
      /** Only failures and errors on stderr. */
      readonly quiet: boolean;
      /** A file to which events are appended as well. */
      readonly events: string | undefined;
      /** Undefined if it depends on the terminal. */
      readonly progress: boolean | undefined;
      /** The task's own arguments. */
      readonly args: readonly string[];
      readonly engine: EngineValues;
    };

/**
 * Returns the request of the command line `argv` (without node and the script). Options may come before and after the
 * task file; everything after `--` belongs to the task. `engineFlags` are those of the engine, if it names one. Throws
 * UsageError.
 */
export function readArguments(argv: readonly string[], engineFlags: Flags = {}): Request {
  const { words, texts } = withoutTexts(argv);
  const parsed = parse(words, engineFlags);
  if (parsed.values['help'] === true) return { want: 'help' };
  if (parsed.values['version'] === true) return { want: 'version' };
  checkWords(parsed.values);
  const options = optionsIn(parsed, texts); // first: one that lacks its value may have taken the task file for it
  const [taskFile, ...args] = parsed.positionals;
  if (taskFile === undefined) throw taskFileNotNamed();
  const json = parsed.values['json'] === true;
  const [shown, another] = SHOWN.filter((word) => parsed.values[word] === true);
  if (shown && another) throw notTogether(`--${shown}`, `--${another}`);
  const journal = parsed.values['journal'] as string | undefined;
  const engine = Object.fromEntries(Object.keys(engineFlags).map((flag) => [flag, parsed.values[flag]]));
  const control = parsed.values['control'];
  if (shown && control !== undefined) throw notTogether(`--${shown}`, '--control');
  if (shown) return { want: shown, taskFile, args, journal, json, engine };
  if (typeof control === 'string') {
    return { want: 'control', control, taskFile, args, journal, json };
  }
  checkTogether(options, nameOf);
  const quiet = parsed.values['quiet'] === true;
  const events = parsed.values['events'] as string | undefined;
  if (events === '') throw mustBe('--events', 'a path', events);
  const same = events === undefined ? undefined : optionOf(events, options);
  if (events !== undefined && same) throw sameFile('--events', nameOf(same), events);
  const progress = parsed.values['no-progress'] === true ? false : (parsed.values['progress'] as boolean | undefined);
  return { want: 'run', taskFile, options, args, json, quiet, events, progress, engine };
}

function optionsIn({ values }: Parsed, texts: ReadonlyMap<string, string>): Record<string, unknown> {
  const options: Record<string, unknown> = { journal: true };
  for (const row of OPTIONS) {
    const { flag } = flagOf(row);
    const value = values[flag];
    if (value === undefined) continue;
    options[row.key] = row.kind === 'off' ? false : readValue(row, flag, texts.get(flag) ?? value);
  }
  return options;
}

/** Returns the flag of a Master's option. */
function nameOf(key: OptionRow['key']): string {
  const row = OPTIONS.find((each) => each.key === key);
  return row ? `--${flagOf(row).flag}` : key;
}

/** Checks options that only the command line has, and --journal, which is two flags here. */
function checkWords(values: Parsed['values']): void {
  const isGiven = (word: string): boolean => values[word] !== undefined;
  for (const [one, other] of [
    ['journal', 'no-journal'],
    ['progress', 'no-progress'],
    ['progress', 'json'],
    ['progress', 'quiet'],
    ['verbose', 'quiet'],
  ] as const) {
    if (isGiven(one) && isGiven(other)) throw notTogether(`--${one}`, `--${other}`);
  }
}

/**
 * Takes the texts out of `--retry-failed=ERROR` and the like: parseArgs knows no option whose value may be left out.
 */
function withoutTexts(argv: readonly string[]): { words: string[]; texts: Map<string, string> } {
  const texts = new Map<string, string>();
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const flags = OPTIONS.filter(({ kind }) => kind === 'flag or text').map((row) => `--${flagOf(row).flag}`);
  const words = argv.map((word, at) => {
    const flag = at < end && flags.find((each) => word.startsWith(`${each}=`));
    if (!flag) return word;
    texts.set(flag.slice(2), word.slice(flag.length + 1));
    return flag;
  });
  return { words, texts };
}

type Parsed = { values: Record<string, unknown>; positionals: string[] };

function parse(argv: readonly string[], engineFlags: Flags): Parsed {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string; multiple?: true }> = {
    ...engineFlags,
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
    ...Object.fromEntries(SHOWN.map((word) => [word, { type: 'boolean' as const }])),
    json: { type: 'boolean' },
    quiet: { type: 'boolean', short: 'q' },
    events: { type: 'string' },
    control: { type: 'string' },
    progress: { type: 'boolean' },
    'no-progress': { type: 'boolean' },
  };
  for (const row of OPTIONS) {
    const { flag, short } = flagOf(row);
    options[flag] = {
      type: row.kind.startsWith('flag') || row.kind === 'off' ? 'boolean' : 'string',
      ...(short !== undefined && { short }),
      ...(row.kind === 'modules' && { multiple: true }),
    };
  }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true }) as Parsed;
  } catch (error) {
    // Node.js's messages are long, and call a value that begins with a dash ambiguous.
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

/** Returns similar options: at most two edits away, or beginning with a text that is one edit away. */
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

/** Returns how many letters to insert, remove or change to turn one text into the other. */
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

/** Throws UsageError if the value is invalid for the option. */
function readValue(row: OptionRow, flag: string, given: unknown): unknown {
  const value = typeof given === 'string' ? typedOf(row, flag, given) : given;
  checkOption(row, value, { name: `--${flag}`, value: given, unit: unitOf(row.kind) });
  return value;
}

/** Returns the milliseconds. Throws UsageError if the text is no duration. */
export function durationOf(flag: string, text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (amount === undefined) throw mustBe(`--${flag}`, 'a duration, such as 500ms, 2s or 5m', text);
  return Number(amount) * (MS_OF[unit] ?? 1);
}

function typedOf({ kind }: OptionRow, flag: string, text: string): unknown {
  if (kind === 'duration') return durationOf(flag, text);
  if (kind === 'rate') return rateOf(text) ?? text;
  const isNumber = kind === 'number' || kind === 'megabytes' || kind === 'share';
  return isNumber && /^\d+$/.test(text) ? Number(text) * unitOf(kind) : text;
}

const MS_OF: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
