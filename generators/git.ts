/** What is asked of git. */

import { dirname, join } from 'node:path';
import { stat } from './change-set/disk.ts';
import { runTool, type ToolResult } from './processes.ts';

/** Whether a folder is in a repository: `.git` is a folder, or a file in a work tree of its own or a submodule. */
export const isInRepository = (folder: string): boolean =>
  stat(join(folder, '.git')) !== undefined || (dirname(folder) !== folder && isInRepository(dirname(folder)));

/** Makes an empty repository in a folder. */
export const gitInit = (folder: string): Promise<ToolResult> => git(folder, ['init', '--quiet']);

/**
 * Those of some files, relative to a folder, whose present bytes git has not committed; none where there is no repository.
 * Where git cannot tell, why.
 */
export async function changedInGit(
  folder: string,
  paths: readonly string[],
): Promise<{ readonly changed: string[] } | { readonly unknown: string }> {
  if (paths.length === 0 || !isInRepository(folder)) return { changed: [] };
  const result = await git(folder, [
    '--no-optional-locks',
    '--literal-pathspecs',
    'status',
    '--porcelain=v1',
    '-z',
    '--no-renames',
    // Whatever the person's settings are; and each file by its name, where its whole folder is ignored.
    '--untracked-files=all',
    '--ignored',
    '--',
    ...paths,
  ]);
  if (!result.done) return { unknown: result.said.trim().split('\n')[0] || result.reason };
  const entries = result.output.split('\0').map((entry) => entry.slice(3));
  return { changed: paths.filter((path) => entries.some((entry) => entry === path || entry.endsWith(`/${path}`))) };
}

/** Those of some files, relative to a folder, that git would leave out; they need not be there. */
export async function ignoredByGit(folder: string, paths: readonly string[]): Promise<string[]> {
  if (!isInRepository(folder)) return [];
  const result = await git(folder, ['check-ignore', '-z', '--stdin'], paths.join('\0'));
  return result.done ? result.output.split('\0').filter((path) => path !== '') : [];
}

/** Whether git has a file, or any in a folder: committed, or about to be. */
export async function isTracked(folder: string, path: string): Promise<boolean> {
  if (!isInRepository(folder)) return false;
  const result = await git(folder, ['--literal-pathspecs', 'ls-files', '-z', '--', path]);
  return result.done && result.output !== '';
}

/** git reads where its repository is from the environment too, as a git hook sets it: not here. */
function git(folder: string, argv: readonly string[], input?: string): Promise<ToolResult> {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR)$/.test(name)),
  );
  return runTool('git', argv, { cwd: folder, environment, ...(input !== undefined && { input }) });
}
