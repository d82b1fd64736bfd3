/**
 * Reads the runner's command line. Runs in the master. Internal.
 */

import { parseArgs } from 'node:util';
import { mustBe, notWholeNumber, optionGoesWrong, taskFileNotNamed } from '../errors.ts';
import { type MasterOptions, OPTIONS, type OptionRow } from '../options.ts';

/** What a command line asks for. */
export type Request =
  | { readonly want: 'help' | 'version' }
  | {
      readonly want: 'run';
      readonly taskFile: string;
      readonly options: MasterOptions;
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
  const [taskFile, ...args] = parsed.positionals;
  if (taskFile === undefined) throw taskFileNotNamed();
  const options: Record<string, unknown> = {};
  for (const row of OPTIONS) {
    const { flag } = flagOf(row);
    const value = parsed.values[flag];
    if (value !== undefined) options[row.key] = typeof value === 'string' ? readValue(row, flag, value) : value;
  }
  return { want: 'run', taskFile, options, args };
}

type Parsed = { values: Record<string, unknown>; positionals: string[] };

function parse(argv: readonly string[]): Parsed {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
  };
  for (const row of OPTIONS) {
    const { flag, short } = flagOf(row);
    options[flag] = { type: row.kind === 'flag' ? 'boolean' : 'string', ...(short !== undefined && { short }) };
  }
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true }) as Parsed;
  } catch (error) {
    // Node.js says it at length, and calls a value that begins with a dash ambiguous.
    const { code, message } = error as NodeJS.ErrnoException;
    const option = /'(?:-\w, )?(-[^'\s,]+)/.exec(message)?.[1] ?? message;
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') throw optionGoesWrong(`there is no option ${option}`);
    throw optionGoesWrong(`${option} ${/does not take/.test(message) ? 'takes no' : 'needs a'} value`);
  }
}

/** `-n, --workers N` is --workers, -n for short. */
function flagOf({ usage }: OptionRow): { flag: string; short: string | undefined } {
  return { flag: /--([a-z-]+)/.exec(usage)?.[1] ?? usage, short: /^-([a-z]),/.exec(usage)?.[1] };
}

function readValue({ kind, least }: OptionRow, flag: string, text: string): unknown {
  switch (kind) {
    case 'number':
    case 'megabytes': {
      const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!(value >= least && Number.isSafeInteger(value))) throw notWholeNumber(`--${flag}`, text, least);
      return kind === 'megabytes' ? value * 1024 * 1024 : value;
    }
    case 'duration': {
      const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
      if (amount === undefined) throw mustBe(`--${flag}`, 'a duration, such as 500ms, 2s or 5m', text);
      return Number(amount) * (MS_OF[unit] ?? 1);
    }
    default:
      return text;
  }
}

const MS_OF: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
