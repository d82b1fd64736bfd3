/** `divvy eject`: keeps the runtime and the tasks, and removes what only divvy reads. */

import { type ChangeSet, realRoot, survey, type Wanted } from '../change-set/survey.ts';
import { write } from '../change-set/write.ts';
import { readBefore } from '../disk/disk.ts';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { HostFiles } from '../host/host-files.ts';
import { version } from '../package.ts';
import { asTyped, divvyIn } from '../programs/shell.ts';
import { lockToEdit } from '../project/lock.ts';
import { openProject, type Project } from '../project/manifest.ts';
import { settleDirty } from '../settling/dirty.ts';
import { writePlan } from '../settling/plan.ts';
import { filesAsJson, isPreview, type Planned, previewOf, sayNotWritten, sayPreview } from '../settling/preview.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { isUpgradePending } from '../vendored/pending.ts';
import { importNeeded, upgradeWaitsHere } from './errors.ts';

/**
 * Removes divvy.json, the lock and the script `divvy`. Everything that runs stays.
 *
 * Resolves with 0. Rejects with a Refusal: with exit code 2 if there is no project, with 3 if an upgrade waits, or divvy.json
 * says what tasks need, with 5 for uncommitted changes.
 */
export async function eject(call: Call): Promise<Exit> {
  const project = await openProject(call.cwd, call.terminal);
  const root = realRoot(project.folder);
  if (isUpgradePending(root)) throw upgradeWaitsHere(divvyIn(call, root, 'upgrade'));
  const { import: modules } = project.manifest;
  if (modules !== undefined) throw importNeeded([modules].flat());
  const changeSet = changesOf(root);
  const dirty = await settleDirty(call, root, changeSet.changes);
  let planned: Planned | undefined;
  if (call.values.plan !== undefined) planned = writePlan(call, { ...changeSet, dirty });
  else if (!isPreview(call)) write({ ...changeSet, dirty }, asTyped(call));
  report(call, project, changeSet, planned);
  return 0;
}

function changesOf(root: string): ChangeSet {
  const host = new HostFiles(root, lockToEdit(root));
  const file = host.open(PACKAGE_JSON, 'json');
  const script = file?.value(['scripts', 'divvy']);
  if (typeof script === 'string' && /^npx --yes --package=create-divvy-task@\S+ divvy$/.test(script)) {
    file?.dropProperty(['scripts', 'divvy'], script);
  }
  const gone = [MANIFEST, LOCK].flatMap<Wanted>((path) => {
    const before = readBefore(root, path);
    return before === undefined ? [] : [{ path, after: undefined, from: before.bytes }];
  });
  const edits = host.edited().map(({ path, bytes, before }) => ({ path, after: bytes, from: before.bytes }));
  const { added, differing } = survey(root, [...gone, ...edits]);
  return { root, changes: [...added, ...differing] };
}

function report(
  call: Call,
  { folder, manifest }: Project,
  { root, changes }: ChangeSet,
  planned: Planned | undefined,
): void {
  const { terminal } = call;
  const preview = previewOf(changes);
  sayPreview(call, preview);
  if (isPreview(call)) sayNotWritten(call, root, changes.length, planned);
  else {
    terminal.say(
      [
        `Ejected: ${manifest.runtime}/ and ${manifest.tasks}/ are all yours now, and run as before.`,
        `divvy no longer knows of this project: \`divvy upgrade\` cannot renew it. Journals stay in .divvy/.`,
        `To undo it: ${divvyIn(call, folder, 'undo')}`,
      ].join('\n'),
    );
  }
  terminal.result({
    command: 'eject',
    version,
    written: !isPreview(call),
    folder: root,
    ...filesAsJson(call, preview),
    ...(planned && { plan: planned.file, apply: planned.apply }),
  });
}
