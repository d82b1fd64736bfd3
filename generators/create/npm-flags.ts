/**
 * The flags that npm keeps for itself: from `npm create divvy-task my-task --template=files` this command gets only
 * `my-task`, and finds the rest in its environment.
 */

import { commandLine } from '../programs/shell.ts';
import type { Call } from '../terminal/command.ts';
import { npmTookFlags } from '../terminal/errors.ts';
import { type FlagName, flagEntry, flagNames, flags } from '../terminal/flags.ts';

/** npm has settings of these names too. They may have come from an .npmrc, and mean something else there. */
const NPM_HAS_IT_TOO = new Set(['yes', 'force', 'json', 'color', 'version', 'help', 'quiet', 'verbose', 'cwd']);

type Setting = (name: string) => string | undefined;

/**
 * How npm reads flags that are also its own settings, which a person rarely sets like this; and flags that it takes for
 * several one-letter flags: it reads `--pm pnpm` as `-p -m pnpm`.
 */
const AS_NPM_READS_IT: { readonly [Name in FlagName]?: (setting: Setting) => string | undefined } = {
  pm: (setting) => {
    const message = setting('message');
    const isMeant = setting('parseable') === 'true' && flags.pm.choices.some((name) => name === message);
    return setting('pm') ?? (isMeant ? message : undefined);
  },
  plan: (setting) =>
    setting('plan') ?? (['parseable', 'long', 'all'].every((name) => setting(name) === 'true') ? 'true' : undefined),
  // Any other value is the path of the git program.
  git: (setting) => ({ '': 'true', false: 'false' })[setting('git') ?? 'git'],
  diff: (setting) => (setting('diff') === 'true' ? 'true' : undefined),
};

/** `npm create` calls itself `init`, and older versions of npm call it `exec`, like npx. */
const NPM_COMMANDS: readonly (string | undefined)[] = ['init', 'exec'];

interface Swallowed {
  readonly name: FlagName;
  /** The flag as it was typed. */
  readonly flag: string;
  /** Absent for a switch, and for a flag whose value npm passed on as an argument. */
  readonly value?: string;
}

/**
 * Refuses with exit code 2 if npm took a flag that can only have been meant for this command, and shows the right
 * command line. If the flag may have been meant for npm, such as `--yes`, only shows that line on stderr.
 */
export function refuseSwallowedFlags(call: Call): void {
  const swallowed = flagNames('create').flatMap((name) => swallowedOf(call, name) ?? []);
  const obeyed = swallowed.filter(({ name }) => name === 'dry-run');
  const meant = swallowed.filter(({ name }) => !NPM_HAS_IT_TOO.has(name) && name !== 'dry-run');
  const perhaps = swallowed.filter(({ name }) => name === 'yes' || name === 'force' || name === 'json');
  if (meant.length === 0 && (perhaps.length === 0 || !NPM_COMMANDS.includes(call.environment['npm_command']))) return;

  const written = (flags: readonly Swallowed[]) => flags.map(({ flag }) => flag);
  const right = rightLine(call.words, [...meant, ...perhaps, ...obeyed]);
  if (meant.length > 0) throw npmTookFlags(written(meant), right);
  call.terminal.note(
    `npm may have kept ${written(perhaps).join(' ')} to itself. If it was for this command:\n${right}`,
  );
}

function swallowedOf({ environment, values }: Call, name: FlagName): Swallowed | undefined {
  const { short = name, value: takes, negation } = flagEntry(name);
  const setting: Setting = (written) => environment[`npm_config_${written.replaceAll('-', '_')}`];
  const readIt = AS_NPM_READS_IT[name] ?? ((setting) => setting(name) ?? setting(short));
  const value = readIt(setting);
  if (value === undefined || values[name] !== undefined) return undefined;
  const isOff = value === '' || value === 'false';
  if (isOff ? negation === undefined : negation === 'only') return undefined;
  const flag = isOff ? `--no-${name}` : `--${name}`;
  return takes === undefined || value === 'true' ? { name, flag } : { name, flag, value };
}

/** `--template files` arrives as a switch and one more argument, `--template=files` as it is. */
function rightLine(words: readonly string[], flags: readonly Swallowed[]): string {
  const withoutValue = flags.filter(({ name, value }) => flagEntry(name).value !== undefined && value === undefined);
  const at = Math.max(0, words.length - withoutValue.length);
  const argv = flags.flatMap((swallowed) => {
    const { name, flag, value } = swallowed;
    const takes = flagEntry(name).value;
    return takes === undefined ? [flag] : [flag, value ?? words[at + withoutValue.indexOf(swallowed)] ?? takes];
  });
  return commandLine(['npm', 'create', 'divvy-task', ...words.slice(0, at), '--', ...argv]);
}
