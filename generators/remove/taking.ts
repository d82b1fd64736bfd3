/** What to remove with a task: its files, the insertions for it, and with the last task everything. */

import { posix } from 'node:path';
import { type ChangeSet, lookAt, survey, type Wanted } from '../change-set/survey.ts';
import { type Before, readBefore } from '../disk/disk.ts';
import { LOCK, PACKAGE_JSON } from '../disk/file-names.ts';
import { foldersAbove, whyUnsafe } from '../disk/paths.ts';
import { notOursToRemove } from '../host/errors.ts';
import type { HostFile } from '../host/host-file.ts';
import { dialectOf, HostFiles, isAsWritten } from '../host/host-files.ts';
import type { Insertion } from '../json/insertions.ts';
import type { Lock } from '../project/lock.ts';
import type { Manifest } from '../project/manifest.ts';
import { isSameScript, isStartScript, startScriptLike } from '../project/start-script.ts';
import { taskFile } from '../project/tasks.ts';
import { lockWithout } from '../rendering/lock-edits.ts';
import { settleDirty } from '../settling/dirty.ts';
import type { Call } from '../terminal/command.ts';
import { couldPut, couldWriteWhole, packagesOfParts, scriptsOf, whyForeign } from './foreign.ts';
import type { Subject } from './subject.ts';

/** A file that stays, though it belongs to the task, because it has changed since. */
export interface Kept {
  readonly path: string;
  readonly reason: string;
}

export interface Taking {
  readonly changeSet: ChangeSet;
  readonly kept: readonly Kept[];
  /** Whether the runtime and every edit are removed too: for the last task, unless somebody has edited the runtime. */
  readonly takesAll: boolean;
  /** The packages that were removed from package.json; they are still installed. */
  readonly packages: readonly string[];
}

/**
 * Decides what to remove. Keeps and names what somebody has edited.
 *
 * Rejects with a Refusal: with exit code 3 for a task that divvy did not write, or a file that must not be written;
 * with 5 for a file that has changes which git does not have.
 */
export async function take(call: Call, subject: Subject): Promise<Taking> {
  const { root, lock, task, own, others, project } = subject;
  const force = call.values.force === true;
  const runtime = runtimeOf(root, lock, project.manifest.runtime);
  const edited = others.length > 0 || force ? [] : runtime.filter((path) => isEdited(root, lock, path));
  // Remove the runtime and the files that it needs either completely or not at all: half of it is useless.
  const takesAll = others.length === 0 && edited.length === 0;
  const paths = new Set([...own, ...(takesAll ? [...Object.keys(lock?.files ?? {}), ...runtime] : [])]);
  const kept: Kept[] = [];
  const wanted: Wanted[] = [];
  for (const path of paths) {
    const before = lookAt(root, path);
    if (before === undefined || path === PACKAGE_JSON) continue;
    const isForced = force && (own.includes(path) || runtime.includes(path));
    const reason = whyForeign(path, project.manifest) ?? (isForced ? undefined : whyKept(lock, path, before));
    if (reason === undefined) wanted.push({ path, after: undefined, from: before.bytes });
    else kept.push({ path, reason });
  }
  if (lock?.files[subject.file] === undefined && kept.some(({ path }) => path === subject.file)) {
    throw notOursToRemove(subject.file);
  }
  // From now on these files belong to their owner.
  const given = kept.map(({ path }) => path);
  if (edited.length > 0) kept.push({ path: `${project.manifest.runtime}/`, reason: whyWhole(edited, task) });

  const host = new HostFiles(root, lock);
  const packages: string[] = [];
  const whole = takesAll ? wholePackageJson(root, project.manifest, lock) : undefined;
  if (whole) wanted.push(whole);
  const removed = new Set(wanted.map(({ path }) => path));
  for (const path of hostFilesOf(lock)) {
    if (removed.has(path)) continue;
    const file = host.open(path, dialectOf(path));
    if (file === undefined) continue;
    const goes = (insertion: Insertion) => takesAll || goesWith(subject, insertion);
    const isOurs = (insertion: Insertion) => couldPut(path, insertion, project.manifest, lock);
    const taken = takeInsertions(file, goes, isOurs);
    packages.push(...taken.packages);
    kept.push(...taken.reasons.map((reason) => ({ path, reason })));
  }
  const isWritten = lock === undefined || lock.files[PACKAGE_JSON] !== undefined;
  if (isWritten && whole === undefined) takeScripts(subject, takesAll, host.open(PACKAGE_JSON, 'json'));

  const edits = host.edited();
  wanted.push(...edits.map(({ path, bytes, before }) => ({ path, after: bytes, from: before.bytes })));
  const dirty = await settleDirty(call, root, edits);
  if (lock) {
    const gone = [...removed, ...given];
    const after = takesAll ? undefined : Buffer.from(lockWithout(lock, task, gone, host.forLock()));
    wanted.push({ path: LOCK, after });
  }
  const { added, differing } = survey(root, wanted);
  const changes = [...added, ...differing];
  return { changeSet: { root, changes, goneFolders: emptied(lock, wanted), dirty }, kept, takesAll, packages };
}

