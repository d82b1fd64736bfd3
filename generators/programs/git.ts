/** What is asked of git. */

import { dirname, join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { runBounded, runTool, type ToolResult } from './processes.ts';

/** Whether a folder is in a repository: `.git` is a folder, or a file in a work tree of its own or a submodule. */
export const isInRepository = (folder: string): boolean =>
  stat(join(folder, '.git')) !== undefined || (dirname(folder) !== folder && isInRepository(dirname(folder)));

/** Makes an empty repository in a folder. */
export const gitInit = (folder: string): Promise<ToolResult> => git(folder, ['init', '--quiet']);

/** A file as it is on the disk, by its path relative to a folder. */
interface Present {
  readonly path: string;
  readonly bytes: Buffer;
}

type Changed = { readonly changed: string[] } | { readonly unknown: string };

/**
 * Those of some files whose present bytes are not in the last commit; none where there is no repository. Where git cannot
 * tell, why.
 *
 * git's own opinion, `git status`, is not asked: too many settings tell it not to look (assume-unchanged, skip-worktree, a
 * sparse checkout, a file system monitor, stat settings, ignore files, another index). A file is unchanged only if a
 * checkout of the last commit would bring back these very bytes, line ends aside.
 */
export async function changedInGit(folder: string, files: readonly Present[]): Promise<Changed> {
  const changed: string[] = [];
  for (const file of files) {
    // In the file's own folder: a submodule may be on the way to it.
    const home = dirname(join(folder, file.path));
    if (!isInRepository(home)) continue;
    const committed = await committedBytes(home, file.path.slice(file.path.lastIndexOf('/') + 1));
    if ('unknown' in committed) return committed;
    if (committed.bytes === undefined || !isSameText(committed.bytes, file.bytes)) changed.push(file.path);
  }
  return { changed };
}

const isSameText = (one: Buffer, other: Buffer): boolean =>
  one.equals(other) || withoutReturns(one) === withoutReturns(other);

/** Each byte as a character: what is no UTF-8 must not look like something else that is none. */
const withoutReturns = (bytes: Buffer): string => bytes.toString('latin1').replaceAll('\r\n', '\n');

/** What a checkout of the last commit would write for a file; undefined bytes where that commit does not have it. */
async function committedBytes(
  folder: string,
  name: string,
): Promise<{ readonly bytes: Buffer | undefined } | { readonly unknown: string }> {
  const object = `HEAD:./${name}`;
  const result = await runBounded('git', [...AS_IT_IS, 'cat-file', '--filters', object], {
    cwd: folder,
    environment: ownEnvironment(),
    mostBytes: LARGEST,
    seconds: LONGEST,
    signal: new AbortController().signal,
  });
  if (result.done) return { bytes: result.output };
  // This fails only where the repository cannot be used; for a file that is not there it says `missing`.
  const found = await git(folder, [...AS_IT_IS, 'cat-file', '--batch-check'], `${object}\n`);
  const isMissing = found.done && !/^[0-9a-f]{40,} blob \d+$/.test(found.output.trim());
  return isMissing ? { bytes: undefined } : { unknown: firstLine(result.said) || result.reason };
}

/** `git replace` would show another content than the commit has. */
const AS_IT_IS = ['--no-optional-locks', '--no-replace-objects'];

/** In bytes and seconds: a filter of the repository may print anything, or wait for a server. */
const LARGEST = 256 * 1024 * 1024;
const LONGEST = 60;

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

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

const git = (folder: string, argv: readonly string[], input?: string): Promise<ToolResult> =>
  runTool('git', argv, { cwd: folder, environment: ownEnvironment(), ...(input !== undefined && { input }) });

/**
 * The environment without what names another repository, index or place of objects, or other pathspecs, as a git hook has it.
 * Settings stay: without `safe.directory` from there git may refuse to work.
 */
const ownEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^GIT_/.test(name) || /^GIT_(CONFIG|CEILING|DISCOVERY|EXEC|TEMPLATE|DEFAULT|TRACE|SSH|ASKPASS)/.test(name),
    ),
  );
