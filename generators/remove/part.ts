/** `divvy remove telemetry`, `divvy remove engine`: takes a part of the runtime out again, with the packages that only it needs. */

import { type ChangeSet, lookAt, realRoot, survey, type Wanted } from '../change-set/survey.ts';
import { write } from '../change-set/write.ts';
import { readBefore } from '../disk/disk.ts';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { foldersAbove } from '../disk/paths.ts';
import { leftBehind } from '../host/errors.ts';
import { HostFiles, isAsWritten } from '../host/host-files.ts';
import { isDecline, isOwnWorkspaceFile } from '../host/install-scripts.ts';
import { PNPM_WORKSPACE } from '../host/levels.ts';
import type { Insertion } from '../json/insertions.ts';
import { version } from '../package.ts';
import { asTyped, divvyIn } from '../programs/shell.ts';
import { type Lock, lockToEdit, textOf } from '../project/lock.ts';
import { openProject, type Project } from '../project/manifest.ts';
import { loadedAs, lockedFiles, type Part, wordsOf } from '../project/parts.ts';
import { withHost } from '../rendering/lock-edits.ts';
import { settleDirty } from '../settling/dirty.ts';
import { writePlan } from '../settling/plan.ts';
import {
  filesAsJson,
  isPreview,
  listOf,
  type Planned,
  previewOf,
  sayNotWritten,
  sayPreview,
} from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { harmless } from '../terminal/harmless.ts';
import { noLock } from '../vendored/errors.ts';
import { packagesOfParts } from './foreign.ts';

/** What goes with a part. */
interface Taken {
  readonly changeSet: ChangeSet;
  /** What stays, since it was edited: then nothing goes. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  /** The packages that are no longer in package.json. */
  readonly packages: readonly string[];
}

/**
 * Removes a part: all of it, or, if its files were edited and there is no --force, nothing.
 *
 * Resolves with 0, or with 3 if it was edited. Rejects with a Refusal if it must not or cannot write.
 */
export async function removePart(call: Call, part: Part): Promise<Exit> {
  const project = await openProject(call.cwd, call.terminal);
  const root = realRoot(project.folder);
  const lock = lockToEdit(root);
  if (lock === undefined) throw noLock(root, [call.shown, part.name].join(' '));
  const taken = await take(call, part, project, root, lock);
  let planned: Planned | undefined;
  if (call.values.plan !== undefined) planned = writePlan(call, taken.changeSet);
  else if (!isPreview(call) && taken.kept.length === 0) write(taken.changeSet, asTyped(call));
  report(call, part, taken, planned);
  return taken.kept.length > 0 ? 3 : 0;
}

async function take(call: Call, part: Part, { manifest }: Project, root: string, lock: Lock): Promise<Taken> {
  const { runtime } = manifest;
  const paths = lockedFiles(part, lock, runtime);
  const there = paths.flatMap((path) => {
    const before = lookAt(root, path);
    return before === undefined ? [] : [{ path, before }];
  });
  const edited = there.filter(({ path, before }) => !isAsWritten(lock, path, before));
  if (edited.length > 0 && call.values.force !== true) {
    const kept = edited.map(({ path }) => ({ path, reason: 'it was edited since; --force removes it too' }));
    return { changeSet: { root, changes: [] }, kept, packages: [] };
  }

  const beside = paths.length > 0 ? workspaceFileOf(part, root, lock) : [];
  const goneFolders = foldersOf(paths, runtime, lock);
  const left = without(lock, [...paths, ...(part.scriptless ? [PNPM_WORKSPACE] : [])], goneFolders);
  const host = new HostFiles(root, lock);
  const packages = paths.length === 0 ? [] : takeInsertions(host, part, runtime, left);
  const edits = host.edited().map(({ path, bytes, before }) => ({ path, after: bytes, from: before.bytes }));
  const gone = there.map(({ path, before }) => ({ path, after: undefined, from: before.bytes }));
  const wanted: Wanted[] = [...gone, ...beside, ...edits];
  if (paths.length > 0) wanted.push({ path: LOCK, after: Buffer.from(textOf(withHost(left, host.forLock()))) });
  const { added, differing } = survey(root, wanted);
  const changes = [...added, ...differing];
  const dirty = await settleDirty(call, root, changes);
  return { changeSet: { root, changes, goneFolders, dirty }, kept: [], packages };
}

