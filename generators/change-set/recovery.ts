/**
 * Repairs what a command that was cut short left behind. Each step looks at the disk first, so being cut short again
 * does no harm.
 *
 *   .divvy/pending exists    the command had not written everything: take it back
 *   .divvy/done exists       it had written everything: its record becomes `last`; after an undo no record is left
 */

import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  foldersOf,
  inWords,
  isBehindFolders,
  readBefore,
  removeIfEmpty,
  stat,
  syncFolder,
  writeDurably,
} from '../disk/disk.ts';
import { sha256, sumOf } from '../disk/line-ends.ts';
import { Refusal } from '../terminal/refusal.ts';
import { badRecord, otherCommandAtWork, recoveryFailed, rollBackFailed } from './errors.ts';
import { forgetSums } from './left.ts';
import {
  makeOwn,
  placesOf,
  type Record,
  type RecordedChange,
  readRecord,
  refuseLinks,
  removeAtOnce,
  removeFolder,
  removeLeftAside,
  writerAtWork,
} from './record.ts';
import { holdingSignals } from './signals.ts';

/** Whether a command that wrote in a project's folder was cut short, or is writing right now. */
export const isPending = (root: string): boolean =>
  stat(placesOf(root).pending) !== undefined || stat(placesOf(root).done) !== undefined;

/**
 * Repairs what a command that was cut short left in a project's folder. Every command that writes calls this first, and
 * one that reads a project calls it if isPending returns true.
 *
 * Returns the command line of the command that was taken back; undefined if none was. Throws a Refusal if another
 * command is at work, or if the record is unusable.
 */
export function recover(root: string): string | undefined {
  const { home } = placesOf(root);
  if (stat(home) === undefined) return undefined;
  refuseLinks(root);
  try {
    return holdingSignals(() => {
      removeLeftAside(root);
      const wasCutShort = isPending(root);
      const command = putRight(root);
      // Only now: a command that is refused must leave every file as it is.
      if (wasCutShort) forgetSums(root);
      removeHomeIfUnused(root);
      return command;
    });
  } catch (error) {
    throw error instanceof Refusal ? error : recoveryFailed(inWords(error), home);
  }
}

function putRight(root: string): string | undefined {
  const { pending, done } = placesOf(root);
  withOwn(root, done, () => {
    const record = readRecord(done);
    if (record !== undefined) finish(root, record);
    else removeAtOnce(root, done);
  });
  return withOwn(root, pending, () => {
    const cut = readRecord(pending);
    if (cut !== undefined) takeBack(root, cut);
    else removeAtOnce(root, pending);
    return cut?.command;
  });
}

/** Runs `act` on a folder that was left behind, as its owner; does nothing if there is none. */
function withOwn<Result>(root: string, folder: string, act: () => Result): Result | undefined {
  const recovery = takeOver(root, folder);
  if (recovery === undefined) return undefined;
  try {
    return act();
  } catch (error) {
    removeFolder(recovery);
    throw error;
  }
}

/**
 * Makes this process the owner of a folder that was left behind, so that no two processes repair it at once. A process
 * that was cut short while it repaired has left its own pid in the folder, one level deeper.
 *
 * Returns the folder with this process's own pid; undefined if nothing was left behind. Throws a Refusal if the owner
 * is still at work.
 */
function takeOver(root: string, folder: string): string | undefined {
  if (stat(folder) === undefined) return undefined;
  refuseIfOwned(folder);
  const recovery = join(folder, 'recovery');
  const state = stat(recovery);
  if (state?.isDirectory() === false) throw badRecord(recovery, 'it is not a folder');
  if (state !== undefined) return takeOver(root, recovery);
  try {
    makeOwn(root, recovery);
  } catch (error) {
    if (stat(folder) === undefined) return undefined;
    refuseIfOwned(recovery);
    throw error;
  }
  try {
    refuseIfOwned(folder); // The folder may be a new one by now.
  } catch (error) {
    removeFolder(recovery);
    throw error;
  }
  return recovery;
}

