/**
 * The record of a command that writes, in `.divvy/` of the project: it can be put right after a crash, and be undone.
 *
 *   .divvy/.gitignore           so that git ignores the folder
 *   .divvy/pending/             while a command writes; found by the next command only where that one was cut short
 *     pid                       the process that writes
 *     record                    what is changed: a Record
 *     before/0, before/1 …      the bytes of each file that is replaced or removed
 *     after/0, after/1 …        the new bytes, until they are moved into place
 *     recovery/pid              the process that puts it right, where the one that wrote was cut short
 *   .divvy/done/                the same once everything is in place, for as long as it takes to make it the last
 *   .divvy/last/                the same, of the last command that wrote
 *   .divvy/left.sums              what files were like when a command had edited them (left.ts)
 *   .divvy/aside.<pid>/         of one process: what is to be one of these by a rename, or was, and goes
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolders, readWhole, stat } from '../disk/disk.ts';
import { whyUnsafe } from '../disk/paths.ts';
import { parseJson } from '../json/parse.ts';
import { badRecord } from './errors.ts';

export const RECORD_VERSION = 1;

export interface RecordedChange {
  readonly path: string;
  /** null where there was no such file. `file` is the name of the copy of its bytes. */
  readonly before: { readonly sha256: string; readonly mode: number; readonly file: string } | null;
  /** null where the file was removed. Its sum is one that ignores line ends. `mode` where the command set one. */
  readonly after: { readonly sha256: string; readonly mode?: number } | null;
}

export interface Record {
  readonly version: typeof RECORD_VERSION;
  /** The command line, for people. */
  readonly command: string;
  /** How many folders had to be made for the project's own to be there, counted from it upwards. */
  readonly madeAbove: number;
  /** Folders inside the project that had to be made, outer ones first. */
  readonly madeFolders: readonly string[];
  /** Folders inside the project that went, inner ones first. */
  readonly goneFolders: readonly string[];
  readonly changes: readonly RecordedChange[];
  /** It took the command before it back: all of it, or a part. */
  readonly undoes?: 'all' | 'part';
}

export const placesOf = (root: string) => {
  const home = join(root, '.divvy');
  const pending = join(home, 'pending');
  return {
    home,
    pending,
    done: join(home, 'done'),
    last: join(home, 'last'),
    left: join(home, 'left.sums'),
    aside: join(home, `aside.${process.pid}`),
    record: join(pending, 'record'),
    before: (name: string) => join(pending, 'before', name),
    after: (name: string) => join(pending, 'after', name),
  };
};

/** Makes `.divvy/` where it is not there yet. The folder must be one: a link could lead anywhere. */
export function openHome(root: string): void {
  const { home } = placesOf(root);
  refuseLinks(root);
  makeFolders(home);
  if (!existsSync(join(home, '.gitignore'))) writeFileSync(join(home, '.gitignore'), '*\n');
}

/** Throws a Refusal where `.divvy/` or a folder of it is a symbolic link. */
export function refuseLinks(root: string): void {
  const { home, pending, done, last } = placesOf(root);
  const copies = [pending, last].flatMap((folder) => [folder, join(folder, 'before'), join(folder, 'after')]);
  for (const folder of [home, done, ...copies]) {
    if (stat(folder)?.isDirectory() === false) throw badRecord(folder, 'it is not a folder');
  }
}

/**
 * The record in a folder of `.divvy/`; undefined where there is none.
 *
 * A record may have come with somebody else's repository: its paths are checked like those that a command wants.
 * Throws a Refusal where it is of no use.
 */
export function readRecord(folder: string): Record | undefined {
  const file = join(folder, 'record');
  const state = stat(file);
  if (state === undefined) return undefined;
  if (!state.isFile()) throw badRecord(file, 'it is not a file');
  const bytes = readWhole(file);
  let parsed: unknown;
  try {
    parsed = parseJson(bytes);
  } catch (error) {
    throw badRecord(file, `it is not JSON: ${String(error)}`);
  }
  if (!isRecord(parsed)) throw badRecord(file, 'it is not a record of this version');
  for (const path of [...parsed.changes.map((change) => change.path), ...parsed.madeFolders, ...parsed.goneFolders]) {
    const reason = whyUnsafe(path);
    if (reason !== undefined) throw badRecord(file, `${JSON.stringify(path)}: ${reason}`);
  }
  return parsed;
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((text) => typeof text === 'string');
const isMode = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0o777;

function isRecord(value: unknown): value is Record {
  return (
    isObject(value) &&
    value['version'] === RECORD_VERSION &&
    typeof value['command'] === 'string' &&
    Number.isInteger(value['madeAbove']) &&
    isTexts(value['madeFolders']) &&
    isTexts(value['goneFolders']) &&
    [undefined, 'all', 'part'].includes(value['undoes'] as string | undefined) &&
    Array.isArray(value['changes']) &&
    value['changes'].every(isRecordedChange)
  );
}

function isRecordedChange(value: unknown): value is RecordedChange {
  if (!isObject(value) || typeof value['path'] !== 'string') return false;
  const { before, after } = value;
  const isAfter = (it: unknown) =>
    isObject(it) && typeof it['sha256'] === 'string' && (it['mode'] === undefined || isMode(it['mode']));
  const isBefore = (it: unknown) =>
    isObject(it) &&
    typeof it['sha256'] === 'string' &&
    isMode(it['mode']) &&
    typeof it['file'] === 'string' &&
    /^\d+$/.test(it['file']);
  return (before === null || isBefore(before)) && (after === null || isAfter(after)) && (before ?? after) !== null;
}

/** The process that has made a folder its own, where it is another and alive. */
export function writerAtWork(folder: string): number | undefined {
  const file = join(folder, 'pid');
  let pid: number;
  try {
    pid = stat(file)?.isFile() ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  } catch {
    return undefined; // It has gone this moment.
  }
  return pid !== process.pid && isAlive(pid) ? pid : undefined;
}

/** A process of another user is alive too. */
function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Makes a folder of `.divvy/` this process's own: it has the number of the process in it from its first moment on, so that
 * nobody takes it for one that was left behind. Throws where it is there.
 */
export function makeOwn(root: string, folder: string): void {
  const { aside } = placesOf(root);
  removeFolder(aside);
  try {
    mkdirSync(aside);
    writeFileSync(join(aside, 'pid'), String(process.pid));
    renameSync(aside, folder);
  } catch (error) {
    removeFolder(aside);
    throw error;
  }
}

/** Has a folder of `.divvy/` gone in one step, so that nobody finds a part of it, or loses one that has come since. */
export function removeAtOnce(root: string, folder: string): void {
  const { aside } = placesOf(root);
  removeFolder(aside);
  if (stat(folder) === undefined) return;
  renameSync(folder, aside);
  try {
    removeFolder(aside);
  } catch {
    // It is what it was no longer; the next command removes it.
  }
}

/** Removes what processes that are gone have left aside. */
export function removeLeftAside(root: string): void {
  const { home } = placesOf(root);
  for (const name of readdirSync(home)) {
    const [, pid] = /^aside\.(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) removeFolder(join(home, name));
  }
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });
