/**
 * Writes a change set: all of it, or, where anything fails or the process dies, none of it.
 *
 * Everything is first recorded and staged in `.divvy/pending`; then each file is moved into place by one rename. The
 * command is done when the record is moved to `.divvy/last`. A record that is still pending is taken back by the next
 * command (recover). This holds when the process dies, not when the machine loses power: nothing is flushed to the disk.
 */

import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { otherCommandAtWork, Refusal, rollBackFailed, unsafePath, writeFailed } from '../errors.ts';
import {
  openHome,
  placesOf,
  RECORD_VERSION,
  type Record,
  type RecordedChange,
  readPending,
  refuseLinks,
  removePending,
  writerAtWork,
} from './record.ts';
import { type Change, type ChangeSet, readBefore, sha256, stat } from './survey.ts';

/**
 * Writes the files and keeps the record. With no changes nothing is touched at all.
 *
 * command - the command line, for the record.
 *
 * Signals that come meanwhile are held until it is done, which takes milliseconds.
 * Throws a Refusal where it cannot be done; everything is then as it was before.
 */
export function write(changeSet: ChangeSet, command: string): void {
  if (changeSet.changes.length === 0) return;
  const release = holdSignals();
  try {
    writeOrTakeBack(changeSet, command);
  } finally {
    release();
  }
}

function writeOrTakeBack({ root, changes }: ChangeSet, command: string): void {
  const madeAbove = makeRoot(root);
  try {
    claim(root);
  } catch (error) {
    removeFolders(root, madeAbove);
    throw error;
  }
  const record = recordOf(root, changes, madeAbove, command);
  let at = '.divvy';
  try {
    writeFileSync(placesOf(root).record, JSON.stringify(record, null, 2));
    stage(root, changes, record);
    for (const folder of record.madeFolders) {
      at = folder;
      mkdirSync(join(root, folder));
    }
    for (const [index, { path }] of changes.entries()) {
      at = path;
      refuseLinkedParents(root, path);
      renameSync(placesOf(root).after(String(index)), join(root, path));
    }
    keepRecord(root);
  } catch (error) {
    takeBack(root, record);
    throw error instanceof Refusal ? error : writeFailed(at, (error as Error).message);
  }
}

/** Whether a command that wrote in a project's folder was cut short, or writes just now. */
export const isPending = (root: string): boolean => stat(placesOf(root).pending) !== undefined;

/**
 * Puts right what a command that was cut short has left in a project's folder. Every command that writes does this first,
 * and one that reads a project does it where isPending says so.
 *
 * Returns whether there was anything. Throws a Refusal where another command is at work, or the record is of no use.
 */
export function recover(root: string): boolean {
  if (stat(placesOf(root).home) === undefined) return false;
  refuseLinks(root);
  if (!isPending(root)) {
    removeHomeIfUnused(root);
    return false;
  }
  const pid = writerAtWork(root);
  if (pid !== undefined) throw otherCommandAtWork(pid, placesOf(root).pending);
  const release = holdSignals();
  try {
    const record = readPending(root);
    if (record === undefined) {
      removePending(root);
      removeHomeIfUnused(root);
    } else {
      takeBack(root, record);
    }
  } finally {
    release();
  }
  return true;
}

/** Makes the project's folder and those above it. Returns how many that were. */
function makeRoot(root: string): number {
  const first = mkdirOrRefuse(root);
  if (first === undefined) return 0;
  let made = 1;
  for (let folder = root; folder !== first; folder = dirname(folder)) made++;
  return made;
}

function mkdirOrRefuse(root: string): string | undefined {
  try {
    return mkdirSync(root, { recursive: true });
  } catch (error) {
    throw writeFailed(root, (error as Error).message);
  }
}

/** Takes the right to write here: making the folder `pending` succeeds for one process only. */
function claim(root: string): void {
  try {
    openHome(root);
    refuseLinks(root);
    mkdirSync(placesOf(root).pending);
    writeFileSync(placesOf(root).pid, String(process.pid));
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const pid = writerAtWork(root);
    throw pid === undefined
      ? writeFailed('.divvy', (error as Error).message)
      : otherCommandAtWork(pid, placesOf(root).pending);
  }
}

function recordOf(root: string, changes: readonly Change[], madeAbove: number, command: string): Record {
  return {
    version: RECORD_VERSION,
    command,
    madeAbove,
    madeFolders: missingFolders(root, changes),
    changes: changes.map(({ path, before, after }, index) => ({
      path,
      before: before ? { sha256: sha256(before.bytes), mode: before.mode, file: String(index) } : null,
      after: { sha256: sha256(after) },
    })),
  };
}

