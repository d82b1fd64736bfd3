/**
 * Where a command speaks. The result goes to stdout; with `--json` stdout holds one JSON object and nothing else, and
 * what is for people goes to stderr.
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
  /** Text for people; not shown with `--quiet`. A line end is added. */
  say(text: string): void;
  /** The same for text that somebody else wrote: what could play with a terminal is escaped on one. */
  show(text: string): void;
  /** A warning or a hint, always on stderr; not shown with `--quiet`. */
  note(text: string): void;
  /** The one object of `--json`; nothing without it. */
  result(value: unknown): void;
  /** Why something was not done, on stderr. */
  refuse(refusal: Refusal): void;
  readonly style: Style;
}

/** Each wraps a text in a colour, where the stream that people's text goes to has any. */
interface Style {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly added: (text: string) => string;
  readonly removed: (text: string) => string;
  readonly warning: (text: string) => string;
}

type Format = Parameters<typeof styleText>[0];

/** `styleText` obeys NO_COLOR, FORCE_COLOR, TERM=dumb and whether the stream is a terminal. */
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

/** Whether a person can be asked: both ends are a terminal that can move its cursor, and this is no CI. */
function canAsk(environment: NodeJS.ProcessEnv): boolean {
  const ci = environment['CI'] ?? '';
  const isCi = ci !== '' && ci !== 'false' && ci !== '0';
  return process.stdin.isTTY === true && process.stdout.isTTY === true && environment['TERM'] !== 'dumb' && !isCi;
}

/** Whether questions are asked: there is somebody to ask, and neither --yes nor --no-input. */
export const isInteractive = ({
  values,
  environment,
}: {
  readonly values: FlagValues;
  readonly environment: NodeJS.ProcessEnv;
}): boolean => values.yes !== true && values.input !== false && values.json !== true && canAsk(environment);

const indented = (text: string, columns: number): string => text.replaceAll('\n', `\n${' '.repeat(columns)}`);
