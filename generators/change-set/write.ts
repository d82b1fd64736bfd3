/**
 * Writes a change set: all of it, or, where anything fails or the process dies, none of it.
 *
 * Everything is first staged and recorded in `.divvy/pending`; then each file is moved into place by one rename. The
 * command is done when `pending` is renamed to `done`, which becomes `.divvy/last`. A record that is still pending is taken
 * back by the next command (recovery.ts).
 *
 * This holds when the process dies. It holds when the machine loses power for what somebody has had there before, as far
 * as the file system keeps what it says it has: the copy of it, and what takes its place, are on the disk before it is
 * touched. A new file is not waited for, which would be most of the time that a command takes: as with any tool that makes
 * files, one of the last seconds may be empty then.
 */

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  foldersOf,
  inWords,
  isBehindFolders,
  makeFolders,
  readBefore,
  removeIfEmpty,
  stat,
  syncFolder,
  writeDurably,
  writeInTime,
} from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import { foldersAbove } from '../disk/paths.ts';
import { badFolder } from '../terminal/errors.ts';
import { Refusal } from '../terminal/refusal.ts';
import { changedMeanwhile, otherCommandAtWork, unsafePath, writeFailed } from './errors.ts';
import { keepSums } from './left.ts';
import {
  makeOwn,
  openHome,
  placesOf,
  RECORD_VERSION,
  type Record,
  refuseLinks,
  removeAtOnce,
  writerAtWork,
} from './record.ts';
import { finish, removeFolders, removeHomeIfUnused, takeBack } from './recovery.ts';
import { holdingSignals } from './signals.ts';
import { type Change, type ChangeSet, sha256 } from './survey.ts';

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
  holdingSignals(() => writeOrTakeBack(changeSet, command));
}

function writeOrTakeBack(changeSet: ChangeSet, command: string): void {
  const { root, changes } = changeSet;
  const madeAbove = makeRoot(root);
  try {
    claim(root);
  } catch (error) {
    removeHomeIfUnused(root);
    removeFolders(root, madeAbove);
    throw error;
  }
  let record: Record;
  try {
    record = recordOf(changeSet, madeAbove, command);
    stage(root, changes, record);
  } catch (error) {
    // Nothing was touched: a file that is as it was to be has been made so by somebody else.
    try {
      removeAtOnce(root, placesOf(root).pending);
    } catch {
      // What it was not staged for is what the person has to hear; the next command removes it.
    }
    removeHomeIfUnused(root);
    removeFolders(root, madeAbove);
    throw error instanceof Refusal ? error : writeFailed('.divvy', inWords(error));
  }
  let at = '.divvy';
  try {
    for (const folder of record.madeFolders) {
      at = folder;
      mkdirSync(join(root, folder));
    }
    for (const [index, change] of changes.entries()) {
      const { path, after } = change;
      at = path;
      refuseLinkedParents(root, path);
      refuseChanged(root, change);
      if (after === undefined) rmSync(join(root, path));
      else renameSync(placesOf(root).after(String(index)), join(root, path));
    }
    for (const folder of record.goneFolders) removeIfEmpty(join(root, folder));
    const isUndo = record.undoes !== undefined;
    const paths = [
      ...changes.filter((change) => !isNew(change, record)).map(({ path }) => path),
      ...(isUndo ? record.madeFolders : []),
    ];
    for (const folder of foldersOf(root, paths)) syncFolder(folder);
    renameSync(placesOf(root).pending, placesOf(root).done);
  } catch (error) {
    takeBack(root, record);
    throw error instanceof Refusal ? error : writeFailed(at, inWords(error));
  }
  try {
    syncFolder(placesOf(root).home);
    keepSums(changeSet);
    finish(root, record);
  } catch {
    // Everything is in place: the command has done what it was to do. The next one brings its record to its end.
  }
}

