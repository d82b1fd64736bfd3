/**
 * `divvy upgrade`: brings a newer release into the vendored code, or a template's newer version into its tasks, without
 * losing what their owner changed.
 */

import { recoverFirst } from '../change-set/recovering.ts';
import { realRoot } from '../change-set/survey.ts';
import { write } from '../change-set/write.ts';
import { asTyped } from '../programs/shell.ts';
import { lockToEdit } from '../project/lock.ts';
import { openProject, readProject } from '../project/manifest.ts';
import { settleDirty } from '../settling/dirty.ts';
import { writePlan } from '../settling/plan.ts';
import { isPreview, isShown, type Planned } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { noLock } from '../vendored/errors.ts';
import type { Home } from '../vendored/owned.ts';
import {
  dropPending,
  isFinished,
  isUpgradePending,
  readPending,
  type State,
  savePending,
} from '../vendored/pending.ts';
import type { Outcome } from '../vendored/three-way.ts';
import { stillInConflict, upgradeWaits } from './errors.ts';
import { upgradeOfRuntime } from './of-runtime.ts';
import { upgradeOfTemplates } from './of-templates.ts';
import { reportAbort, reportCheck, reportConflicts, reportDone } from './report.ts';
import { pendingToContinue, resolved } from './resume.ts';
import type { Upgrading } from './upgrading.ts';
import { NOT_TRIED } from './verify.ts';

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
  forgetFinished(call, home);
  const waiting = values.continue ? pendingToContinue(call, home) : undefined;
  const upgrading = await settleUpgrade(call, home, waiting);
  if (values.check) return reportCheck(call, home, upgrading);
  if (waiting === undefined && isUpgradePending(home.root)) throw upgradeWaits(call.shown);

  const settled = waiting === undefined ? upgrading.outcomes : resolved(call, home, upgrading.outcomes, waiting);
  const open = settled.filter(({ kind }) => kind === 'conflict');
  if (open.length > 0) return leaveOpen(call, home, upgrading, open, settled);

  const changeSet = upgrading.changesOf(settled);
  const dirty = await settleDirty(call, home.root, changeSet.changes);
  const tried = isShown(call) ? NOT_TRIED : await upgrading.tryOut(settled);
  const isGood = tried.failed.length === 0;
  let planned: Planned | undefined;
  if (isGood && !isShown(call)) {
    if (values.plan !== undefined) planned = writePlan(call, changeSet);
    else {
      write({ ...changeSet, dirty }, asTyped(call));
      if (waiting !== undefined) dropPending(home.root);
    }
  }
  reportDone(call, home, upgrading, { settled, changeSet, tried, planned });
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

/** One that waits says itself what it is of. */
function settleUpgrade(call: Call, home: Home, waiting: State | undefined): Promise<Upgrading> {
  const of = waiting?.of;
  const isOfTemplates = of === undefined ? call.values.template !== undefined : of.kind === 'templates';
  return isOfTemplates
    ? upgradeOfTemplates(call, home, of?.kind === 'templates' ? of.tasks : undefined)
    : upgradeOfRuntime(call, home, waiting?.to);
}

function abort(call: Call, { root }: Home): Exit {
  const wasThere = isUpgradePending(root);
  if (wasThere) dropPending(root);
  reportAbort(call, root, wasThere);
  return 0;
}

/** What is in place already, by a plan or in spite of a crash, no longer waits. */
function forgetFinished(call: Call, { root, lock }: Home): void {
  const state = readPending(root);
  const isReading = isPreview(call) || call.values.check === true;
  if (state !== undefined && isFinished(state, lock) && !isReading) dropPending(root);
}

/** Saves the conflicts where they harm nothing; a preview only shows them. */
function leaveOpen(
  call: Call,
  home: Home,
  upgrading: Upgrading,
  open: readonly Outcome[],
  settled: readonly Outcome[],
): Exit {
  if (call.values.continue) throw stillInConflict(open, call.shown);
  const folder = isPreview(call) ? undefined : savePending(home.root, open, upgrading.saved);
  reportConflicts(call, home, upgrading, { open, settled, folder });
  return 3;
}
