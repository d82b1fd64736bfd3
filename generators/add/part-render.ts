/** Works out in memory what a part of the runtime changes in a project. */

import { join } from 'node:path';
import { type Change, type ChangeSet, lookAt, survey, type Wanted } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { sumOf } from '../disk/line-ends.ts';
import { foldersAbove } from '../disk/paths.ts';
import { formattersOf, keepFormat } from '../host/formatter.ts';
import type { Hint } from '../host/hints.ts';
import { HostFiles } from '../host/host-files.ts';
import { declineScript } from '../host/install-scripts.ts';
import { inPackageJson as order } from '../host/order.ts';
import type { Place } from '../host/place.ts';
import { type Lock, textOf } from '../project/lock.ts';
import { loadedAs, type Part } from '../project/parts.ts';
import { filesOfPart } from '../project/vendor.ts';
import { withHost } from '../rendering/lock-edits.ts';
import { settleDirty } from '../settling/dirty.ts';
import type { Call } from '../terminal/command.ts';
import { Gathered } from '../terminal/gathered.ts';
import { partTaken } from './errors.ts';
import type { PartSubject } from './part-subject.ts';

/** What a part changes, worked out in memory. */
export interface RenderedPart {
  readonly host: HostFiles;
  readonly changeSet: ChangeSet;
  /** Packages that package.json had already, in another range than the part's. */
  readonly kept: readonly (readonly [name: string, range: string])[];
  /** The lines that a person has to add by hand. */
  readonly hints: readonly Hint[];
  /** Packages whose install scripts need not run: those of which no list says so, and those for which a file was made, with it. */
  readonly scriptless: readonly string[];
  readonly declined: readonly (readonly [file: string, name: string])[];
}

/**
 * Rejects with a Refusal: with exit code 3 for a file that can't be edited as needed, with 5 for one with uncommitted changes.
 */
export async function renderPart(call: Call, subject: PartSubject): Promise<RenderedPart> {
  const { place, lock, project, part, packageManager } = subject;
  const { root } = place;
  const { runtime } = project.manifest;
  const host = new HostFiles(root, lock);
  const gathered = new Gathered();
  const files = gathered.attempt(() => missingFiles(subject)) ?? [];
  const kept = gathered.attempt(() => putPackages(host, part)) ?? [];
  const loaded = loadedAs(part, runtime);
  if (loaded !== undefined) gathered.attempt(() => host.open(MANIFEST, 'json')?.appendElement(['import'], loaded));
  gathered.end();
  const hints = [...hintsFor(place, part)];
  const scriptless: string[] = [];
  const declinedIn: [string, string][] = [];
  for (const name of part.scriptless ?? []) {
    const declined = await declineScript(name, packageManager, place, host);
    if (declined.file) {
      files.push(declined.file);
      declinedIn.push([declined.file.path, name]);
    }
    if (declined.isUnsaid) scriptless.push(name);
    hints.push(...declined.hints);
  }
  for (const file of host.edited()) hints.push(...(await keepFormat(formattersOf(place), root, file)));

  const edits = host.edited().map(({ path, bytes, before }) => ({ path, after: bytes, from: before.bytes }));
  const wanted: Wanted[] = [...files, ...edits];
  if (wanted.length > 0) {
    const sums = Object.fromEntries(files.map(({ path, after }) => [path, sumOf(after)]));
    const left = { ...lock, ...withFolders(lock, root, files), files: { ...lock.files, ...sums } };
    const after = withHost(left, host.forLock());
    wanted.push({ path: LOCK, after: Buffer.from(textOf(after)) });
  }
  const { added, differing } = survey(root, wanted);
  const changes: Change[] = [...added, ...differing];
  const dirty = await settleDirty(call, root, changes);
  return { host, changeSet: { root, changes, dirty }, kept, hints, scriptless, declined: declinedIn };
}

/** The folders that divvy has made, with those that have to be made; the lock of a project that was made whole has none. */
function withFolders(
  { made, folders = [] }: Lock,
  root: string,
  files: readonly { readonly path: string }[],
): Pick<Lock, 'folders'> {
  const missing = foldersAbove(files.map(({ path }) => path)).filter((path) => stat(join(root, path)) === undefined);
  return made === undefined && missing.length > 0 ? { folders: [...folders, ...missing].sort() } : {};
}

/**
 * The files of the part that are not there. One that is there and that the lock knows stays as it is: it may have been edited.
 *
 * Throws a Refusal with exit code 3 if a file of somebody else's is there.
 */
function missingFiles({ part, project, place: { root }, lock }: PartSubject): { path: string; after: Buffer }[] {
  return filesOfPart(part, project.manifest.runtime).filter(({ path, after }) => {
    const before = lookAt(root, path);
    if (before === undefined) return true;
    const isKnown = Object.hasOwn(lock.files, path);
    if (!isKnown && sumOf(before.bytes) !== sumOf(after)) throw partTaken(path);
    return !isKnown;
  });
}

/** Puts the packages into package.json. Returns those that were there already, in another range. */
function putPackages(host: HostFiles, { dependencies }: Part): [name: string, range: string][] {
  const file = host.open(PACKAGE_JSON, 'json');
  const kept: [string, string][] = [];
  for (const [name, range] of Object.entries(dependencies)) {
    const there = ['dependencies', 'devDependencies'].map((kind) => file?.value([kind, name])).find(Boolean);
    if (there === undefined) file?.putProperty(['dependencies'], name, range, { order });
    else if (there !== range) kept.push([name, String(there)]);
  }
  return kept;
}

/** Knip does not see that the runtime needs packages: it is told to leave it out. */
function hintsFor({ packageJson, root }: Place, { dependencies }: Part): Hint[] {
  if (!packageJson.dependsOn('knip')) return [];
  const file = ['knip.json', 'knip.jsonc', '.knip.json', '.knip.jsonc', 'knip.ts', 'knip.config.ts', 'knip.js'].find(
    (name) => stat(join(root, name)) !== undefined,
  );
  const names = Object.keys(dependencies).map((name) => name.replace(/^(@[^/]+)\/.*/, '$1/.+'));
  const line = `"ignoreDependencies": [${[...new Set(names)].map((name) => JSON.stringify(name)).join(', ')}]`;
  return [{ file: file ?? (packageJson.has('knip') ? `${PACKAGE_JSON}, in "knip"` : 'knip.json'), line }];
}
