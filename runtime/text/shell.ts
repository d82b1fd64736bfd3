/** Command lines that people copy. Runs in the master. Internal. */

import { fileURLToPath } from 'node:url';
import { fromHere } from './here.ts';

/** Returns the words as a command line for a shell. */
export function shellWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/** Returns a path from where the person is, or from another folder, as an argument that no program takes for an option. */
export function fileWord(file: string, folder?: string): string {
  const shown = fromHere(file, folder);
  return shown.startsWith('-') ? `./${shown}` : shown;
}

/** The path of the runner, from where the person is, or from another folder. */
export function runner(folder?: string): string {
  return fileWord(fileURLToPath(new URL('../run.mjs', import.meta.url)), folder);
}

/** Options that hold for one run only: a command that goes on with that run does not repeat them. */
const ONCE: readonly string[] = ['--resume', '--retry-failed', '--concurrent-run', '--take-over'];

/**
 * Returns the command that goes on with a run.
 *
 * option - `--resume`, or `--retry-failed`.
 * argv   - the runner's command line for that run. Its paths are taken from where the person is.
 */
export function commandWith(option: string, argv: readonly string[]): string {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length; // behind it are the task's own arguments
  const own = argv.filter((arg, at) => at > end || !ONCE.includes(arg));
  return shellWords(['node', runner(), option, ...own]);
}

/** What a run has from the run that it goes on with, and was not given itself. */
export interface TakenOver {
  readonly args: readonly string[];
  /** The runner's options, as words of its command line. */
  readonly optionWords: readonly string[];
}

/** Returns the runner's command line with what was taken over, so that it names the same run whatever has been run since. */
export function wholeWith(argv: readonly string[], { args, optionWords }: TakenOver): string[] {
  const behind = args.length === 0 || argv.includes('--') ? args : ['--', ...args];
  return [...optionWords, ...argv, ...behind];
}

/** A journal that came from elsewhere may have anything in it: nothing of it moves the cursor or hides what it says. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
