/**
 * Where a command writes its output. The result goes to stdout. With `--json`, stdout holds one JSON object and nothing
 * else, and text for people goes to stderr.
 */

import { styleText } from 'node:util';
import type { FlagValues } from './flags.ts';
import { harmless } from './harmless.ts';
import type { Refusal } from './refusal.ts';

export interface Speech {
  readonly json: boolean;
  readonly quiet: boolean;
}

export interface Terminal {
  readonly json: boolean;
  /** Prints text for people, and adds a line end; silent with `--quiet`. */
  say(text: string): void;
  /** Like say, for text that somebody else wrote: on a terminal it escapes every character that could act on it. */
  show(text: string): void;
  /** Prints a warning or a hint, always on stderr; silent with `--quiet`. */
  note(text: string): void;
  /** Prints the one object of `--json`; does nothing without `--json`. */
  result(value: unknown): void;
  /** Prints on stderr why something was not done. */
  refuse(refusal: Refusal): void;
  readonly style: Style;
}

/** Each function colours a text, if the stream for people's text supports colours. */
interface Style {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly added: (text: string) => string;
  readonly removed: (text: string) => string;
  readonly warning: (text: string) => string;
}

type Format = Parameters<typeof styleText>[0];

/** `styleText` respects NO_COLOR, FORCE_COLOR, TERM=dumb and whether the stream is a terminal. */
const painter =
  (format: Format, stream: NodeJS.WriteStream) =>
  (text: string): string =>
    styleText(format, text, { stream });

function styleFor(stream: NodeJS.WriteStream): Style {
  return {
    strong: painter('bold', stream),
    faint: painter('dim', stream),
    added: painter('green', stream),
    removed: painter('red', stream),
    warning: painter('yellow', stream),
  };
}

export function terminal({ json, quiet }: Speech): Terminal {
  const people = json ? process.stderr : process.stdout;
  const onStderr = styleFor(process.stderr);
  return {
    json,
    style: styleFor(people),
    say: (text) => {
      if (!quiet) people.write(`${text}\n`);
    },
    show: (text) => {
      if (!quiet) people.write(`${people.isTTY ? harmless(text) : text}\n`);
    },
    note: (text) => {
      if (!quiet) process.stderr.write(`${onStderr.warning('note:')} ${indented(harmless(text), 6)}\n`);
    },
    result: (value) => {
      if (json) process.stdout.write(`${harmless(JSON.stringify(value, null, 2))}\n`);
    },
    refuse: ({ message, remedy }) => {
      const told = remedy === '' ? '' : `\n${harmless(remedy)}`;
      process.stderr.write(`${onStderr.removed('error:')} ${harmless(message)}${told}\n`);
    },
  };
}

/** Whether there is a person to ask: stdin and stdout are a terminal that can move its cursor, and this is not CI. */
function canAsk(environment: NodeJS.ProcessEnv): boolean {
  const ci = environment['CI'] ?? '';
  const isCi = ci !== '' && ci !== 'false' && ci !== '0';
  return process.stdin.isTTY === true && process.stdout.isTTY === true && environment['TERM'] !== 'dumb' && !isCi;
}

/** Whether divvy asks questions: there is a person to ask, and none of --yes, --no-input and --json was given. */
export const isInteractive = ({
  values,
  environment,
}: {
  readonly values: FlagValues;
  readonly environment: NodeJS.ProcessEnv;
}): boolean => values.yes !== true && values.input !== false && values.json !== true && canAsk(environment);

const indented = (text: string, columns: number): string => text.replaceAll('\n', `\n${' '.repeat(columns)}`);
