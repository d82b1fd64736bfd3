/**
 * The record of a command that writes. It is in `.divvy/` of the project, so that divvy can repair things after a crash
 * and undo the command.
 *
 *   .divvy/.gitignore            makes git ignore the folder
 *   .divvy/pending/              exists while a command writes; if a later command finds it, that one was cut short
 *     pid                        the process that writes
 *     record                     what is changed: a Record
 *     before/0, before/1 …       the bytes of each file that is replaced or removed
 *     after/0, after/1 …         the new bytes, until they are moved into place
 *     recovery/pid               the process that repairs after the writing process was cut short
 *   .divvy/done/                 the same folder once everything is in place, until it becomes `last`
 *   .divvy/last/                 the same, of the last command that wrote
 *   .divvy/left.sums             the sums of files after a command edited them (left.ts)
 *   .divvy/aside.<pid>/          belongs to one process: a folder that a rename will move to one of these names, or one
 *                                that was moved away and is being removed
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
  /** null if the file did not exist. `file` is the name of the copy of its bytes. */
  readonly before: { readonly sha256: string; readonly mode: number; readonly file: string } | null;
  /** null if the file was removed. The sum ignores line ends. `mode` only if the command set one. */
  readonly after: { readonly sha256: string; readonly mode?: number } | null;
}

export interface Record {
  readonly version: typeof RECORD_VERSION;
  /** The command line, for people. */
  readonly command: string;
  /** How many folders had to be made on the way to the project: its own and those above it, counted upwards. */
  readonly madeAbove: number;
  /** Folders inside the project that had to be made, outer ones first. */
  readonly madeFolders: readonly string[];
  /** Folders inside the project that were removed, inner ones first. */
  readonly goneFolders: readonly string[];
  readonly changes: readonly RecordedChange[];
  /** Set if this command undid the one before it: all of it, or a part. */
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

/** Makes `.divvy/` if it does not exist yet. It must be a real folder: a link could lead anywhere. */
export function openHome(root: string): void {
  const { home } = placesOf(root);
  refuseLinks(root);
  makeFolders(home);
  if (!existsSync(join(home, '.gitignore'))) writeFileSync(join(home, '.gitignore'), '*\n');
}

/** Throws a Refusal with exit code 1 if `.divvy/` or a folder in it is a symbolic link or a file. */
export function refuseLinks(root: string): void {
  const { home, pending, done, last } = placesOf(root);
  const copies = [pending, last].flatMap((folder) => [folder, join(folder, 'before'), join(folder, 'after')]);
  for (const folder of [home, done, ...copies]) {
    if (stat(folder)?.isDirectory() === false) throw badRecord(folder, 'it is not a folder');
  }
}

/**
 * The record in a folder of `.divvy/`; undefined if there is none.
 *
 * A record may have come with somebody else's repository, so its paths are checked like those of a command. Throws a
 * Refusal with exit code 1 if the record is unusable.
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

/** The process that owns a folder, if it is alive and not this process. */
export function writerAtWork(folder: string): number | undefined {
  const file = join(folder, 'pid');
  let pid: number;
  try {
    pid = stat(file)?.isFile() ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  } catch {
    return undefined; // The folder disappeared just now.
  }
  return pid !== process.pid && isAlive(pid) ? pid : undefined;
}

/** EPERM: the process belongs to another user, and is alive. */
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
 * Makes a folder of `.divvy/` that belongs to this process. It contains the process id from its first moment, so that
 * nobody takes it for one that was left behind. Throws if the folder exists.
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

/**
 * Removes a folder of `.divvy/` in one step, so that nobody finds half of it, and so that a new folder of that name is
 * never removed by mistake.
 */
export function removeAtOnce(root: string, folder: string): void {
  const { aside } = placesOf(root);
  removeFolder(aside);
  if (stat(folder) === undefined) return;
  renameSync(folder, aside);
  try {
    removeFolder(aside);
  } catch {
    // It no longer has its name, so it does no harm; the next command removes the rest.
  }
}

/** Removes the `aside` folders of processes that are gone. */
export function removeLeftAside(root: string): void {
  const { home } = placesOf(root);
  for (const name of readdirSync(home)) {
    const [, pid] = /^aside\.(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !isAlive(Number(pid))) removeFolder(join(home, name));
  }
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true });
