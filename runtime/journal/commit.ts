/** Which commit a folder's repository is at, read from its files: no program is started for it. Runs in the master. Internal. */

import fs from 'node:fs';
import path from 'node:path';

/** Undefined where there is no repository, or it cannot be read in this simple way. */
export function commitOf(folder: string): string | undefined {
  try {
    const repository = repositoryOf(folder);
    return repository && commitAt(repository);
  } catch {
    return undefined;
  }
}

/** The repository's folder, `.git`; in a work tree of its own that is a file which names it. */
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
  // The branches of a work tree of its own are those of the repository that it belongs to.
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
