/**
 * An upgrade that waits for its owner to resolve conflicts: `.divvy/upgrade/`. The vendored folder stays as it was meanwhile.
 *
 *   state.json                        a State
 *   base/, mine/, theirs/, merged/    each file with conflicts, by its path; merged/ has the markers, and is what is edited
 */

import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openHome, placesOf, refuseLinks, removeAtOnce, removeFolder } from '../change-set/record.ts';
import { type Before, isBehindFolders, readBefore, stat } from '../disk/disk.ts';
import { asText, sha256 } from '../disk/line-ends.ts';
import { whyUnsafe } from '../disk/paths.ts';
import { parseJson } from '../json/parse.ts';
import { version } from '../package.ts';
import type { Lock } from '../project/lock.ts';
import { isVersion } from '../versions.ts';
import { badPending, otherUpgrade, upgradeTaken } from './errors.ts';
import { type Markers, MIDDLE } from './merge.ts';
import type { Outcome } from './three-way.ts';

export interface PendingFile {
  readonly path: string;
  /** Where it is in the project, if the release moves it. */
  readonly movedFrom?: string;
  /** The sum of the file that is merged, byte for byte; null if there is none. */
  readonly mine: string | null;
  readonly conflicts: number;
  /** Absent if nothing could be marked. */
  readonly markers?: Markers;
  /** How many lines of the file look like the middle of a conflict, and are its owner's or the release's. */
  readonly middles: number;
  readonly reason?: string;
}

/** By task: what its template resolved to, and the answers to it, without secrets. */
export type PendingTasks = {
  readonly [task: string]: { readonly resolved: string; readonly answers: { readonly [name: string]: string } };
};

export interface State {
  readonly format: 1;
  /** The version of divvy that merged: another one may merge otherwise. */
  readonly divvy: string;
  /** What is upgraded. */
  readonly of: { readonly kind: 'runtime' } | { readonly kind: 'templates'; readonly tasks: PendingTasks };
  /** For the runtime, its versions. */
  readonly from: string;
  readonly to: string;
  readonly files: readonly PendingFile[];
}

const SIDES = ['base', 'mine', 'theirs', 'merged'] as const;
export type Side = (typeof SIDES)[number];

/** The folder of the upgrade that waits. */
const pendingFolder = (root: string): string => join(placesOf(root).home, 'upgrade');

/** A task called upgrade may have its journals there: without a state nothing of it is ours. */
export const isUpgradePending = (root: string): boolean => stat(join(pendingFolder(root), STATE)) !== undefined;

const STATE = 'state.json';

/** Whether all of an upgrade that waits is in place already. */
export function isFinished({ of, to }: State, { runtime, tasks }: Lock): boolean {
  if (of.kind === 'runtime') return runtime === to;
  const all = Object.entries(of.tasks);
  return all.every(([task, { resolved }]) => Object.hasOwn(tasks, task) && tasks[task]?.resolved === resolved);
}

/** Saves the conflicts, all at once. Returns the folder. */
export function savePending(
  root: string,
  outcomes: readonly Outcome[],
  about: Pick<State, 'of' | 'from' | 'to'>,
): string {
  openHome(root);
  const { aside } = placesOf(root);
  const folder = pendingFolder(root);
  if (stat(folder) !== undefined) throw isUpgradePending(root) ? otherUpgrade(folder) : upgradeTaken(folder);
  removeFolder(aside);
  mkdirSync(aside);
  try {
    // A folder with this name belongs to this process, and goes if the process dies.
    writeFileSync(join(aside, 'pid'), String(process.pid));
    for (const outcome of outcomes) {
      const { path, base, mine, theirs, after } = outcome;
      const sides = { base, mine: mine?.bytes, theirs, merged: after };
      for (const side of SIDES) {
        const bytes = sides[side];
        if (bytes === undefined) continue;
        const file = join(aside, side, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, bytes);
      }
    }
    const state: State = { format: 1, divvy: version, ...about, files: outcomes.map(pendingFile) };
    writeFileSync(join(aside, STATE), `${JSON.stringify(state, null, 2)}\n`);
    renameSync(aside, folder);
  } catch (error) {
    removeFolder(aside);
    // Of two upgrades at once one is first.
    throw isUpgradePending(root) ? otherUpgrade(folder) : error;
  }
  return folder;
}

