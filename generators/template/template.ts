/** `divvy template list | new | check | test`: lists templates, and helps their authors. */

import { noTemplateCommand } from '../sources/errors.ts';
import type { Call, Command, Exit } from '../terminal/command.ts';
import { flagNotHere, tooManyArguments } from '../terminal/errors.ts';
import { type FlagName, written } from '../terminal/flags.ts';
import { nearest } from '../terminal/nearest.ts';

interface Subcommand {
  /** What it takes after its own word; undefined for nothing. */
  readonly takes?: string;
  /** Flags of the command that this subcommand does not accept. */
  readonly without: readonly FlagName[];
  readonly load: () => Promise<Command>;
}

const PREVIEWS = ['dry-run', 'diff'] as const;

const subcommands: Readonly<Record<string, Subcommand>> = {
  list: { without: PREVIEWS, load: async () => (await import('./list.ts')).list },
  new: { takes: 'one name', without: [], load: async () => (await import('./new.ts')).make },
  check: { takes: 'one folder', without: PREVIEWS, load: async () => (await import('./check.ts')).check },
  test: { takes: 'one folder', without: PREVIEWS, load: async () => (await import('./test.ts')).test },
};

/** Runs the named subcommand. Rejects with a Refusal with exit code 2 if there is none of that name. */
export async function template(call: Call): Promise<Exit> {
  const [word, ...words] = call.words;
  const known = word !== undefined && Object.hasOwn(subcommands, word) ? subcommands[word] : undefined;
  if (known === undefined) {
    throw noTemplateCommand(call.shown, word, word === undefined ? undefined : nearest(word, Object.keys(subcommands)));
  }
  const shown = `${call.shown} ${word}`;
  const [first, second] = words;
  const extra = known.takes === undefined ? first : second;
  if (extra !== undefined) throw tooManyArguments(extra, shown, known.takes ?? 'no arguments');
  const strange = known.without.find((name) => call.values[name] !== undefined);
  if (strange !== undefined) throw flagNotHere(written(strange), shown);
  const command = await known.load();
  return command({
    ...call,
    shown,
    words,
    argv: call.argv.filter((_, index) => index !== call.argv.indexOf(word ?? '')),
  });
}
