/** Command lines for people to copy, in the syntax of a POSIX shell. */

import { relative, sep } from 'node:path';
import { version } from '../package.ts';
import type { Call } from '../terminal/command.ts';

/** Quotes each argument that a shell would change; the others stay as they are. */
export const commandLine = (argv: readonly string[]): string =>
  argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');

/**
 * The command as it was called, for plans, records and people: without passwords and without secret answers.
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

/** A source of templates as it was written, but without the user and password in its URL. */
export const withoutPassword = (source: string): string => source.replace(/(https:\/\/)[^/]*@/gi, '$1');

/**
 * The command line that runs divvy with other arguments. If npm had fetched divvy, no shell finds it, so this names npx
 * and the same release.
 */
export const divvyLine = ({ environment }: Call, ...argv: readonly string[]): string => {
  const byNpm = ['exec', 'init'].includes(environment['npm_command'] ?? '');
  return commandLine([...(byNpm ? ['npx', '-p', `create-divvy-task@${version}`] : []), 'divvy', ...argv]);
};

/** The same, starting from the person's folder, for a command that takes `-C` only before its name. */
export function divvyFromHere(call: Call, ...argv: readonly string[]): string {
  const here = process.cwd();
  return divvyLine(call, ...(here === call.cwd ? [] : ['-C', asArgument(relative(here, call.cwd))]), ...argv);
}

/** The same for a project; adds `-C` if the person's folder is not inside it. */
export function divvyIn(call: Call, project: string, ...argv: readonly string[]): string {
  const here = process.cwd();
  const isInside = here === project || here.startsWith(`${project}${sep}`);
  return divvyLine(call, ...argv, ...(isInside ? [] : ['-C', asArgument(relative(here, project))]));
}

/** The command line that runs divvy of another version, which npm fetches. */
export const divvyOf = (wanted: string, ...argv: readonly string[]): string =>
  `npx --yes --package=create-divvy-task@${wanted} divvy ${argv.join(' ')}`;

/** A folder as an argument that no program mistakes for a flag. */
export const asArgument = (folder: string): string => (folder.startsWith('-') ? `./${folder}` : folder);

/** A command line that changes to a folder and runs a command there. */
export const inFolder = (folder: string, argv: readonly string[]): string =>
  folder === '.' ? commandLine(argv) : `${commandLine(['cd', asArgument(folder)])} && ${commandLine(argv)}`;
