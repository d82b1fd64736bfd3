/** Asks git about files and repositories. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { runBounded, runTool, type ToolResult } from './processes.ts';

/** Whether a folder is in a repository. `.git` may be a folder or, in a linked work tree or a submodule, a file. */
export const isInRepository = (folder: string): boolean =>
  stat(join(folder, '.git')) !== undefined || (dirname(folder) !== folder && isInRepository(dirname(folder)));

/** Makes an empty repository in a folder. */
export const gitInit = (folder: string): Promise<ToolResult> => git(folder, ['init', '--quiet']);

/** A file's present bytes, and its path relative to a folder. */
interface Present {
  readonly path: string;
  readonly bytes: Buffer;
}

type Changed = { readonly changed: string[] } | { readonly unknown: string };

/**
 * The files whose present bytes are not in the last commit; none if there is no repository. If git cannot tell, the
 * reason.
 *
 * Does not use `git status`: too many settings make it look away (assume-unchanged, skip-worktree, a sparse checkout, a
 * file system monitor, stat settings, ignore files, another index). A file counts as unchanged only if a checkout of
 * the last commit would restore exactly these bytes, apart from line ends.
 */
export async function changedInGit(folder: string, files: readonly Present[]): Promise<Changed> {
  const changed: string[] = [];
  for (const file of files) {
    // Ask in the file's own folder: it may be in a submodule.
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

/** latin1 keeps each byte as one character: in UTF-8, two different invalid texts could look the same. */
const withoutReturns = (bytes: Buffer): string => bytes.toString('latin1').replaceAll('\r\n', '\n');

/**
 * The bytes that a checkout of the last commit would write for a file; undefined if the commit does not have the file.
 */
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
  // This fails only if the repository is unusable; for a file that does not exist, git prints `missing`.
  const found = await git(folder, [...AS_IT_IS, 'cat-file', '--batch-check'], `${object}\n`);
  const isMissing = found.done && !/^[0-9a-f]{40,} blob \d+$/.test(found.output.trim());
  return isMissing ? { bytes: undefined } : { unknown: firstLine(result.said) || result.reason };
}

/** With `git replace`, git could show other contents than the commit has. */
const AS_IT_IS = ['--no-optional-locks', '--no-replace-objects'];

/** In bytes and seconds: a filter of the repository may print anything, or wait for a server. */
const LARGEST = 256 * 1024 * 1024;
const LONGEST = 60;

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? '';

/** The paths that git ignores, relative to a folder; the files need not exist. */
export async function ignoredByGit(folder: string, paths: readonly string[]): Promise<string[]> {
  if (!isInRepository(folder)) return [];
  const result = await git(folder, ['check-ignore', '-z', '--stdin'], paths.join('\0'));
  return result.done ? result.output.split('\0').filter((path) => path !== '') : [];
}

/** Whether git tracks a file, or any file in a folder: committed or staged. */
export async function isTracked(folder: string, path: string): Promise<boolean> {
  if (!isInRepository(folder)) return false;
  const result = await git(folder, ['--literal-pathspecs', 'ls-files', '-z', '--', path]);
  return result.done && result.output !== '';
}

/**
 * The contents that a file has had in any commit, the newest first; none if there is no repository, or git is not there. A
 * shallow clone has only some.
 */
export async function* blobsOf(folder: string, path: string, most: number): AsyncGenerator<Buffer> {
  if (!isInRepository(folder)) return;
  const log = ['log', '--all', '--format=', '--raw', '--no-abbrev', '--no-renames', `--max-count=${most}`, '--', path];
  const result = await git(folder, [...AS_IT_IS, '--literal-pathspecs', ...log]);
  if (!result.done) return;
  const ids = new Set([...result.output.matchAll(/^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) /gm)].map(([, id = '']) => id));
  for (const id of ids) {
    const limits = { mostBytes: LARGEST, seconds: LONGEST, signal: new AbortController().signal };
    const argv = [...AS_IT_IS, 'cat-file', 'blob', id];
    const blob = await runBounded('git', argv, { cwd: folder, environment: ownEnvironment(), ...limits });
    if (blob.done) yield blob.output;
  }
}

/** What `git merge-file` makes of three texts, each character of which is a byte; undefined if it has conflicts too, or git is not there. */
export async function mergedByGit(texts: {
  readonly mine: string;
  readonly base: string;
  readonly theirs: string;
}): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-merge-'));
  try {
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text, 'latin1');
    const limits = { mostBytes: LARGEST, seconds: LONGEST, signal: new AbortController().signal };
    const argv = ['merge-file', '-p', 'mine', 'base', 'theirs'];
    const result = await runBounded('git', argv, { cwd: folder, environment: ownEnvironment(), ...limits });
    return result.done ? result.output.toString('latin1') : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const git = (folder: string, argv: readonly string[], input?: string): Promise<ToolResult> =>
  runTool('git', argv, { cwd: folder, environment: ownEnvironment(), ...(input !== undefined && { input }) });

/**
 * The environment without variables that name another repository, index or object store, or that change pathspecs; a
 * git hook sets them. Settings stay, since git may refuse to work without their `safe.directory`.
 */
const ownEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^GIT_/.test(name) || /^GIT_(CONFIG|CEILING|DISCOVERY|EXEC|TEMPLATE|DEFAULT|TRACE|SSH|ASKPASS)/.test(name),
    ),
  );
