/**
 * `.divvy/left.sums`: the sums of files that were there before, as commands have left them, so that what divvy has put into one
 * and git does not have yet is not taken for its owner's. It says nothing of who wrote the rest of such a file.
 *
 * It is of this work tree alone. In divvy.lock.json two branches could never be merged: both have changed package.json, and
 * what a merge makes of that has the sum of neither.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readBefore, stat } from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import { parseJson } from '../json/parse.ts';
import { placesOf } from './record.ts';
import type { ChangeSet } from './survey.ts';

/** For each file those of the last commands: an undo brings an earlier one back. */
const MOST_OF_ONE = 20;

type Sums = ReadonlyMap<string, readonly string[]>;

/** Whether a file is as some command here has left it, with nothing in it that git did not have or divvy has put there. */
export const isAsLeftHere = (root: string, path: string, bytes: Buffer): boolean =>
  readSums(root).get(path)?.includes(sumOf(bytes)) === true;

/** What is not as it was written by this is forgotten: then git is asked, and no harm is done. */
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

/** After a command has written. A file that is nothing that is known any more is forgotten. */
export function keepSums({ root, changes, undoes, dirty = [] }: ChangeSet): void {
  const sums = new Map(readSums(root));
  for (const { path, before, after } of changes) {
    if (undoes || !before || !after || dirty.includes(path)) continue;
    sums.set(path, [...new Set([sumOf(after), ...(sums.get(path) ?? [])])].slice(0, MOST_OF_ONE));
  }
  writeSums(root, knownOf(root, sums));
}

/** After a command that was cut short: files may have gone that it had made. */
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
  // Never through a link that came with somebody's repository.
  rmSync(left, { force: true });
  if (sums.size > 0) writeFileSync(left, JSON.stringify(Object.fromEntries(sums)), { flag: 'wx' });
}
