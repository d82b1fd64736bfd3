/** Goes on with an upgrade whose conflicts were resolved in `.divvy/upgrade/merged/`. */

import { readBefore } from '../disk/disk.ts';
import { sha256 } from '../disk/line-ends.ts';
import { version } from '../package.ts';
import type { Call } from '../terminal/command.ts';
import type { Home } from '../vendored/owned.ts';
import { conflictsLeft, readPending, type State, sideOf } from '../vendored/pending.ts';
import type { Outcome } from '../vendored/three-way.ts';
import { changedSince, nothingWaits, ofOtherDivvy } from './errors.ts';

/**
 * The upgrade that waits.
 *
 * Throws a Refusal: with exit code 2 if none waits, or another divvy began it; with 3 if a file of it has changed since.
 */
export function pendingToContinue({ shown }: Call, { root, lock }: Home): State {
  const state = readPending(root);
  if (state === undefined) throw nothingWaits(shown);
  if (state.divvy !== version) throw ofOtherDivvy(state.divvy, version);
  const changed = state.files.filter(({ path, movedFrom = path, mine }) => {
    const now = readBefore(root, movedFrom);
    return (now === undefined ? null : sha256(now.bytes)) !== mine;
  });
  const paths = changed.map(({ path, movedFrom = path }) => movedFrom);
  if (state.of.kind === 'runtime' && lock.runtime !== state.from) paths.push('divvy.lock.json');
  if (paths.length > 0) throw changedSince(paths, shown);
  return state;
}

/**
 * The outcomes, with what was resolved in place of each conflict. One that is still marked stays a conflict, with the number
 * of places that are left; so does one that is new, because the file has changed since.
 */
export function resolved(root: string, outcomes: readonly Outcome[], { files }: State): Outcome[] {
  return outcomes.map((outcome) => {
    if (outcome.kind !== 'conflict') return outcome;
    const file = files.find(({ path }) => path === outcome.path);
    if (file === undefined) return outcome;
    const merged = sideOf(root, 'merged', outcome.path)?.bytes;
    const left = conflictsLeft(file, merged);
    if (left > 0) return { ...outcome, conflicts: left };
    return { ...outcome, kind: merged === undefined ? 'removed' : 'merged', after: merged, conflicts: 0 };
  });
}
