/** Command lines for people to copy, as a POSIX shell reads them. */

import { relative, sep } from 'node:path';
import { version } from '../package.ts';
import type { Call } from '../terminal/command.ts';

/** Each argument as it is where no shell would change it, else quoted. */
export const commandLine = (argv: readonly string[]): string =>
  argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');

/**
 * A command as it was called, for plans, records and people: without passwords, and without answers that are secret.
 *
 * prompts - of the template that the command uses.
 */
export const asTyped = (
  { shown, argv }: Call,
  prompts: readonly { readonly name: string; readonly secret?: boolean }[] = [],
): string => {
  const secret = prompts.filter((prompt) => prompt.secret).map(({ name }) => name);
  const answer = new RegExp(`^((?:--data=|-[a-z]*d)?(?:${secret.join('|')})=).*$`, 's');
  const words = secret.length === 0 ? argv : argv.map((word) => word.replace(answer, '$1…'));
  return commandLine([...shown.split(' '), ...words.map(withoutPassword)]);
};

/** A source of templates as it was written, without what its URL has before the host. */
export const withoutPassword = (source: string): string => source.replace(/(https:\/\/)[^/]*@/gi, '$1');

/**
 * How this command is run again with other words: by npm where npm had fetched it, since then no shell finds it, and in the same
 * release.
 */
export const divvyLine = ({ environment }: Call, ...argv: readonly string[]): string => {
  const byNpm = ['exec', 'init'].includes(environment['npm_command'] ?? '');
  return commandLine([...(byNpm ? ['npx', '-p', `create-divvy-task@${version}`] : []), 'divvy', ...argv]);
};

/** The same from where the person is, for a command that takes `-C` only in front of its name. */
export function divvyFromHere(call: Call, ...argv: readonly string[]): string {
  const here = process.cwd();
  return divvyLine(call, ...(here === call.cwd ? [] : ['-C', asArgument(relative(here, call.cwd))]), ...argv);
}

/** The same for a project: with `-C` where it is not found from where the person is. */
export function divvyIn(call: Call, project: string, ...argv: readonly string[]): string {
  const here = process.cwd();
  const isInside = here === project || here.startsWith(`${project}${sep}`);
  return divvyLine(call, ...argv, ...(isInside ? [] : ['-C', asArgument(relative(here, project))]));
}

/** A folder as an argument that no program takes for a flag. */
export const asArgument = (folder: string): string => (folder.startsWith('-') ? `./${folder}` : folder);

/** A command line to be run in a folder. */
export const inFolder = (folder: string, argv: readonly string[]): string =>
  folder === '.' ? commandLine(argv) : `${commandLine(['cd', asArgument(folder)])} && ${commandLine(argv)}`;
