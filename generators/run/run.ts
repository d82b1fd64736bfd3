/**
 * `divvy run <task>` and `divvy [options] <task file>`: runs the project's own vendored runner, as if it replaced this
 * process.
 */

import { dirname, relative, resolve } from 'node:path';
import { stat } from '../disk/disk.ts';
import { runRunner } from '../programs/processes.ts';
import { openProject, type Project, projectFolder } from '../project/manifest.ts';
import { runnerOf } from '../project/runner.ts';
import { taskFile, taskNames } from '../project/tasks.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { noTask } from '../terminal/errors.ts';
import { nearest } from '../terminal/nearest.ts';
import { plainWords } from './values.ts';

/**
 * Runs a task, given by its name or its file. The runner reads the options and arguments around it.
 *
 * Resolves with the runner's exit code or signal. Rejects with a Refusal with exit code 2 if there is no project or no
 * such task.
 */
export const run = (call: Call): Promise<Exit> => runWith(call, () => []);

/** The same, with further options for the runner. */
export async function runWith(
  { argv, cwd, terminal }: Call,
  optionsFor: (project: Project) => readonly string[],
): Promise<Exit> {
  const project = await openProject(whereToLook(argv, cwd), terminal);
  const words = withTaskFile(withoutOurs(argv), cwd, project);
  return runRunner(runnerOf(project), [...optionsFor(project), ...words], cwd);
}

/**
 * Every command accepts these flags. `run` asks nothing, and the runner does not have them. Everything after `--`
 * belongs to the task.
 */
function withoutOurs(argv: readonly string[]): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.filter((word, at) => at > end || !['--yes', '--no-input'].includes(word));
}

/** The current folder; if there is no project, the folder of the first file on the command line. */
function whereToLook(argv: readonly string[], cwd: string): string {
  if (projectFolder(cwd) !== undefined) return cwd;
  const files = plainWords(argv).map((at) => resolve(cwd, argv[at] ?? ''));
  const file = files.find(isFile);
  return file === undefined ? cwd : dirname(file);
}

/** The command line for the runner: replaces a task's name with its file, and leaves everything else as it is. */
function withTaskFile(argv: readonly string[], cwd: string, project: Project): string[] {
  if (argv[0] === '--help' || argv[0] === '-h') return [...argv];
  const at = plainWords(argv).find((place) => isTask(argv[place] ?? '', cwd, project));
  const word = argv[at ?? -1];
  if (at === undefined || word === undefined) {
    const names = taskNames(project);
    const given = meant(argv);
    throw noTask(given, names, nearest(given, names));
  }
  return isFile(resolve(cwd, word)) ? [...argv] : argv.with(at, relative(cwd, taskFile(project, word)));
}

/**
 * The word that was probably meant as a task, if there is none: one that looks like a file, otherwise the first word.
 */
function meant(argv: readonly string[]): string {
  const end = argv.indexOf('--');
  const before = end < 0 ? argv : argv.slice(0, end);
  const words = plainWords(before).map((at) => before[at] ?? '');
  return words.find((word) => /[\\/]|\.[cm]?[jt]s$/.test(word)) ?? words[0] ?? '';
}

const isTask = (word: string, cwd: string, project: Project): boolean =>
  isFile(resolve(cwd, word)) || taskNames(project).includes(word);

const isFile = (path: string): boolean => {
  try {
    return stat(path)?.isFile() === true || stat(path)?.isSymbolicLink() === true;
  } catch {
    return false; // The word is too long for a path, or has a NUL in it.
  }
};
