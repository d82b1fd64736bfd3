/** `divvy remove telemetry`: takes a part of the runtime out again, with the packages that only it needs. */

import { type ChangeSet, lookAt, realRoot, survey, type Wanted } from '../change-set/survey.ts';
import { write } from '../change-set/write.ts';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { leftBehind } from '../host/errors.ts';
import { HostFiles, isAsWritten } from '../host/host-files.ts';
import type { Insertion } from '../json/insertions.ts';
import { version } from '../package.ts';
import { asTyped, divvyIn } from '../programs/shell.ts';
import { type Lock, lockToEdit, textOf } from '../project/lock.ts';
import { openProject, type Project } from '../project/manifest.ts';
import { loadedAs, type Part } from '../project/parts.ts';
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
  if (lock === undefined) throw noLock(root, `${call.shown} ${part.name}`);
  const taken = await take(call, part, project, root, lock);
  let planned: Planned | undefined;
  if (call.values.plan !== undefined) planned = writePlan(call, taken.changeSet);
  else if (!isPreview(call) && taken.kept.length === 0) write(taken.changeSet, asTyped(call));
  report(call, part, taken, planned);
  return taken.kept.length > 0 ? 3 : 0;
}

async function take(call: Call, part: Part, { manifest }: Project, root: string, lock: Lock): Promise<Taken> {
  const { runtime } = manifest;
  const paths = part.files.map((file) => `${runtime}/${file}`).filter((path) => Object.hasOwn(lock.files, path));
  const there = paths.flatMap((path) => {
    const before = lookAt(root, path);
    return before === undefined ? [] : [{ path, before }];
  });
  const edited = there.filter(({ path, before }) => !isAsWritten(lock, path, before));
  if (edited.length > 0 && call.values.force !== true) {
    const kept = edited.map(({ path }) => ({ path, reason: 'it was edited since; --force removes it too' }));
    return { changeSet: { root, changes: [] }, kept, packages: [] };
  }

  const files = Object.fromEntries(Object.entries(lock.files).filter(([path]) => !paths.includes(path)));
  const host = new HostFiles(root, lock);
  const packages = paths.length === 0 ? [] : takeInsertions(host, part, runtime, { ...lock, files });
  const edits = host.edited().map(({ path, bytes, before }) => ({ path, after: bytes, from: before.bytes }));
  const gone = there.map(({ path, before }) => ({ path, after: undefined, from: before.bytes }));
  const wanted: Wanted[] = [...gone, ...edits];
  if (paths.length > 0) {
    const after = textOf(withHost({ ...lock, files }, host.forLock()));
    wanted.push({ path: LOCK, after: Buffer.from(after) });
  }
  const { added, differing } = survey(root, wanted);
  const changes = [...added, ...differing];
  const dirty = await settleDirty(call, root, changes);
  return { changeSet: { root, changes, dirty }, kept: [], packages };
}

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
  file?.takeOut(goes);
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
  else if (changes.length === 0) terminal.say(`Nothing to do: ${part.name} is not here.`);
  else {
    terminal.say(
      [
        `Removed ${terminal.style.strong(part.name)}: ${changes.length} files.`,
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
    ...filesAsJson(call, preview),
    kept,
    ...(planned && { plan: planned.file, apply: planned.apply }),
  });
}
