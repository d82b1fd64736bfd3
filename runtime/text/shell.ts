/** Command lines that people can copy. Runs in the master. Internal. */

import { fileURLToPath } from 'node:url';
import { fromHere } from './here.ts';

/** Returns the words as a command line for a shell. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** Returns a path from the user's folder, or from another one, as an argument that no program takes for an option. */
export function fileWord(file: string, folder?: string): string {
  const shown = fromHere(file, folder);
  return shown.startsWith('-') ? `./${shown}` : shown;
}

/** Returns the path of the runner, from the user's folder or from another one. */
export function runner(folder?: string): string {
  return fileWord(fileURLToPath(new URL('../run.mjs', import.meta.url)), folder);
}

/** Options for one run only: a command that continues that run does not repeat them. */
const ONCE: readonly string[] = ['--resume', '--retry-failed', '--concurrent-run', '--take-over'];

/** Returns the word that gives this option, perhaps with a value behind `=`, before the task's own arguments. */
export function wordOf(option: string, argv: readonly string[]): string | undefined {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.slice(0, end).find((word) => word === option || word.startsWith(`${option}=`));
}

/**
 * Returns the command that continues a run.
 *
 * option - `--resume`, or `--retry-failed`, perhaps with its text.
 * argv   - the runner's command line for that run. Its paths are relative to the user's folder.
 */
export function commandWith(option: string, argv: readonly string[]): string {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length; // after it come the task's own arguments
  const own = argv.filter((arg, at) => at > end || !ONCE.includes(arg.split('=', 1)[0] ?? arg));
  return shellWords(['node', runner(), option, ...own]);
}

/** What a run takes from the run that it resumes, because it was not given itself. */
export interface TakenOver {
  readonly args: readonly string[];
  /** The runner's options, as words of its command line. */
  readonly optionWords: readonly string[];
}

/**
 * Returns the runner's command line plus everything taken over, so that it names the same run even after other runs.
 */
export function wholeWith(argv: readonly string[], { args, optionWords }: TakenOver): string[] {
  const behind = args.length === 0 || argv.includes('--') ? args : ['--', ...args];
  return [...optionWords, ...argv, ...behind];
}

/**
 * Makes control characters visible: a journal from elsewhere may contain anything, and must not move the cursor or hide
 * text. What joins two emoji to one stays.
 */
export function visible(text: string): string {
  return text.replace(
    /(?!(?<=\p{ExtPict}[\ufe0f\p{EMod}]?)\u200d\p{ExtPict})[\p{Cc}\p{Cf}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}
