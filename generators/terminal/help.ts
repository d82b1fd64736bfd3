/** The help texts, made from the tables of commands and flags. */

import { version } from '../package.ts';
import { flagEntry, flagNames, written } from './flags.ts';

export type Program = 'create-divvy-task' | 'divvy';

export interface CommandHelp {
  /** The arguments after the command in the usage line, such as `[dir]`. */
  readonly takes: string;
  /** One line. */
  readonly summary: string;
  /** Where to read about flags that are not the generator's own. */
  readonly flagsElsewhere?: string;
}

const WHAT = 'a typed TypeScript task whose items run in parallel worker processes';

const USAGE = {
  'create-divvy-task': [
    ['npm create divvy-task@latest [dir] -- [flags]', 'a new project'],
    ['create-divvy-task [dir] [flags]', 'the same'],
    ['create-divvy-task <command> …', 'as divvy <command>'],
  ],
  divvy: [
    ['divvy <command> …', ''],
    ['divvy [options] <task file> …', 'run a task, as `divvy run` does'],
  ],
} as const;

export function programHelp(program: Program, commands: Readonly<Record<string, CommandHelp>>): string {
  return [
    `${program} ${version}: ${WHAT}`,
    '',
    'Usage:',
    ...table(USAGE[program]),
    '',
    'Commands:',
    ...table(
      Object.entries(commands).map(([name, { takes, summary }]) => [`${name} ${takes}`.trimEnd(), summary] as const),
    ),
    '',
    program === 'divvy' ? 'Flags of `divvy create`:' : 'Flags:',
    flagHelp('create'),
    '',
    'Exit codes: 0 done or nothing to do, 1 failed or cancelled, 2 usage or a missing answer,',
    '3 conflicts, 4 a template that needs trust, 5 uncommitted changes in the way, 10 differences.',
  ].join('\n');
}

export function commandHelp(shown: string, name: string, { takes, summary, flagsElsewhere }: CommandHelp): string {
  const usage = `Usage: ${`${shown} ${takes}`.trimEnd()}`;
  const flags = flagsElsewhere ?? `Flags:\n${flagHelp(name)}`;
  return [usage, '', `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`, '', flags].join('\n');
}

/** The flags of a command, one on each line. */
const flagHelp = (command: string): string =>
  table(
    flagNames(command).map((name) => {
      const { short, value, negation, help, helpIn } = flagEntry(name);
      const long = negation === 'both' ? `--${name}, --no-${name}` : written(name);
      return [
        `${short ? `-${short}, ` : '    '}${long}${value ? ` ${value}` : ''}`,
        helpIn?.[command] ?? help,
      ] as const;
    }),
  ).join('\n');

/** Two columns, indented. */
export function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`.trimEnd());
}
