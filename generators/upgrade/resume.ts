/** Goes on with an upgrade whose conflicts were resolved in `.divvy/upgrade/merged/`. */

import { readBefore } from '../disk/disk.ts';
import { sha256 } from '../disk/line-ends.ts';
import { version } from '../package.ts';
import type { Call } from '../terminal/command.ts';
import type { Home } from '../vendored/owned.ts';
import { conflictsLeft, isDeleted, type PendingFile, readPending, type State, sideOf } from '../vendored/pending.ts';
import { namedIn, type Outcome } from '../vendored/three-way.ts';
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
 * of places that are left.
 *
 * Throws a Refusal with exit code 3 for a conflict that is new, because a file has changed since.
 */
export function resolved(
  { shown }: Call,
  { root, manifest }: Home,
  outcomes: readonly Outcome[],
  { files }: State,
): Outcome[] {
  const isOpen = ({ kind }: Outcome) => kind === 'conflict';
  const fresh = outcomes.filter((each) => isOpen(each) && !files.some(({ path }) => path === each.path));
  if (fresh.length > 0)
    throw changedSince(
      fresh.map(({ path }) => path),
      shown,
    );
  const all = outcomes.map((outcome) => {
    const file = files.find(({ path }) => path === outcome.path);
    return isOpen(outcome) && file !== undefined ? decided(root, outcome, file) : outcome;
  });
  const needed = namedIn(all, manifest.runtime);
  return all.map((outcome) => {
    const isNeeded =
      outcome.kind === 'removed' && files.some(({ path }) => path === outcome.path) && needed.has(outcome.path);
    return isNeeded
      ? { ...outcome, kind: 'conflict', conflicts: 1, reason: 'you deleted it, and the release needs it' }
      : outcome;
  });
}

function decided(root: string, outcome: Outcome, file: PendingFile): Outcome {
  const merged = sideOf(root, 'merged', outcome.path)?.bytes;
  if (merged === undefined && !isDeleted(root, 'merged', outcome.path)) {
    return { ...outcome, conflicts: 1, reason: 'it is no plain file' };
  }
  const left = conflictsLeft(file, merged);
  const { reason: _, ...rest } = outcome;
  if (left > 0) return { ...rest, conflicts: left };
  return { ...outcome, kind: merged === undefined ? 'removed' : 'merged', after: merged, conflicts: 0 };
}