function missingFolders(root: string, changes: readonly Change[]): string[] {
  const missing = new Set<string>();
  for (const { path } of changes) {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = parts.slice(0, depth).join('/');
      if (!existsSync(join(root, folder))) missing.add(folder);
    }
  }
  return [...missing];
}

function stage(root: string, changes: readonly Change[], record: Record): void {
  const places = placesOf(root);
  mkdirSync(places.before(''));
  mkdirSync(places.after(''));
  for (const [index, { path, before, after }] of changes.entries()) {
    // Between the survey and now somebody may have saved the file: what is kept must be what was looked at.
    const now = readBefore(root, path);
    const recorded = record.changes[index]?.before;
    if ((now === undefined ? undefined : sha256(now.bytes)) !== recorded?.sha256) {
      throw unsafePath(path, 'it was changed while this command ran');
    }
    if (before) writeFileSync(places.before(String(index)), before.bytes);
    writeFileSync(places.after(String(index)), after);
    if (before) chmodSync(places.after(String(index)), before.mode);
  }
}

/** The survey looked at this too; a link could have been put there since. The rename itself follows none. */
function refuseLinkedParents(root: string, path: string): void {
  if (!isBehindFolders(root, path)) throw unsafePath(path, 'a folder on the way to it has been replaced');
}

/** Whether everything on the way from the root to a path is a folder, and none a link to one. */
function isBehindFolders(root: string, path: string): boolean {
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    if (stat(join(root, folder))?.isDirectory() !== true) return false;
  }
  return true;
}

function keepRecord(root: string): void {
  const { last, pending, pid, after } = placesOf(root);
  rmSync(last, { recursive: true, force: true });
  rmSync(after(''), { recursive: true, force: true });
  rmSync(pid);
  renameSync(pending, last);
}

/** Back to how it was before. It may be cut short too, and be done again: each step looks at what is there. */
function takeBack(root: string, record: Record): void {
  for (const change of record.changes) {
    try {
      takeBackOne(root, change);
    } catch (error) {
      throw rollBackFailed(change.path, (error as Error).message, placesOf(root).pending);
    }
  }
  for (const folder of record.madeFolders.toReversed()) removeIfEmpty(join(root, folder));
  // From here on nothing is left to be put right; cut short, this leaves at most an empty folder.
  removePending(root);
  removeHomeIfUnused(root);
  removeFolders(root, record.madeAbove);
}

/**
 * Only what is ours is touched: a file that holds anything but what the command wrote is somebody's since, and what is
 * behind a link is not in the project.
 */
function takeBackOne(root: string, { path, before, after }: RecordedChange): void {
  if (!isBehindFolders(root, path)) return;
  const state = stat(join(root, path));
  if (state === undefined || !state.isFile()) return;
  if (sha256(readBefore(root, path)?.bytes ?? Buffer.alloc(0)) !== after.sha256) return;
  if (before === null) {
    rmSync(join(root, path));
    return;
  }
  const places = placesOf(root);
  const kept = readBefore(places.before(''), before.file);
  if (kept === undefined || sha256(kept.bytes) !== before.sha256)
    throw new Error('the copy that was kept is not whole');
  // Written aside and renamed, so that being cut short once more leaves the one or the other.
  const aside = places.after(`${before.file}.back`);
  mkdirSync(places.after(''), { recursive: true });
  writeFileSync(aside, kept.bytes);
  chmodSync(aside, before.mode);
  renameSync(aside, join(root, path));
}

/** `.divvy/` holds the journals of runs too; without any of those, and without an earlier record, it goes. */
function removeHomeIfUnused(root: string): void {
  const { home } = placesOf(root);
  if (readdirSync(home).some((name) => name !== '.gitignore')) return;
  rmSync(join(home, '.gitignore'), { force: true });
  removeIfEmpty(home); // Not all that is in it: a run that begins just now may have put its journal there.
}

/** The project's own folder and those above it that were made for it, as far as they are empty. */
function removeFolders(root: string, madeAbove: number): void {
  let folder = root;
  for (let count = 0; count < madeAbove; count++) {
    if (!removeIfEmpty(folder)) return;
    folder = dirname(folder);
  }
}

function removeIfEmpty(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

const HELD = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const held: NodeJS.Signals[] = [];
let holding = 0;
const hold = (signal: NodeJS.Signals) => held.push(signal);

/** INT, TERM and HUP that come meanwhile are raised again afterwards. Returns what ends the holding. */
function holdSignals(): () => void {
  if (holding++ === 0) for (const signal of HELD) process.on(signal, hold);
  return () => {
    // The writing is synchronous: what came meanwhile is delivered when the loop turns, and only then may we let go.
    setImmediate(() => {
      if (--holding > 0) return;
      for (const signal of HELD) process.off(signal, hold);
      const first = held.splice(0)[0];
      if (first !== undefined) process.kill(process.pid, first);
    });
  };
}
