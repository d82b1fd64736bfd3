/** What is not as it should be in a project, each in plain English with what to do. Reads only. */

import { join, posix } from 'node:path';
import { placesOf, readRecord } from '../change-set/record.ts';
import { isBehindFolders, readBefore, stat } from '../disk/disk.ts';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { parseJson } from '../json/parse.ts';
import { version } from '../package.ts';
import { divvyIn, divvyOf } from '../programs/shell.ts';
import { loadedAs, partOf, partsIn, wordsOf } from '../project/parts.ts';
import type { Call } from '../terminal/command.ts';
import { Refusal } from '../terminal/refusal.ts';
import { addedFiles, type Home, type Owned, ownedFiles, standingOf } from '../vendored/owned.ts';
import { conflictsLeft, isFinished, isUpgradePending, readPending, type State, sideOf } from '../vendored/pending.ts';
import type { Advisory, Releases } from '../vendored/releases.ts';
import { named } from '../vendored/three-way.ts';
import { doMeet, isIn, isNewer, isRange, isVersion, versionAskedFor } from '../versions.ts';

export interface Finding {
  /**
   * `broken`: tasks don't run, or divvy's commands don't. `due`: somebody should do something. `yours`: a file differs from the
   * release, and may be meant to. `note`: good to know.
   */
  readonly level: 'broken' | 'due' | 'yours' | 'note';
  /** What it is, for programs. */
  readonly code: string;
  /** The file, if it is about one. */
  readonly path?: string;
  readonly message: string;
  /** A command, or what else to do; empty if nothing has to be done. */
  readonly remedy: string;
}

/** Everything that is wrong, in the order in which to mend it. */
export function findingsOf(call: Call, home: Home, releases: Releases): Finding[] {
  const owned = ownedFiles(home, releases);
  const all = [
    ...ofLeftWork(call, home),
    ...ofImports(home),
    ...ofFiles(call, home, owned),
    ...ofTasks(call, home),
    ...ofParts(call, home),
    ...ofRelease(call, home, releases.advisories),
    ...ofNode(home),
  ];
  return LEVELS.flatMap((level) => all.filter((each) => each.level === level));
}

const LEVELS = ['broken', 'due', 'yours', 'note'] as const;

/** A command that was cut short, and an upgrade that waits. */
function ofLeftWork(call: Call, { root, lock }: Home): Finding[] {
  const found: Finding[] = [];
  if (stat(placesOf(root).pending) !== undefined) {
    const command = readRecord(placesOf(root).pending)?.command ?? 'a divvy command';
    found.push({
      level: 'broken',
      code: 'cut-short',
      message: `A command was cut short while it wrote: ${command}`,
      remedy: `The next command that writes takes it back. To do only that: ${divvyIn(call, root, 'undo')}`,
    });
  }
  if (!isUpgradePending(root)) return found;
  let state: State | undefined;
  try {
    state = readPending(root);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [...found, { level: 'due', code: 'upgrade-waits', message: error.message, remedy: error.remedy }];
  }
  if (state === undefined || isFinished(state, lock)) return found;
  const left = state.files.filter((file) => conflictsLeft(file, sideOf(root, 'merged', file.path)?.bytes) > 0);
  found.push({
    level: 'due',
    code: 'upgrade-waits',
    message: `An upgrade from ${state.from} to ${state.to} waits for you: ${left.length} of ${state.files.length} files still have conflicts`,
    remedy: `Resolve them in .divvy/upgrade/merged/, then: ${divvyIn(call, root, 'upgrade', '--continue')}. To forget it: ${divvyIn(call, root, 'upgrade', '--abort')}`,
  });
  return found;
}