/** Makes the project's folder and those above it. Returns how many that were. */
function makeRoot(root: string): number {
  const missing: string[] = [];
  for (let folder = root; stat(folder) === undefined; folder = dirname(folder)) missing.unshift(folder);
  try {
    makeFolders(root);
  } catch (error) {
    for (const folder of missing.toReversed()) removeIfEmpty(folder);
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOENT' ? badFolder(root, 'the system makes no folders there') : writeFailed(root, inWords(error));
  }
  return missing.length;
}

/** Takes the right to write here: the folder `pending` comes to be for one process only. */
function claim(root: string): void {
  const { pending, done } = placesOf(root);
  try {
    openHome(root);
    refuseLinks(root);
    makeOwn(root, pending);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const other = writerAtWork(pending);
    if (other !== undefined) throw otherCommandAtWork(other, pending);
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOTEMPTY' || code === 'EEXIST' ? anotherWasThere() : writeFailed('.divvy', inWords(error));
  }
  // Another one has come to its end between our look at the folder and now.
  if (existsSync(done)) {
    removeAtOnce(root, pending);
    throw anotherWasThere();
  }
}

const anotherWasThere = (): Refusal => writeFailed('.divvy', 'another divvy command was writing here');

function recordOf({ root, changes, goneFolders, undoes }: ChangeSet, madeAbove: number, command: string): Record {
  return {
    version: RECORD_VERSION,
    command,
    madeAbove,
    madeFolders: foldersAbove(changes.map(({ path }) => path)).filter(
      (folder) => stat(join(root, folder)) === undefined,
    ),
    // Behind a link it would be a folder of somebody else's.
    goneFolders: (goneFolders ?? []).filter(
      (folder) => isBehindFolders(root, folder) && stat(join(root, folder))?.isDirectory(),
    ),
    changes: changes.map(({ path, before, after, mode }, index) => ({
      path,
      before: before ? { sha256: sha256(before.bytes), mode: before.mode, file: String(index) } : null,
      after: after ? { sha256: sumOf(after), ...(mode !== undefined && { mode }) } : null,
    })),
    ...(undoes && { undoes }),
  };
}

function stage(root: string, changes: readonly Change[], record: Record): void {
  const places = placesOf(root);
  mkdirSync(places.before(''));
  mkdirSync(places.after(''));
  for (const [index, change] of changes.entries()) {
    const { before, after, mode } = change;
    refuseChanged(root, change);
    if (before) writeDurably(places.before(String(index)), before.bytes);
    if (!after) continue;
    if (isNew(change, record)) writeInTime(places.after(String(index)), after, mode);
    else writeDurably(places.after(String(index)), after, mode ?? before?.mode, before?.owner);
  }
  for (const folder of [places.before(''), places.after('')]) syncFolder(folder);
  // Last, and renamed when it is whole: where there is a record all copies are there, and without one nothing was touched.
  const part = `${places.record}.part`;
  writeDurably(part, JSON.stringify(record, null, 2));
  renameSync(part, places.record);
  for (const folder of [places.pending, places.home]) syncFolder(folder);
}

/** Whether a file holds nothing but what a command has made. What an undo brings back somebody has had before. */
const isNew = ({ before }: Change, { undoes }: Record): boolean => before === undefined && undoes === undefined;

/** Since the survey somebody may have saved the file: what is kept must be what was looked at, and nothing else be lost. */
function refuseChanged(root: string, { path, before }: Change): void {
  const isAsBefore = before
    ? readBefore(root, path)?.bytes.equals(before.bytes)
    : (stat(join(root, path))?.isDirectory() ?? true); // A folder the rename itself refuses.
  if (!isAsBefore) throw changedMeanwhile(path);
}

/** The survey looked at this too; a link could have been put there since. The rename itself follows none. */
function refuseLinkedParents(root: string, path: string): void {
  if (!isBehindFolders(root, path)) throw unsafePath(path, 'a folder on the way to it has been replaced');
}
