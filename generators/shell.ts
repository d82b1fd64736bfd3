/** Command lines for people to copy, as a POSIX shell reads them. */

import type { Call } from './command.ts';

/** Each argument as it is where no shell would change it, else quoted. */
export const commandLine = (argv: readonly string[]): string =>
  argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');

/** A command as it was called. */
export const asTyped = ({ shown, argv }: Call): string => commandLine([...shown.split(' '), ...argv]);

/** A folder as an argument that no program takes for a flag. */
export const asArgument = (folder: string): string => (folder.startsWith('-') ? `./${folder}` : folder);

/** A command line to be run in a folder. */
export const inFolder = (folder: string, argv: readonly string[]): string =>
  folder === '.' ? commandLine(argv) : `${commandLine(['cd', asArgument(folder)])} && ${commandLine(argv)}`;
