/** Changes that git does not have and divvy did not make: if a command changes the file, they are lost. */

import { dirtyFiles, gitCannotTell } from '../change-set/errors.ts';
import { isAsLeftHere } from '../change-set/left.ts';
import type { Change } from '../change-set/survey.ts';
import { LOCK } from '../disk/file-names.ts';
import { changedInGit } from '../programs/git.ts';
import { readLock } from '../project/lock.ts';
import type { Call } from '../terminal/command.ts';
import { saying } from '../terminal/waiting.ts';

/**
 * The paths of the changes whose file contains such work.
 *
 * Rejects with a Refusal with exit code 5 if there are any, unless --allow-dirty is given.
 */
export async function settleDirty(
  { values, terminal }: Call,
  root: string,
  changes: readonly Pick<Change, 'path' | 'before'>[],
): Promise<string[]> {
  const lock = readLock(root);
  // The lock belongs to divvy: every command that changes a file changes the lock too.
  const there = changes.flatMap(({ path, before }) => (before && path !== LOCK ? [{ path, before }] : []));
  if (there.length === 0) return [];
  // A new project has no such file, and does without the code that edits files.
  const { isAsWritten } = await import('../host/host-files.ts');
  const others = there.flatMap(({ path, before }) => {
    const isOurs = isAsLeftHere(root, path, before.bytes) || isAsWritten(lock, path, before);
    return isOurs ? [] : [{ path, bytes: before.bytes }];
  });
  const found = await saying(
    terminal.note,
    'Still looking whether git has what would be changed: waiting for git.',
    () => changedInGit(root, others),
  );
  // If git cannot tell, treat every file as changed.
  const dirty = 'unknown' in found ? others.map(({ path }) => path) : found.changed;
  if (dirty.length === 0 || values['allow-dirty'] === true) return dirty;
  throw 'unknown' in found ? gitCannotTell(dirty, found.unknown) : dirtyFiles(dirty);
}
