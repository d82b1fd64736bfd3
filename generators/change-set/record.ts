/**
 * The record of a command that writes, in `.divvy/` of the project: it can be put right after a crash, and be undone.
 *
 *   .divvy/.gitignore           so that git ignores the folder
 *   .divvy/pending/             while a command writes; found by the next command only where that one was cut short
 *     pid                       the process that writes
 *     record.json               what is changed: a Record
 *     before/0, before/1 …      the bytes of each file that is replaced
 *     after/0, after/1 …        the new bytes, until they are moved into place
 *   .divvy/last/                the same, of the last command that wrote, without pid
 */

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { badRecord } from '../errors.ts';
import { whyUnsafe } from './paths.ts';
import { stat } from './survey.ts';

export const RECORD_VERSION = 1;

export interface RecordedChange {
  readonly path: string;
  /** null where there was no such file. `file` is the name of the copy of its bytes. */
  readonly before: { readonly sha256: string; readonly mode: number; readonly file: string } | null;
  readonly after: { readonly sha256: string };
}

export interface Record {
  readonly version: typeof RECORD_VERSION;
  /** The command line, for people. */
  readonly command: string;
  /** How many folders had to be made for the project's own to be there, counted from it upwards. */
  readonly madeAbove: number;
  /** Folders inside the project that had to be made, outer ones first. */
  readonly madeFolders: readonly string[];
  readonly changes: readonly RecordedChange[];
}

export const placesOf = (root: string) => {
  const home = join(root, '.divvy');
  const pending = join(home, 'pending');
  return {
    home,
    pending,
    last: join(home, 'last'),
    pid: join(pending, 'pid'),
    record: join(pending, 'record.json'),
    before: (name: string) => join(pending, 'before', name),
    after: (name: string) => join(pending, 'after', name),
  };
};

/** Makes `.divvy/` where it is not there yet. The folder must be one: a link could lead anywhere. */
export function openHome(root: string): void {
  const { home } = placesOf(root);
  refuseLinks(root);
  mkdirSync(home, { recursive: true });
  if (!existsSync(join(home, '.gitignore'))) writeFileSync(join(home, '.gitignore'), '*\n');
}

/** Throws a Refusal where `.divvy/` or a folder of it is a symbolic link. */
export function refuseLinks(root: string): void {
  const { home, pending, last } = placesOf(root);
  for (const folder of [home, pending, last, join(pending, 'before'), join(pending, 'after')]) {
    if (stat(folder)?.isDirectory() === false) throw badRecord(folder, 'it is not a folder');
  }
}

/**
 * The record of a command that was cut short; undefined where it got no further than making the folder.
 *
 * A record may have come with somebody else's repository: its paths are checked like those that a command wants.
 */
export function readPending(root: string): Record | undefined {
  const { record } = placesOf(root);
  if (stat(record) === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(record, 'utf8'));
  } catch (error) {
    throw badRecord(record, `it is not JSON: ${String(error)}`);
  }
  if (!isRecord(parsed)) throw badRecord(record, 'it is not a record of this version');
  for (const path of [...parsed.changes.map((change) => change.path), ...parsed.madeFolders]) {
    const reason = whyUnsafe(path);
    if (reason !== undefined) throw badRecord(record, `${JSON.stringify(path)}: ${reason}`);
  }
  return parsed;
}

/** What the last command that wrote here left in each file: their sha256; nothing where there is no record of it. */
export function lastSums(root: string): ReadonlyMap<string, string> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(placesOf(root).last, 'record.json'), 'utf8'));
    return new Map(isRecord(parsed) ? parsed.changes.map(({ path, after }) => [path, after.sha256]) : []);
  } catch {
    return new Map();
  }
}

const isObject = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function isRecord(value: unknown): value is Record {
  return (
    isObject(value) &&
    value['version'] === RECORD_VERSION &&
    Number.isInteger(value['madeAbove']) &&
    Array.isArray(value['madeFolders']) &&
    value['madeFolders'].every((folder) => typeof folder === 'string') &&
    Array.isArray(value['changes']) &&
    value['changes'].every(isRecordedChange)
  );
}

function isRecordedChange(value: unknown): value is RecordedChange {
  if (!isObject(value) || typeof value['path'] !== 'string' || !isObject(value['after'])) return false;
  if (typeof value['after']['sha256'] !== 'string') return false;
  const before = value['before'];
  if (before === null) return true;
  return (
    isObject(before) &&
    typeof before['sha256'] === 'string' &&
    Number.isInteger(before['mode']) &&
    typeof before['file'] === 'string' &&
    /^\d+$/.test(before['file'])
  );
}

/** The process that writes, where it says so and is alive. A process of another user is alive too. */
export function writerAtWork(root: string): number | undefined {
  const { pid: file } = placesOf(root);
  const pid = stat(file)?.isFile() ? Number(readFileSync(file, 'utf8')) : Number.NaN;
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : undefined;
  }
}

export const removePending = (root: string): void => rmSync(placesOf(root).pending, { recursive: true, force: true });
