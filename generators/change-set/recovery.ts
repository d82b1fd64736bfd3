/**
 * What a command that was cut short has left is put right. Each step looks at what is there, so that being cut short once
 * more does no harm.
 *
 *   .divvy/pending is there   the command had not written everything: it is taken back
 *   .divvy/done is there      it had: its record becomes the last, or, after an undo, there is none any more
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
import { sumOf } from '../disk/line-ends.ts';
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
import { sha256 } from './survey.ts';

/** Whether a command that wrote in a project's folder was cut short, or writes just now. */
export const isPending = (root: string): boolean =>
  stat(placesOf(root).pending) !== undefined || stat(placesOf(root).done) !== undefined;

/**
 * Puts right what a command that was cut short has left in a project's folder. Every command that writes does this first,
 * and one that reads a project does it where isPending says so.
 *
 * Returns the command line of what was taken back; undefined where nothing was. Throws a Refusal where another command is
 * at work, or the record is of no use.
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
      // Only then: a command that is refused leaves every file as it is.
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

/** Does something with a folder that was left behind, as its owner; nothing where there is none. */
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
 * Makes what a process has left this one's own, so that no two put it right at once. One that is cut short over that has
 * left its own number in it, a level deeper.
 *
 * Returns where this process's own number is; undefined where nothing was left. Throws a Refusal where the process is at work.
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
    refuseIfOwned(folder); // It may be another one by now.
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

/** A command is over: `.divvy/done` becomes `.divvy/last`. After an undo there is nothing left to be undone. */
export function finish(root: string, { undoes }: Record): void {
  const { done, last } = placesOf(root);
  if (undoes === undefined) {
    removeFolder(last);
    removeFolder(join(done, 'after'));
    renameSync(done, last);
    // Its owner to the end: without one it could be taken for what a command has left.
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

/** Back to how it was before. */
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
  // From here on nothing is left to be put right; cut short, this leaves at most an empty folder.
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
  if (state !== undefined && !state.isFile()) return;
  const now = readBefore(root, path);
  if ((now === undefined ? undefined : sumOf(now.bytes)) !== after?.sha256) return;
  if (before === null) {
    rmSync(join(root, path));
    return;
  }
  const places = placesOf(root);
  const bytes = copyOf(places.pending, before);
  // Written aside and renamed, so that being cut short once more leaves the one or the other.
  const aside = places.after(`${before.file}.back`);
  mkdirSync(places.after(''), { recursive: true });
  writeDurably(aside, bytes, before.mode, now?.owner);
  renameSync(aside, join(root, path));
}

/** The bytes that were kept of a file, in the folder of a record. Throws where they are not those that it names. */
export function copyOf(
  folder: string,
  { sha256: sum, file }: { readonly sha256: string; readonly file: string },
): Buffer {
  const kept = readBefore(join(folder, 'before'), file);
  if (kept === undefined || sha256(kept.bytes) !== sum) throw new Error('the copy that was kept is not whole');
  return kept.bytes;
}

/** `.divvy/` holds the journals of runs too; without any of those, and without an earlier record, it goes. */
export function removeHomeIfUnused(root: string): void {
  const { home } = placesOf(root);
  try {
    if (stat(home)?.isDirectory() !== true || readdirSync(home).some((name) => name !== '.gitignore')) return;
    rmSync(join(home, '.gitignore'), { force: true });
    removeIfEmpty(home); // Not all that is in it: a run that begins just now may have put its journal there.
  } catch {
    // It has gone this moment; or it stays, which harms nobody.
  }
}

/** The project's own folder and those above it that were made for it, as far as they are empty. */
export function removeFolders(root: string, madeAbove: number): void {
  let folder = root;
  for (let count = 0; count < madeAbove; count++) {
    if (!removeIfEmpty(folder)) return;
    folder = dirname(folder);
  }
}
