/** `divvy run <task>` and `divvy [options] <task file>`: the project's own vendored runner, in the place of this process. */

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
 * Runs a task, given by name or as a file, with whatever options and arguments stand around it: the runner reads them.
 *
 * Resolves with how the runner ended. Rejects with a Refusal with exit code 2 where there is no project or no such task.
 */
export async function run({ argv, cwd, terminal }: Call): Promise<Exit> {
  const project = await openProject(whereToLook(argv, cwd), terminal);
  return runRunner(runnerOf(project), withTaskFile(withoutOurs(argv), cwd, project), cwd);
}

/** Every command takes them; here nothing is asked, and the runner has none of them. Behind `--` all is the task's. */
function withoutOurs(argv: readonly string[]): string[] {
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  return argv.filter((word, at) => at > end || !['--yes', '--no-input'].includes(word));
}

/** Here, or, where no project is here, where the first file is that is named. */
function whereToLook(argv: readonly string[], cwd: string): string {
  if (projectFolder(cwd) !== undefined) return cwd;
  const files = plainWords(argv).map((at) => resolve(cwd, argv[at] ?? ''));
  const file = files.find(isFile);
  return file === undefined ? cwd : dirname(file);
}

/** The command line for the runner: a task's name becomes its file; a file, and all the rest, stays as it is. */
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

/** What of a command line without a task was to be one: what looks like a file, else the first word. */
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
    return false; // Too long to be a path, or with a NUL in it.
  }
};