function pendingFile({ path, movedFrom, mine, theirs, conflicts, markers, reason }: Outcome): PendingFile {
  // Both may stay.
  const middles = middlesIn(mine?.bytes) + middlesIn(theirs);
  return {
    path,
    ...(movedFrom !== undefined && { movedFrom }),
    mine: mine === undefined ? null : sha256(mine.bytes),
    conflicts,
    ...(markers && { markers }),
    middles,
    ...(reason !== undefined && { reason }),
  };
}

const middlesIn = (bytes: Buffer | undefined): number =>
  (bytes &&
    asText(bytes)
      ?.split('\n')
      .filter((line) => line === MIDDLE).length) ??
  0;

/** The upgrade that waits; undefined if there is none. Throws a Refusal with exit code 3 if it cannot be used. */
export function readPending(root: string): State | undefined {
  refuseLinks(root);
  const folder = pendingFolder(root);
  if (!isUpgradePending(root)) return undefined;
  const file = readBefore(folder, STATE);
  let parsed: unknown;
  try {
    parsed = parseJson(file?.bytes ?? '');
  } catch {
    throw badPending(folder, 'its state.json is not JSON');
  }
  if (!isState(parsed)) throw badPending(folder, 'its state.json is not one of this version');
  const paths = parsed.files.flatMap(({ path, movedFrom = path }) => [path, movedFrom]);
  const unsafe = paths.map((path) => [path, whyUnsafe(path)] as const).find(([, reason]) => reason);
  if (unsafe !== undefined) throw badPending(folder, `${JSON.stringify(unsafe[0])}: ${unsafe[1]}`);
  return parsed;
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';

function isState(value: unknown): value is State {
  return (
    isObject(value) &&
    value['format'] === 1 &&
    ['from', 'to'].every((name) => isText(value[name])) &&
    isText(value['divvy']) &&
    isVersion(value['divvy']) &&
    isSubject(value['of']) &&
    Array.isArray(value['files']) &&
    value['files'].every(isPendingFile)
  );
}

function isSubject(value: unknown): value is State['of'] {
  if (!isObject(value)) return false;
  if (value['kind'] === 'runtime') return true;
  const { kind, tasks } = value;
  const isTask = (task: unknown) =>
    isObject(task) &&
    isText(task['resolved']) &&
    isObject(task['answers']) &&
    Object.values(task['answers']).every(isText);
  return kind === 'templates' && isObject(tasks) && Object.values(tasks).every(isTask);
}

function isPendingFile(value: unknown): value is PendingFile {
  if (!isObject(value)) return false;
  const { path, movedFrom, mine, conflicts, markers, middles, reason } = value;
  return (
    isText(path) &&
    (movedFrom === undefined || isText(movedFrom)) &&
    (mine === null || isText(mine)) &&
    Number.isInteger(conflicts) &&
    Number.isInteger(middles) &&
    (reason === undefined || isText(reason)) &&
    (markers === undefined || (isObject(markers) && ['mine', 'base', 'theirs'].every((name) => isText(markers[name]))))
  );
}

/** A file of one side of the upgrade that waits; undefined if it is not there, or was deleted. */
export function sideOf(root: string, side: Side, path: string): Before | undefined {
  const folder = pendingFolder(root);
  return isBehindFolders(folder, `${side}/${path}`) ? readBefore(folder, `${side}/${path}`) : undefined;
}

/** Whether nothing at all is where a file of one side was. */
export const isDeleted = (root: string, side: Side, path: string): boolean =>
  stat(join(pendingFolder(root), side, path)) === undefined;

/** How many conflicts are still marked in a file: only markers that divvy has put in count. */
export function conflictsLeft({ markers, middles }: PendingFile, merged: Buffer | undefined): number {
  if (markers === undefined || merged === undefined) return 0;
  const lines = merged.toString('utf8').split(/\r?\n/);
  const count = (marker: string) => lines.filter((line) => line === marker).length;
  const ours = [markers.mine, markers.base, markers.theirs].map(count);
  return Math.max(...ours, count(MIDDLE) - middles, 0);
}

/** Forgets the upgrade that waits. */
export function dropPending(root: string): void {
  if (isUpgradePending(root)) removeAtOnce(root, pendingFolder(root));
}