/** Takes insertions out of a file of the host. Returns the packages that go with them, and why some insertions stay. */
function takeInsertions(
  file: HostFile,
  goes: (insertion: Insertion) => boolean,
  isOurs: (insertion: Insertion) => boolean,
): { packages: string[]; reasons: string[] } {
  const foreign = file.insertions.filter((each) => goes(each) && !('was' in each) && !isOurs(each));
  const going = file.insertions.filter((each) => goes(each) && isOurs(each));
  const packages = going.flatMap((each) =>
    isPackage(each) && file.value([...each.at, each.key]) === each.value ? [each.key] : [],
  );
  for (const each of going) if ('key' in each && each.at[0] === 'scripts') takeScript(file, each);
  return { packages, reasons: [...foreign.map(inWords), ...file.takeOut((insertion) => going.includes(insertion))] };
}

const inWords = (insertion: Insertion): string => `divvy would not put this there: ${JSON.stringify(insertion)}`;

/** The files of the vendored runtime: those in the lock, and those in its own SHA256SUMS. */
function runtimeOf(root: string, lock: Lock | undefined, folder: string): string[] {
  if (lock === undefined) return [];
  const sums = readBefore(root, `${folder}/SHA256SUMS`)?.bytes.toString('utf8') ?? '';
  const listed = [...sums.matchAll(/^[0-9a-f]{64} {2}(.+?)\r?$/gm)].map(([, path]) => `${folder}/${path}`);
  const locked = Object.keys(lock.files).filter((path) => path.startsWith(`${folder}/`));
  return [...new Set([...locked, ...listed])].filter((path) => whyUnsafe(path) === undefined);
}

function isEdited(root: string, lock: Lock | undefined, path: string): boolean {
  const before = lookAt(root, path);
  return before !== undefined && !isAsWritten(lock, path, before);
}

function whyKept(lock: Lock | undefined, path: string, before: Before): string | undefined {
  if (isAsWritten(lock, path, before)) return undefined;
  return lock?.files[path] === undefined ? 'divvy did not write it' : 'it was edited since';
}

const whyWhole = ([first, ...more]: readonly string[], task: string): string =>
  `${first}${more.length > 0 ? ` and ${more.length} more were` : ' was'} edited since. The runtime stays whole, and so does what it needs. ` +
  `If it has to go, bring ${more.length > 0 ? 'them' : 'it'} back from git or add --force, and remove ${task} once more`;

/** Removes the whole package.json if divvy made it and it is still as divvy left it. */
function wholePackageJson(root: string, manifest: Manifest, lock: Lock | undefined): Wanted | undefined {
  const before = readBefore(root, PACKAGE_JSON);
  const isOurs = before !== undefined && isAsWritten(lock, PACKAGE_JSON, before);
  return isOurs && couldWriteWhole(before.bytes, manifest, lock) ? { path: PACKAGE_JSON, after: undefined } : undefined;
}

