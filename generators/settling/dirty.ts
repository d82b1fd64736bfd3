/** What git has not committed and divvy did not make: it would be lost to git where a command changes it. */

import { dirtyFiles, gitCannotTell } from '../change-set/errors.ts';
import { isAsLeftHere } from '../change-set/left.ts';
import type { Change } from '../change-set/survey.ts';
import { LOCK } from '../disk/file-names.ts';
import { isAsWritten } from '../host/host-files.ts';
import { changedInGit } from '../programs/git.ts';
import { readLock } from '../project/lock.ts';
import type { Call } from '../terminal/command.ts';
import { saying } from '../terminal/waiting.ts';

/**
 * Those of some changes whose file has such changes in it.
 *
 * Rejects with a Refusal with exit code 5 where there are any, without --allow-dirty.
 */
export async function settleDirty(
  { values, terminal }: Call,
  root: string,
  changes: readonly Pick<Change, 'path' | 'before'>[],
): Promise<string[]> {
  const lock = readLock(root);
  const others = changes.flatMap(({ path, before }) => {
    // The lock is divvy's own: whatever command changes a file changes it too.
    if (before === undefined || path === LOCK) return [];
    const isOurs = isAsLeftHere(root, path, before.bytes) || isAsWritten(lock, path, before);
    return isOurs ? [] : [{ path, bytes: before.bytes }];
  });
  const found = await saying(
    terminal.note,
    'Still looking whether git has what would be changed: waiting for git.',
    () => changedInGit(root, others),
  );
  // What cannot be told of is as good as changed.
  const dirty = 'unknown' in found ? others.map(({ path }) => path) : found.changed;
  if (dirty.length === 0 || values['allow-dirty'] === true) return dirty;
  throw 'unknown' in found ? gitCannotTell(dirty, found.unknown) : dirtyFiles(dirty);
}