/** The link by which tasks find the runtime. */
function ofImports({ root, manifest }: Home): Finding[] {
  const broken = (message: string, remedy: string): Finding[] => [
    { level: 'broken', code: 'import', path: PACKAGE_JSON, message, remedy },
  ];
  const wanted = `./${manifest.runtime}/index.ts`;
  const line = `Put this into ${PACKAGE_JSON}: "imports": {"#divvy": ${JSON.stringify(wanted)}}`;
  let parsed: { readonly imports?: { readonly [name: string]: unknown } };
  try {
    const bytes = readBefore(root, PACKAGE_JSON)?.bytes;
    if (bytes === undefined)
      return broken(`${PACKAGE_JSON} is missing, and without it no task finds the runtime`, line);
    parsed = parseJson(bytes) as typeof parsed;
  } catch (error) {
    return broken(`${PACKAGE_JSON} is not JSON: ${(error as Error).message}`, 'Mend it.');
  }
  const there = parsed?.imports?.['#divvy'];
  if (leadsTo(there, wanted)) return [];
  return broken(
    there === undefined
      ? `${PACKAGE_JSON} does not say where #divvy is, so no task finds the runtime`
      : `#divvy leads to ${JSON.stringify(there)} in ${PACKAGE_JSON}, and divvy.json says that the runtime is in ${manifest.runtime}`,
    line,
  );
}

/** What `imports` says may depend on conditions. */
function leadsTo(there: unknown, wanted: string): boolean {
  if (typeof there !== 'object' || there === null) return there === wanted;
  return Object.values(there).some((each) => leadsTo(each, wanted));
}