const hostFilesOf = (lock: Lock | undefined): string[] => Object.keys(lock?.host ?? {});

/** Keeps a package or a script that another task needs too, and a package that a part of the runtime needs. */
function goesWith({ task, lock, project }: Subject, insertion: Insertion): boolean {
  if ('was' in insertion) return false;
  if (insertion.task !== undefined) return insertion.task === task;
  if (!('key' in insertion)) return false;
  const { at, key } = insertion;
  const others = Object.entries(lock?.tasks ?? {}).flatMap(([name, other]) => (name === task ? [] : [other]));
  if (at[0] === 'scripts') return !others.some(({ scripts = {} }) => Object.hasOwn(scripts, key));
  const ofParts = packagesOfParts(lock, project.manifest.runtime);
  return (
    isPackage(insertion) && ![ofParts, ...others.map(({ dependencies = [] }) => dependencies)].flat().includes(key)
  );
}

const isPackage = (insertion: Insertion): insertion is Extract<Insertion, { readonly key: string }> =>
  'key' in insertion && /^(devD|d)ependencies$/.test(insertion.at[0] ?? '');

/** Removes a task's script even if somebody has added or removed its `exec`. */
function takeScript(
  file: HostFile | undefined,
  { at, key, value }: Extract<Insertion, { readonly key: string }>,
): void {
  const there = file?.value([...at, key]);
  if (value !== false && isSameScript(there, value)) file?.dropProperty([...at, key], there);
}

/**
 * A package.json that divvy wrote whole has no recorded insertions, so look for the scripts that divvy would have
 * written.
 */
function takeScripts(subject: Subject, takesAll: boolean, host: HostFile | undefined): void {
  const { task, file, others, project, lock } = subject;
  const { runtime } = project.manifest;
  for (const [name, command] of scriptsOf(lock)) {
    const at = ['scripts', name];
    if (takesAll || goesWith(subject, { at: ['scripts'], key: name, value: command })) host?.dropProperty(at, command);
  }
  const [own, start] = [`divvy:${task}`, 'start'].map((name) => host?.value(['scripts', name]));
  if (isStartScript(own, runtime, file)) host?.dropProperty(['scripts', `divvy:${task}`], own);
  if (isStartScript(start, runtime, file)) {
    const [next] = others;
    if (next === undefined) host?.dropProperty(['scripts', 'start'], start);
    else {
      const path = posix.relative(project.folder, taskFile(project, next));
      host?.setValue(['scripts', 'start'], startScriptLike(start, runtime, path));
    }
  }
  if (!takesAll) return;
  host?.dropProperty(['imports', '#divvy'], `./${runtime}/index.ts`);
  const generator = host?.value(['scripts', 'divvy']);
  if (typeof generator === 'string' && /^npx --yes --package=create-divvy-task@\S+ divvy$/.test(generator)) {
    host?.dropProperty(['scripts', 'divvy'], generator);
  }
  if (lock !== undefined) for (const name of MADE) host?.dropEmptied([name]);
}

/** The objects in a package.json that divvy writes whole. */
const MADE = ['imports', 'scripts', 'devDependencies', 'dependencies'];

/** The folders that divvy made, inner ones first: they are removed if they are empty afterwards. */
function emptied(lock: Lock | undefined, wanted: readonly Wanted[]): string[] {
  const above = foldersAbove(wanted.filter(({ after }) => after === undefined).map(({ path }) => path));
  // A lock without folders belongs to a project that was made whole.
  const folders = lock?.folders === undefined ? above : above.filter((folder) => lock.folders?.includes(folder));
  return folders.sort((a, b) => b.split('/').length - a.split('/').length || (a < b ? -1 : 1));
}
