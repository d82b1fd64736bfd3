/** `divvy upgrade`: brings a newer release into the vendored code, without losing what its owner changed. */

import { recoverFirst } from '../change-set/recovering.ts';
import { type ChangeSet, realRoot } from '../change-set/survey.ts';
import { write } from '../change-set/write.ts';
import { asTyped } from '../programs/shell.ts';
import { lockToEdit } from '../project/lock.ts';
import { openProject, readProject } from '../project/manifest.ts';
import { settleDirty } from '../settling/dirty.ts';
import { writePlan } from '../settling/plan.ts';
import { isPreview, isShown, type Planned } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { Bases } from '../vendored/base.ts';
import { noLock } from '../vendored/errors.ts';
import type { Home } from '../vendored/owned.ts';
import { dropPending, isUpgradePending, savePending } from '../vendored/pending.ts';
import { type Release, releases } from '../vendored/releases.ts';
import { type Outcome, threeWay } from '../vendored/three-way.ts';
import { changesOf } from './changes.ts';
import { stillInConflict, upgradeWaits } from './errors.ts';
import { reportAbort, reportCheck, reportConflicts, reportDone } from './report.ts';
import { pendingToContinue, resolved } from './resume.ts';
import { settleTarget } from './target.ts';
import { NOT_TRIED, type Tried, tryOut } from './verify.ts';

/**
 * Runs the steps, from top to bottom. Writes nothing into the project before every step up to `write` has passed; conflicts
 * go to `.divvy/upgrade/`, beside it.
 *
 * Resolves with 0; with 3 if there are conflicts; with 1 if what was merged fails where the old runtime did not; with 10 if
 * `--check` finds a newer release. Rejects with a Refusal if it must not or cannot upgrade, with 5 for uncommitted changes.
 */
export async function upgrade(call: Call): Promise<Exit> {
  const { values } = call;
  const home = await settleHome(call);
  if (values.abort) return abort(call, home);
  const target = settleTarget(call, home.lock);
  if (values.check) return reportCheck(call, home, target);
  const waiting = values.continue ? pendingToContinue(call, home) : undefined;
  if (waiting === undefined && isUpgradePending(home.root)) throw upgradeWaits(call.shown);

  const outcomes = await mergeAll(call, home, target);
  const settled = waiting === undefined ? outcomes : resolved(home.root, outcomes, waiting);
  const open = settled.filter(({ kind }) => kind === 'conflict');
  if (open.length > 0) return leaveOpen(call, home, target, open, settled);

  const changeSet = await settleChanges(call, home, target, settled);
  const tried = await tryIfAsked(call, home, settled);
  const isGood = tried.failed.length === 0;
  let planned: Planned | undefined;
  if (isGood && !isShown(call)) {
    if (values.plan !== undefined) planned = writePlan(call, changeSet);
    else {
      write(changeSet, asTyped(call));
      if (waiting !== undefined) dropPending(home.root);
    }
  }
  reportDone(call, home, target, { settled, changeSet, tried, planned });
  return isGood ? 0 : 1;
}

async function settleHome(call: Call): Promise<Home> {
  const isReading = isPreview(call) || call.values.check === true;
  const { folder, manifest } = isReading ? await readProject(call.cwd) : await openProject(call.cwd, call.terminal);
  const root = realRoot(folder);
  if (!isReading) await recoverFirst(root, call.terminal);
  const lock = lockToEdit(root);
  if (lock === undefined) throw noLock(root, call.shown);
  return { root, manifest, lock };
}

function abort(call: Call, { root }: Home): Exit {
  const wasThere = isUpgradePending(root);
  if (wasThere) dropPending(root);
  reportAbort(call, root, wasThere);
  return 0;
}

const mergeAll = (call: Call, home: Home, target: Release): Promise<Outcome[]> =>
  threeWay(home, new Bases(call, home, releases()), releases(), target);

/** Saves the conflicts where they harm nothing; a preview only shows them. */
function leaveOpen(
  call: Call,
  home: Home,
  target: Release,
  open: readonly Outcome[],
  settled: readonly Outcome[],
): Exit {
  if (call.values.continue) throw stillInConflict(open, call.shown);
  const about = {
    what: 'runtime',
    from: home.lock.runtime,
    to: target.version,
    noVerify: call.values.verify === false,
  };
  const folder = isPreview(call) ? undefined : savePending(home.root, open, about);
  reportConflicts(call, home, target, { open, settled, folder });
  return 3;
}

/** Everything that will be written, with the lock; checked against the disk and against git. */
async function settleChanges(call: Call, home: Home, target: Release, settled: readonly Outcome[]): Promise<ChangeSet> {
  const changeSet = changesOf(home, target, settled, call.values.verify === false);
  const dirty = await settleDirty(call, home.root, changeSet.changes);
  return { ...changeSet, dirty };
}

/** Where nothing of the runtime changes there is nothing to try, unless an earlier upgrade was not tried. */
async function tryIfAsked(call: Call, home: Home, settled: readonly Outcome[]): Promise<Tried> {
  const isChanged = settled.some(({ kind }) => !['same', 'mine', 'gone'].includes(kind));
  if (isShown(call) || call.values.verify === false || (!isChanged && home.lock.unverified !== true)) return NOT_TRIED;
  return tryOut(call, home, settled);
}
