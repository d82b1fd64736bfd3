/** Which project a part of the runtime goes to. */

import { join } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { realRoot } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { levelsOf } from '../host/levels.ts';
import { settleManager } from '../host/manager.ts';
import { readPackageJson } from '../host/package-json.ts';
import type { Place } from '../host/place.ts';
import { version } from '../package.ts';
import type { PackageManager } from '../programs/package-manager.ts';
import { divvyIn, divvyOf } from '../programs/shell.ts';
import { type Lock, lockToEdit } from '../project/lock.ts';
import { openProject, type Project, projectFolder } from '../project/manifest.ts';
import { lockedFiles, type Part, wordsOf } from '../project/parts.ts';
import { filesOfPart } from '../project/vendor.ts';
import type { Call } from '../terminal/command.ts';
import { noLock } from '../vendored/errors.ts';
import { noRuntimeForPart, otherRelease, tasksFirst } from './errors.ts';

/** The project that a part goes to. */
export interface PartSubject {
  readonly part: Part;
  readonly project: Project;
  /** Its folder and those above it. */
  readonly place: Place;
  readonly lock: Lock;
  readonly packageManager: PackageManager;
}

/**
 * Rejects with a Refusal: with exit code 2 if there is no project or a missing answer, with 3 if its runtime is missing or of
 * another release.
 */
export async function settlePart(call: Call, part: Part, ask: Workshop['ask']): Promise<PartSubject> {
  const found = projectFolder(call.cwd);
  if (found === undefined) throw tasksFirst(call.cwd, wordsOf(part).join(' '));
  const project = await openProject(call.cwd, call.terminal);
  const root = realRoot(project.folder);
  const lock = lockToEdit(root);
  if (lock === undefined) throw noLock(root, [call.shown, ...wordsOf(part)].join(' '));
  const { runtime } = project.manifest;
  // A part belongs to the files beside it, so it must be of their release.
  const locked = lockedFiles(part, lock, runtime);
  const isWhole = filesOfPart(part, runtime).every(({ path }) => locked.includes(path));
  if (lock.runtime !== version && !isWhole)
    throw otherRelease(lock.runtime, divvyIn(call, root, 'upgrade'), divvyOf(lock.runtime, 'add', ...wordsOf(part)));
  if (stat(join(root, runtime, 'run.mjs')) === undefined)
    throw noRuntimeForPart(runtime, divvyIn(call, root, 'doctor'));
  const place = placeOf(root);
  return { part, project, place, lock, packageManager: await settleManager(call, place, ask) };
}

const placeOf = (root: string): Place => {
  const packageJson = readPackageJson(root, PACKAGE_JSON);
  return { root, levels: levelsOf(root), packageJson, isModule: packageJson.text('type') === 'module' };
};
