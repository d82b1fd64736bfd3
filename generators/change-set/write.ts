/**
 * Writes a change set: all of it, or, if anything fails or the process dies, none of it.
 *
 * First everything is staged and recorded in `.divvy/pending`; then one rename moves each file into place. The command
 * is done when `pending` is renamed to `done`, which becomes `.divvy/last`. If a record is still pending, the next
 * command takes it back (recovery.ts).
 *
 * This holds if the process dies. If the machine loses power, it holds for files that existed before, as far as the
 * file system keeps its promises: the copy of the old file and the new file are on the disk before the file is touched.
 * We do not wait for new files to reach the disk, since that would take most of a command's time. So, as with any tool
 * that makes files, a file from the last seconds may be empty after a power cut.
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
import { sha256, sumOf } from '../disk/line-ends.ts';
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
import type { Change, ChangeSet } from './survey.ts';

/**
 * Writes the files and keeps the record. If there are no changes, touches nothing at all.
 *
 * command - the command line, for the record.
 *
 * Holds back signals that come meanwhile until the write is done, which takes milliseconds. Throws a Refusal if it
 * cannot write; everything is then as it was before.
 */
export function write(changeSet: ChangeSet, command: string): void {
  if (changeSet.changes.length === 0) return;
  holdingSignals(() => writeOrTakeBack(changeSet, command));
}

function writeOrTakeBack(changeSet: ChangeSet, command: string): void {
  const { root, changes } = changeSet;
  const places = placesOf(root);
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
    // Nothing was touched yet: if a file is as it should be, somebody else made it so.
    try {
      removeAtOnce(root, places.pending);
    } catch {
      // The person must hear the first error, not this one; the next command removes the folder.
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
      else renameSync(places.after(String(index)), join(root, path));
    }
    for (const folder of record.goneFolders) removeIfEmpty(join(root, folder));
    const isUndo = record.undoes !== undefined;
    const paths = [
      ...changes.filter((change) => !isNew(change, record)).map(({ path }) => path),
      ...(isUndo ? record.madeFolders : []),
    ];
    for (const folder of foldersOf(root, paths)) syncFolder(folder);
    renameSync(places.pending, places.done);
  } catch (error) {
    takeBack(root, record);
    throw error instanceof Refusal ? error : writeFailed(at, inWords(error));
  }
  try {
    syncFolder(places.home);
    keepSums(changeSet);
    finish(root, record);
  } catch {
    // Everything is in place, so the command has succeeded. The next command finishes the record.
  }
}

/** Makes the project's folder and those above it. Returns how many folders it made. */
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

/** Takes the right to write here: only one process can make the folder `pending`. */
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
  // Another command finished between our check of the folder and now.
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
    // Behind a link it would be somebody else's folder.
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
  // Write the record last, and rename it once it is whole: if there is a record, all copies exist; if there is none,
  // nothing was touched.
  const part = `${places.record}.part`;
  writeDurably(part, JSON.stringify(record, null, 2));
  renameSync(part, places.record);
  for (const folder of [places.pending, places.home]) syncFolder(folder);
}

/** Whether a file holds only what this command made. An undo restores what somebody had before. */
const isNew = ({ before }: Change, { undoes }: Record): boolean => before === undefined && undoes === undefined;

/**
 * Somebody may have saved the file since the survey: the copy we keep must be the file that we looked at, so that
 * nothing is lost.
 */
function refuseChanged(root: string, { path, before }: Change): void {
  const isAsBefore = before
    ? readBefore(root, path)?.bytes.equals(before.bytes)
    : (stat(join(root, path))?.isDirectory() ?? true); // The rename itself refuses to replace a folder.
  if (!isAsBefore) throw changedMeanwhile(path);
}

/** The survey checked this too, but somebody could have put a link there since. The rename itself follows no link. */
function refuseLinkedParents(root: string, path: string): void {
  if (!isBehindFolders(root, path)) throw unsafePath(path, 'a folder on the way to it has been replaced');
}