function refuseIfOwned(folder: string): void {
  const pid = writerAtWork(folder);
  if (pid !== undefined) throw otherCommandAtWork(pid, folder);
}

/** Ends a command: `.divvy/done` becomes `.divvy/last`. After an undo, nothing is left to undo. */
export function finish(root: string, { undoes }: Record): void {
  const { done, last } = placesOf(root);
  if (undoes === undefined) {
    removeFolder(last);
    removeFolder(join(done, 'after'));
    renameSync(done, last);
    // Remove the owner last: a folder without one looks like one that a command left behind.
    removeFolder(join(last, 'recovery'));
    rmSync(join(last, 'pid'), { force: true });
    return;
  }
  const madeAbove = undoes === 'all' ? (readRecord(last)?.madeAbove ?? 0) : 0;
  if (undoes === 'all') removeFolder(last);
  removeAtOnce(root, done);
  removeHomeIfUnused(root);
  removeFolders(root, madeAbove);
}

/** Restores everything to its state before the command. */
export function takeBack(root: string, record: Record): void {
  const { pending } = placesOf(root);
  let at = root;
  try {
    for (const folder of record.goneFolders.toReversed()) {
      at = folder;
      if (isBehindFolders(root, folder)) mkdirSync(join(root, folder), { recursive: true });
    }
    for (const change of record.changes) {
      at = change.path;
      takeBackOne(root, change);
    }
    at = root;
    const paths = record.changes.map(({ path }) => path);
    for (const folder of foldersOf(root, paths)) syncFolder(folder);
    for (const folder of record.madeFolders.toReversed()) {
      if (isBehindFolders(root, folder)) removeIfEmpty(join(root, folder));
    }
    removeAtOnce(root, pending);
  } catch (error) {
    throw rollBackFailed(at, inWords(error), pending);
  }
  // From here on there is nothing left to repair; if this is cut short, at most an empty folder stays.
  removeHomeIfUnused(root);
  removeFolders(root, record.madeAbove);
}

/**
 * Touches only files that are still as the command wrote them: any other file was changed by somebody since. A path
 * behind a link is not in the project.
 */
function takeBackOne(root: string, { path, before, after }: RecordedChange): void {
  if (!isBehindFolders(root, path)) return;
  const state = stat(join(root, path));
  if (state !== undefined && !state.isFile()) return;
  const now = readBefore(root, path);
  if ((now === undefined ? undefined : sumOf(now.bytes)) !== after?.sha256) return;
  if (before === null) {
    rmSync(join(root, path));
    return;
  }
  const places = placesOf(root);
  const bytes = copyOf(places.pending, before);
  // Write aside and rename, so that a second crash leaves either the old file or the new one.
  const aside = places.after(`${before.file}.back`);
  mkdirSync(places.after(''), { recursive: true });
  writeDurably(aside, bytes, before.mode, now?.owner);
  renameSync(aside, join(root, path));
}

/** The bytes of a file that the record keeps. Throws if they do not match the sum in the record. */
export function copyOf(
  folder: string,
  { sha256: sum, file }: { readonly sha256: string; readonly file: string },
): Buffer {
  const kept = readBefore(join(folder, 'before'), file);
  if (kept === undefined || sha256(kept.bytes) !== sum) throw new Error('the copy that was kept is not whole');
  return kept.bytes;
}

/** Removes `.divvy/` if it holds no journals of runs and no earlier record. */
export function removeHomeIfUnused(root: string): void {
  const { home } = placesOf(root);
  try {
    if (stat(home)?.isDirectory() !== true || readdirSync(home).some((name) => name !== '.gitignore')) return;
    rmSync(join(home, '.gitignore'), { force: true });
    removeIfEmpty(home); // Not recursively: a run that starts right now may have put its journal there.
  } catch {
    // It disappeared just now; or it stays, which does no harm.
  }
}

/** Removes the project's own folder and those above it that were made for it, as long as they are empty. */
export function removeFolders(root: string, madeAbove: number): void {
  let folder = root;
  for (let count = 0; count < madeAbove; count++) {
    if (!removeIfEmpty(folder)) return;
    folder = dirname(folder);
  }
}
