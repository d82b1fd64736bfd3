/**
 * The options that a journal records. A resume uses them unless others are given, and a command to copy contains them.
 * Runs in the master, and in commands that show the state of a run. Internal.
 */

import { fileURLToPath } from 'node:url';
import { flagOf, type MasterOptions, OPTIONS, type OptionRow, rateOf, unitOf } from '../options.ts';
import { fileWord } from '../text/shell.ts';

/** Options by their names in options.ts, as JSON values. */
export type RecordedOptions = Readonly<Record<string, unknown>>;

/**
 * Returns the options that are recorded. An infinite one, such as a timeout of Infinity, counts as not given.
 *
 * options - as they were given, or as a journal has them: another release may have recorded more.
 */
export function recordedOf(options: MasterOptions | RecordedOptions): RecordedOptions {
  const given = options as RecordedOptions;
  const recorded: Record<string, unknown> = {};
  for (const { key, isRecorded } of OPTIONS) {
    const value = given[key];
    const isOne = ['string', 'boolean'].includes(typeof value) || Number.isFinite(value) || Array.isArray(value);
    if (isRecorded && isOne) recorded[key] = value;
  }
  return recorded;
}

/** Returns the earlier options, replaced by those that are given now. */
export function mergedWith(earlier: RecordedOptions, now: MasterOptions): MasterOptions {
  const given = Object.entries(now).filter(([, value]) => value !== undefined);
  return { ...recordedOf(earlier), ...Object.fromEntries(given) };
}

/** Returns recorded options as words of a command line, for this or another folder: `--timeout`, `10s`. */
export function wordsOf(options: RecordedOptions, folder?: string): string[] {
  return OPTIONS.flatMap((row) => {
    if (!row.isRecorded || !Object.hasOwn(options, row.key)) return [];
    const flag = `--${flagOf(row).flag}`;
    const value = options[row.key];
    if (row.kind === 'modules') return [value].flat().flatMap((name) => [flag, moduleWord(String(name), folder)]);
    if (row.kind === 'flag') return value === true ? [flag] : [];
    const word = row.kind === 'path' ? fileWord(String(value), folder) : valueWord(row, value);
    return word === undefined ? [] : [flag, word];
  });
}

/** A file is recorded by its URL, because the next run may start in another folder. */
function moduleWord(name: string, folder: string | undefined): string {
  if (!name.startsWith('file:')) return name;
  const file = fileWord(fileURLToPath(name), folder);
  return /^\.{0,2}\//.test(file) ? file : `./${file}`;
}

/** Returns undefined if the command line can't express the value: a library may set any number of bytes. */
function valueWord({ kind, least }: OptionRow, value: unknown): string | undefined {
  if (typeof value !== 'number') return String(value);
  if (kind === 'duration') return durationWord(value);
  if (kind === 'rate') return rateWord(value);
  const units = value / unitOf(kind);
  return Number.isInteger(units) && units >= least ? String(units) : undefined;
}

function rateWord(perSecond: number): string | undefined {
  for (const [unit, seconds] of [
    ['s', 1],
    ['m', 60],
    ['h', 3600],
  ] as const) {
    const word = `${perSecond * seconds}/${unit}`;
    if (/^\d+\//.test(word) && rateOf(word) === perSecond) return word;
  }
  const word = String(perSecond);
  return rateOf(word) === perSecond ? word : undefined; // 1e-7 is not accepted as a rate
}

function durationWord(ms: number): string {
  for (const [unit, length] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const) {
    if (ms > 0 && ms % length === 0) return `${ms / length}${unit}`;
  }
  return ms === 0 ? '0' : `${ms}ms`;
}