/** pnpm's file, if divvy made it for this part and it is as it was. What its owner has changed in it makes it theirs. */
function workspaceFileOf({ scriptless = [] }: Part, root: string, lock: Lock): Wanted[] {
  const before = Object.hasOwn(lock.files, PNPM_WORKSPACE) ? readBefore(root, PNPM_WORKSPACE) : undefined;
  const isOurs = before !== undefined && isOwnWorkspaceFile(before.bytes, scriptless);
  return isOurs ? [{ path: PNPM_WORKSPACE, after: undefined, from: before.bytes }] : [];
}

/** The folders of these files below the runtime's that divvy made, inner ones first: they are removed if they are empty afterwards. */
function foldersOf(paths: readonly string[], runtime: string, { folders }: Lock): string[] {
  return foldersAbove(paths)
    .filter((folder) => folder.startsWith(`${runtime}/`) && folders?.includes(folder) !== false)
    .sort((a, b) => b.split('/').length - a.split('/').length);
}

const without = (lock: Lock, paths: readonly string[], goneFolders: readonly string[]): Lock => ({
  ...lock,
  files: Object.fromEntries(Object.entries(lock.files).filter(([path]) => !paths.includes(path))),
  ...(lock.folders && { folders: lock.folders.filter((folder) => !goneFolders.includes(folder)) }),
});

/** Takes out what only this part needs. Returns the packages that went. `left` is the lock without the part. */
function takeInsertions(host: HostFiles, part: Part, runtime: string, left: Lock): string[] {
  const needed = [
    ...packagesOfParts(left, runtime),
    ...Object.values(left.tasks).flatMap(({ dependencies = [] }) => dependencies),
  ];
  const goes = (insertion: Insertion): boolean =>
    'key' in insertion &&
    insertion.at.join() === 'dependencies' &&
    Object.hasOwn(part.dependencies, insertion.key) &&
    !needed.includes(insertion.key);
  const file = host.open(PACKAGE_JSON, 'json');
  const going = file?.insertions.filter(goes).flatMap((each) => ('key' in each ? [each.key] : [])) ?? [];
  const { scriptless = [] } = part;
  file?.takeOut((each) => goes(each) || isDecline(PACKAGE_JSON, each, scriptless));
  if (left.host?.[PNPM_WORKSPACE])
    host.open(PNPM_WORKSPACE, 'lines')?.takeOut((each) => isDecline(PNPM_WORKSPACE, each, scriptless));
  host
    .open(MANIFEST, 'json')
    ?.takeOut((each) => 'element' in each && each.at.join() === 'import' && each.element === loadedAs(part, runtime));
  return going.filter((name) => file?.value(['dependencies', name]) === undefined);
}

function report(call: Call, part: Part, { changeSet, kept, packages }: Taken, planned: Planned | undefined): void {
  const { terminal } = call;
  const { root, changes } = changeSet;
  const preview = previewOf(changes);
  sayPreview(call, preview);
  if (kept.length > 0) terminal.refuse(leftBehind(kept));
  else if (isPreview(call)) sayNotWritten(call, root, changes.length, planned);
  else if (changes.length === 0) terminal.say(`Nothing to do: ${wordsOf(part).join(' ')} is not here.`);
  else {
    terminal.say(
      [
        `Removed ${terminal.style.strong(wordsOf(part).join(' '))}: ${changes.length} files.`,
        ...(call.values.verbose ? [] : [listOf(preview, terminal)]),
        ...(packages.length > 0
          ? [`${packages.map(harmless).join(', ')}: no longer in package.json; install again to remove them.`]
          : []),
        `To bring it back: ${divvyIn(call, root, 'undo')}`,
      ].join('\n'),
    );
  }
  terminal.result({
    command: 'remove',
    version,
    written: !isPreview(call) && changes.length > 0,
    folder: root,
    part: part.name,
    ...(part.kind !== undefined && { kind: part.kind }),
    ...filesAsJson(call, preview),
    kept,
    ...(planned && { plan: planned.file, apply: planned.apply }),
  });
}
