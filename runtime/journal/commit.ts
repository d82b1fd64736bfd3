/**
 * Finds the current commit of a folder's repository by reading its files, without starting a program. Runs in the
 * master. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';

/** Returns undefined if there is no repository, or if it can't be read in this simple way. */
export function commitOf(folder: string): string | undefined {
  try {
    const repository = repositoryOf(folder);
    return repository && commitAt(repository);
  } catch {
    return undefined;
  }
}

/** Returns the repository's folder, `.git`. In a separate work tree, `.git` is a file that names the folder. */
function repositoryOf(folder: string): string | undefined {
  for (let at = folder; ; at = path.dirname(at)) {
    const git = path.join(at, '.git');
    const found = fs.statSync(git, { throwIfNoEntry: false });
    if (found?.isDirectory()) return git;
    if (found) return path.resolve(at, /^gitdir: (.*)/.exec(fs.readFileSync(git, 'utf8'))?.[1] ?? '.');
    if (at === path.dirname(at)) return undefined;
  }
}

function commitAt(repository: string): string | undefined {
  const head = fs.readFileSync(path.join(repository, 'HEAD'), 'utf8').trim();
  const branch = /^ref: (.*)/.exec(head)?.[1];
  if (branch === undefined) return hashIn(head);
  // A separate work tree shares the branches of its main repository.
  const common = path.join(repository, 'commondir');
  const shared = fs.existsSync(common) ? path.resolve(repository, fs.readFileSync(common, 'utf8').trim()) : repository;
  const loose = path.join(shared, branch);
  if (fs.existsSync(loose)) return hashIn(fs.readFileSync(loose, 'utf8').trim());
  const packed = fs.readFileSync(path.join(shared, 'packed-refs'), 'utf8').split('\n');
  return hashIn(packed.find((line) => line.endsWith(` ${branch}`))?.split(' ')[0] ?? '');
}

function hashIn(text: string): string | undefined {
  return /^[0-9a-f]{40,64}$/.test(text) ? text : undefined;
}
