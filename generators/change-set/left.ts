/**
 * `.divvy/left.sums`: the sums of files that existed before divvy, as divvy's commands have left them. So divvy does
 * not mistake its own uncommitted insertion for the owner's change. The sum does not say who wrote the rest of the
 * file.
 *
 * It belongs to this work tree alone. In divvy.lock.json it would make branches impossible to merge: both have changed
 * package.json, and the merged package.json has the sum of neither.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readBefore, stat } from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import { parseJson } from '../json/parse.ts';
import { placesOf } from './record.ts';
import type { ChangeSet } from './survey.ts';

/** Keeps several sums of each file, because an undo brings an earlier version back. */
const MOST_OF_ONE = 20;

type Sums = ReadonlyMap<string, readonly string[]>;

/** Whether a file is exactly as a command here left it: all of it is in git or was written by divvy. */
export const isAsLeftHere = (root: string, path: string, bytes: Buffer): boolean =>
  readSums(root).get(path)?.includes(sumOf(bytes)) === true;

/** Ignores a file that this code did not write: then git is asked instead, which does no harm. */
function readSums(root: string): Sums {
  const { left } = placesOf(root);
  try {
    if (stat(left)?.isFile() !== true) return new Map();
    const known = Object.entries(parseJson(readFileSync(left)) as object);
    return new Map(known.filter((entry): entry is [string, string[]] => Array.isArray(entry[1])));
  } catch {
    return new Map();
  }
}

/** Call it after a command has written. Forgets each file that has none of its known sums any more. */
export function keepSums({ root, changes, undoes, dirty = [] }: ChangeSet): void {
  const sums = new Map(readSums(root));
  for (const { path, before, after } of changes) {
    if (undoes || !before || !after || dirty.includes(path)) continue;
    sums.set(path, [...new Set([sumOf(after), ...(sums.get(path) ?? [])])].slice(0, MOST_OF_ONE));
  }
  writeSums(root, knownOf(root, sums));
}

/** Call it after taking back a command that was cut short: the files that it had made may be gone. */
export function forgetSums(root: string): void {
  const sums = readSums(root);
  const known = knownOf(root, sums);
  if (known.size < sums.size) writeSums(root, known);
}

function knownOf(root: string, sums: Sums): Sums {
  return new Map(
    [...sums].filter(([path, each]) => {
      const now = readBefore(root, path);
      return now !== undefined && each.includes(sumOf(now.bytes));
    }),
  );
}

function writeSums(root: string, sums: Sums): void {
  const { left } = placesOf(root);
  // Removes the old file first: it could be a link that came with somebody's repository, and we must not write through
  // it.
  rmSync(left, { force: true });
  if (sums.size > 0) writeFileSync(left, JSON.stringify(Object.fromEntries(sums)), { flag: 'wx' });
}