function ofFiles(call: Call, home: Home, owned: ReadonlyMap<string, Owned>): Finding[] {
  const { root, lock, manifest } = home;
  const folder = `${manifest.runtime}/`;
  if (stat(join(root, manifest.runtime))?.isDirectory() !== true) {
    const message = `${folder} is missing: no task runs`;
    return [
      { level: 'broken', code: 'runtime', path: folder, message, remedy: bringBack(call, home, manifest.runtime) },
    ];
  }
  if (!isBehindFolders(root, `${folder}VERSION`)) {
    const message = `${folder} is, or is in, a symbolic link: divvy writes nothing through one, so it cannot be renewed`;
    return [{ level: 'due', code: 'link', path: folder, message, remedy: 'Put a folder in the place of the link.' }];
  }
  const stated = readBefore(root, `${folder}VERSION`)?.bytes.toString('utf8').trim();
  if (stated !== undefined && stated !== lock.runtime) {
    const message = `${LOCK} is of divvy ${lock.runtime}, and ${folder} of ${stated}: they don't belong together`;
    const remedy = `Take both from one commit: git checkout COMMIT -- ${LOCK} ${manifest.runtime}`;
    return [{ level: 'broken', code: 'disagree', path: LOCK, message, remedy }];
  }
  const needed = neededBy(home, owned);
  const all = [...owned.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  const found = all.flatMap((file) => ofFile(call, home, file, needed.get(file.path)));
  const ends = all.filter((file) => standingOf(root, file).standing === 'line-ends');
  return [...found, ...ofLineEnds(ends), ...addedFiles(home, owned).map((path) => added(call, home, path))];
}

function ofFile(call: Call, home: Home, file: Owned, neededIn: string | undefined): Finding[] {
  const { root } = home;
  const { path } = file;
  const { standing } = standingOf(root, file);
  if (standing === 'edited') {
    const remedy = `To see how: ${divvyIn(call, root, 'diff', path)}`;
    return [{ level: 'yours', code: 'edited', path, message: `${path} was edited`, remedy }];
  }
  if (standing === 'no-file') {
    const message = `${path} is a link or a folder, and no file: divvy writes nothing there`;
    const level = path.startsWith(`${home.manifest.runtime}/`) ? 'broken' : 'yours';
    return [{ level, code: 'no-file', path, message, remedy: 'Put a plain file in its place.' }];
  }
  if (standing !== 'missing') return [];
  const remedy = bringBack(call, home, path);
  return neededIn === undefined
    ? [{ level: 'yours', code: 'missing', path, message: `${path} is missing; nothing needs it`, remedy }]
    : [{ level: 'broken', code: 'missing', path, message: `${path} is missing, and ${neededIn} needs it`, remedy }];
}

function ofLineEnds(files: readonly Owned[]): Finding[] {
  const [first, ...more] = files;
  if (first === undefined) return [];
  const which = more.length > 0 ? `${first.path} and ${more.length} more have` : `${first.path} has`;
  const message = `${which} CRLF at the ends of lines: git changed them at checkout. That is no edit, and does no harm`;
  return [{ level: 'note', code: 'line-ends', path: first.path, message, remedy: '' }];
}

const added = (call: Call, { root, manifest }: Home, path: string): Finding => ({
  level: 'yours',
  code: 'added',
  path,
  message: `${path} is not divvy's: somebody put it into ${manifest.runtime}/`,
  remedy: `${divvyIn(call, root, 'upgrade')} leaves it alone.`,
});

/** For each vendored file that others name, one of these. */
function neededBy({ root, manifest, lock }: Home, owned: ReadonlyMap<string, Owned>): Map<string, string> {
  const folder = `${manifest.runtime}/`;
  const loaded = [manifest.import ?? []].flat().filter((name) => name.startsWith('./'));
  const needed = new Map([
    ...loaded.map((name) => [posix.normalize(name), MANIFEST] as const),
    [`${folder}run.mjs`, 'every start of a task'],
    [`${folder}index.ts`, 'every task that imports #divvy'],
    ...partsIn(lock, manifest.runtime).flatMap(({ entry }) =>
      entry ? [[`${folder}${entry.file}`, entry.of] as const] : [],
    ),
  ]);
  for (const { path } of owned.values()) {
    if (!path.startsWith(folder) || !/\.(m?ts|mjs)$/.test(path)) continue;
    for (const name of named(path, readBefore(root, path)?.bytes)) if (!needed.has(name)) needed.set(name, path);
  }
  return needed;
}

/** How a file comes back that divvy had written. */
function bringBack(call: Call, { root, lock, manifest }: Home, path: string): string {
  const git = `git checkout -- ${path}`;
  const [first] = Object.keys(lock.tasks).sort();
  const part = partOf(path.slice(manifest.runtime.length + 1));
  const words = part ? wordsOf(part) : [first ?? ''];
  if (words[0] === '' || lock.runtime !== version || !`${path}/`.startsWith(`${manifest.runtime}/`))
    return `From git: ${git}`;
  return `From git: ${git}. Or as it was released: ${divvyIn(call, root, 'add', ...words)}`;
}

/** What divvy.json and package.json have to say of a part that is there. */
function ofParts(call: Call, { root, lock, manifest }: Home): Finding[] {
  const packages = packagesIn(readBefore(root, PACKAGE_JSON)?.bytes);
  return partsIn(lock, manifest.runtime).flatMap((part) => {
    const found: Finding[] = [];
    const remedy = `To put it there: ${divvyIn(call, root, 'add', ...wordsOf(part))}`;
    const missing = Object.keys(part.dependencies).filter((name) => packages !== undefined && !packages.includes(name));
    if (missing.length > 0) {
      const message = `${PACKAGE_JSON} lacks what ${wordsOf(part).join(' ')} needs: ${missing.join(', ')}`;
      found.push({ level: 'due', code: 'part', path: PACKAGE_JSON, message, remedy });
    }
    const file = loadedAs(part, manifest.runtime);
    if (file !== undefined && ![manifest.import].flat().includes(file)) {
      const message = `"import" in ${MANIFEST} does not name ${file}, so runs load it only with --import`;
      found.push({ level: 'yours', code: 'part', path: MANIFEST, message, remedy });
    }
    return found;
  });
}

/** The packages that a package.json names; undefined if it cannot be read, which ofImports says. */
function packagesIn(packageJson: Buffer | undefined): string[] | undefined {
  try {
    const { dependencies, devDependencies } = parseJson(packageJson ?? '{}') as { readonly [name: string]: object };
    return Object.keys({ ...dependencies, ...devDependencies });
  } catch {
    return undefined;
  }
}

function ofTasks(call: Call, { root, lock }: Home): Finding[] {
  return Object.entries(lock.tasks).flatMap(([task, { files = [] }]) => {
    const gone = files.filter((path) => stat(join(root, path)) === undefined);
    const isTask = gone.find((path) => posix.basename(path).replace(/\.m?ts$/, '') === task);
    if (isTask === undefined) return [];
    const message = `${isTask} is gone, and ${LOCK} still has the task ${task}`;
    const remedy = `To forget the task: ${divvyIn(call, root, 'remove', task)}. To have it back: git checkout -- ${isTask}`;
    return [{ level: 'due' as const, code: 'task', path: isTask, message, remedy }];
  });
}

function ofRelease(call: Call, { root, lock }: Home, advisories: readonly Advisory[]): Finding[] {
  const { runtime, unverified } = lock;
  if (!isVersion(runtime)) {
    const message = `${LOCK} says that the runtime is of version ${JSON.stringify(runtime)}, which is no version`;
    return [
      {
        level: 'broken',
        code: 'version',
        path: LOCK,
        message,
        remedy: `Bring it back from git: git checkout -- ${LOCK}`,
      },
    ];
  }
  const upgrade = divvyIn(call, root, 'upgrade');
  const faults = advisories.filter(({ affected }) => isIn(runtime, affected));
  const found: Finding[] = faults.map(({ id, severity, text, fixed }) => ({
    level: 'due',
    code: 'advisory',
    message: `This copy has a known fault (${id}, ${severity}): ${text}`,
    remedy: `It is mended in ${fixed}: ${isNewer(fixed, version) ? divvyOf(fixed, 'upgrade') : upgrade}`,
  }));
  if (unverified) {
    const message = 'The runtime was put together by an upgrade with --no-verify, and nobody has tried it since';
    found.push({ level: 'due', code: 'unverified', message, remedy: `To try it now: ${upgrade}` });
  }
  if (isNewer(version, runtime)) {
    const message = `The runtime is of divvy ${runtime}, and this is ${version}`;
    found.push({ level: 'note', code: 'older', message, remedy: `To renew it: ${upgrade}` });
  } else if (isNewer(runtime, version)) {
    const message = `The runtime is of divvy ${runtime}, which is newer than this divvy (${version})`;
    found.push({
      level: 'note',
      code: 'newer',
      message,
      remedy: `Use the one that it came from: ${divvyOf(runtime, 'doctor')}`,
    });
  }
  return found;
}

/** Files that say which Node.js a project is for. */
const NODE_FILES = ['.nvmrc', '.node-version'];

function ofNode({ root }: Home): Finding[] {
  const due = (path: string, says: string): Finding => ({
    level: 'due',
    code: 'node',
    path,
    message: `${path} asks for Node.js ${says}, and the runtime needs ${NEEDED}`,
    remedy: `Change it there, and run tasks with a Node.js that the runtime takes.`,
  });
  const found: Finding[] = [];
  for (const path of NODE_FILES) {
    const says = readBefore(root, path)?.bytes.toString('utf8').trim() ?? '';
    const asked = versionAskedFor(says);
    if (asked !== undefined && !isIn(asked, NEEDED)) found.push(due(path, says));
  }
  const range = enginesIn(readBefore(root, PACKAGE_JSON)?.bytes);
  if (range !== undefined && isRange(range) && !doMeet(range, NEEDED)) found.push(due(PACKAGE_JSON, range));
  return found;
}

/** The versions of Node.js that the runtime takes. */
const NEEDED = '^22.18 || ^24.11 || >=26';

function enginesIn(packageJson: Buffer | undefined): string | undefined {
  try {
    const { engines } = parseJson(packageJson ?? '{}') as { readonly engines?: { readonly node?: unknown } };
    return typeof engines?.node === 'string' ? engines.node : undefined;
  } catch {
    return undefined; // ofImports says that it cannot be read.
  }
}
