/** Reverses the last command that wrote in a project's folder: the result is a change set like any other. */

import { basename, dirname, join } from 'node:path';
import { type Before, isBehindFolders, readBefore, stat } from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import { badRecord } from './errors.ts';
import { placesOf, type Record, type RecordedChange, readRecord, refuseLinks } from './record.ts';
import { copyOf } from './recovery.ts';
import { type ChangeSet, isAsWanted, survey, type Wanted } from './survey.ts';

/** A file that stays as it is, because it is no longer as the command left it. */
export interface Kept {
  readonly path: string;
  readonly reason: string;
}

export interface Reversal extends ChangeSet {
  /** The command line of the command to undo. */
  readonly command: string;
  readonly kept: readonly Kept[];
  /** Whether the command made the project's own folder; then the folder is removed too, if nothing is left in it. */
  readonly madeRoot: boolean;
}

/**
 * The changes that restore everything to its state before the last command; undefined if there is no such command.
 *
 * Keeps a file that was edited since. Throws a Refusal if the record is unusable, or if a file cannot be written.
 */
export function reversalOfLast(root: string): Reversal | undefined {
  refuseLinks(root);
  const { last } = placesOf(root);
  const record = readRecord(last);
  if (record === undefined) return undefined;
  const kept: Kept[] = [];
  const wanted: Wanted[] = [];
  for (const change of record.changes) {
    const decided = decide(root, last, change);
    if (decided === undefined) continue;
    if ('reason' in decided) kept.push(decided);
    else wanted.push(decided);
  }
  for (const folder of wholeFolders(record)) keepWhole(folder, wanted, kept);
  const { added, differing } = survey(root, wanted);
  const changes = [...added, ...differing];
  const goneFolders = record.madeFolders.filter((folder) => isBehindFolders(root, folder)).toReversed();
  return {
    root,
    changes,
    goneFolders,
    undoes: kept.length === 0 ? 'all' : 'part',
    command: record.command,
    kept,
    madeRoot: record.madeAbove > 0,
  };
}

/** The folders that the command made together with a list of all their files: half of such a folder is useless. */
const wholeFolders = ({ changes }: Record): string[] =>
  changes.flatMap(({ path, before }) => (before === null && basename(path) === 'SHA256SUMS' ? [dirname(path)] : []));

/** If one file in the folder is kept, keeps everything that the command put there. */
function keepWhole(folder: string, wanted: Wanted[], kept: Kept[]): void {
  const isInside = ({ path }: { readonly path: string }) => path.startsWith(`${folder}/`);
  const [first, ...more] = kept.filter(isInside);
  if (first === undefined) return;
  const what = more.length > 0 ? `${first.path} and ${more.length} more are not as they were left` : first.path;
  const others = [kept.filter((each) => !isInside(each)), wanted.filter((each) => !isInside(each))] as const;
  const reason = more.length > 0 ? what : `${what}: ${first.reason}`;
  kept.splice(0, kept.length, ...others[0], { path: `${folder}/`, reason: `${reason}. What belongs to it stays too` });
  wanted.splice(0, wanted.length, ...others[1]);
}

/** Decides about one file: nothing to do (undefined), restore it, or keep it. */
function decide(root: string, last: string, change: RecordedChange): Wanted | Kept | undefined {
  const { path, after } = change;
  const isThere = isBehindFolders(root, path);
  if (!isThere && !isFree(root, path)) return { path, reason: 'what is on the way to it is no folder now' };
  const state = isThere ? stat(join(root, path)) : undefined;
  if (state !== undefined && !state.isFile()) return { path, reason: 'something other than a file is there now' };
  const now = state && readBefore(root, path);
  const wanted = wantedBefore(last, change, now);
  if (isAsWanted(wanted, now)) return undefined;
  if (now === undefined) return after === null ? wanted : { path, reason: 'it was removed since' };
  if (sumOf(now.bytes) === after?.sha256) return wanted;
  return { path, reason: after === null ? 'another one is there now' : 'it was edited since' };
}

/** Whether the folders on the way to a path can be made: everything that exists of them is a folder. */
function isFree(root: string, path: string): boolean {
  const folder = dirname(path);
  if (folder === '.') return true;
  const state = stat(join(root, folder));
  return state === undefined ? isFree(root, folder) : state.isDirectory();
}

/** The file before the command: its bytes, and its mode if the command changed it. */
function wantedBefore(last: string, { path, before, after }: RecordedChange, now: Before | undefined): Wanted {
  if (before === null) return { path, after: undefined };
  const mode = now === undefined || after?.mode !== undefined ? before.mode : undefined;
  try {
    return { path, after: copyOf(last, before), mode };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === undefined ? badRecord(last, `${path}: ${message}`) : error;
  }
}
