/**
 * The flags that npm keeps to itself: of `npm create divvy-task my-task --template files` this command is told `my-task`
 * only, and the rest is found in its environment.
 */

import type { Call } from '../command.ts';
import { npmTookFlags } from '../errors.ts';
import { flagEntry, flagNames, written } from '../flags.ts';
import { commandLine } from '../shell.ts';

/** npm's own settings, which may have come from an .npmrc and mean something else there. */
const NPM_HAS_IT_TOO = new Set([
  'yes',
  'force',
  'json',
  'diff',
  'color',
  'git',
  'version',
  'help',
  'quiet',
  'verbose',
  'cwd',
]);

/**
 * Refuses where npm took a flag that can only have been meant for this command, and shows the
 * right command line. Where it may have been meant for npm, `--yes` and the like, that line is shown on stderr.
 */
export function refuseSwallowedFlags(call: Call): void {
  const swallowed = flagNames('create').flatMap((name) => {
    const value = call.environment[`npm_config_${name.replaceAll('-', '_')}`];
    const isGiven = value !== undefined && value !== '' && value !== 'false' && call.values[name] === undefined;
    return isGiven && name !== 'dry-run' ? [{ name, value }] : [];
  });
  const meant = swallowed.filter(({ name }) => !NPM_HAS_IT_TOO.has(name));
  const perhaps = swallowed.filter(({ name }) => name === 'yes' || name === 'force' || name === 'json');
  if (meant.length === 0 && (perhaps.length === 0 || call.environment['npm_command'] !== 'exec')) return;

  const argv = [...meant, ...perhaps].flatMap(({ name, value }) => [
    written(name),
    ...('value' in flagEntry(name) ? [value] : []),
  ]);
  const right = commandLine(['npm', 'create', 'divvy-task', ...call.words, '--', ...argv]);
  if (meant.length > 0)
    throw npmTookFlags(
      meant.map(({ name }) => written(name)),
      right,
    );
  call.terminal.note(
    `npm may have kept ${perhaps.map(({ name }) => written(name)).join(' ')} to itself. If it was for this command:\n${right}`,
  );
}
