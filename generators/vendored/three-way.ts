/**
 * What a release would change in each of divvy's files: from its base (as released), mine (as it is in the project) and
 * theirs (as the newer release has it).
 *
 *   mine        theirs      result
 *   base        new         theirs
 *   edited      base        mine
 *   edited      new         both, line by line; a conflict where they meet
 *   gone        any         gone, unless a file of the newer release needs it
 *   base        gone        gone
 *   edited      gone        a conflict
 *   another's   new         a conflict, with nothing as its base
 *
 * Line ends count nowhere: all three are compared and merged with LF, and mine keeps its own.
 */

import { posix } from 'node:path';
import { type Before, readBefore } from '../disk/disk.ts';
import { asText, fromText, isSameText, sumOf } from '../disk/line-ends.ts';
import { mergedByGit } from '../programs/git.ts';
import type { Bases } from './base.ts';
import { endedAs, type Markers, markersFor, merge } from './merge.ts';
import { type Home, isStatement, type Owned, ownedFiles, placeOf } from './owned.ts';
import type { Release, Releases } from './releases.ts';

/** What becomes of one file. */
export interface Outcome {
  readonly path: string;
  /** Where it was, if the release moves it. */
  readonly movedFrom?: string;
  readonly kind: 'same' | 'mine' | 'theirs' | 'merged' | 'conflict' | 'added' | 'removed' | 'gone';
  readonly base?: Buffer | undefined;
  readonly mine?: Before | undefined;
  /** As the newer release has it; undefined if it has no such file. */
  readonly theirs?: Buffer | undefined;
  /** What will be there; undefined if nothing. With a conflict, with its markers. */
  readonly after: Buffer | undefined;
  /** How many places cannot be merged. */
  readonly conflicts: number;
  readonly markers?: Markers;
  /** Why it is so, where that is not clear from its kind. */
  readonly reason?: string;
}

/** What is merged, and how the two releases are called. */
export interface Merging {
  readonly root: string;
  /** What the markers call the base and theirs, such as `divvy 0.1.0`. */
  readonly from: string;
  readonly to: string;
  readonly baseOf: (owned: Owned) => Promise<Buffer | undefined>;
  /** Whether a file of the owner's stays where the newer release has one of the same name. */
  readonly isOwners: (path: string) => boolean;
}

interface Sides {
  readonly owned: Owned | undefined;
  readonly base: Buffer | undefined;
  readonly mine: Before | undefined;
  readonly theirs: Buffer | undefined;
}

/**
 * What becomes of each of divvy's files when a project goes from its release to another.
 *
 * Rejects with a Refusal if a file cannot be read.
 */
export async function threeWay(home: Home, bases: Bases, releases: Releases, to: Release): Promise<Outcome[]> {
  const owned = ownedFiles(home, releases);
  const moves = movesOf(releases.between(home.lock.runtime, to.version));
  const merging: Merging = {
    root: home.root,
    from: `divvy ${home.lock.runtime}`,
    to: `divvy ${to.version}`,
    baseOf: (each) => bases.of(each),
    isOwners: (path) => !path.startsWith(`${home.manifest.runtime}/`),
  };
  const outcomes: Outcome[] = [];
  const seen = new Set<string>();
  for (const [inRelease, sum] of Object.entries(to.files)) {
    const path = placeOf(inRelease, home);
    if (path === undefined || isOfTask(home, path)) continue;
    const from = [...owned.values()].find((each) => nowOf(each.inRelease, moves) === inRelease);
    const theirs = await bases.filled(inRelease, sum);
    // Where a file of the owner's is in the way of a move, that is one thing to decide, and what was edited another.
    const isInTheWay = from !== undefined && from.path !== path && isTaken(home.root, path, theirs);
    if (from !== undefined && !isInTheWay) seen.add(from.path);
    outcomes.push(await outcomeOf(merging, path, isInTheWay ? undefined : from, theirs));
  }
  for (const each of owned.values()) {
    if (!seen.has(each.path)) outcomes.push(await outcomeOf(merging, each.path, each, undefined));
  }
  return withNeeded(outcomes, home).sort((a, b) => (a.path < b.path ? -1 : 1));
}

function isTaken(root: string, path: string, theirs: Buffer | undefined): boolean {
  const there = readBefore(root, path);
  return there !== undefined && (theirs === undefined || !isSameText(there.bytes, theirs));
}

const isOfTask = ({ lock }: Home, path: string): boolean =>
  Object.values(lock.tasks).some(({ files = [] }) => files.includes(path));

const movesOf = (releases: readonly Release[]): Release['renames'] =>
  releases.reduce<Release['renames']>((all, { renames }) => {
    const earlier = Object.entries(all).map(([from, to]) => [from, renames[to] ?? to] as const);
    return { ...renames, ...Object.fromEntries(earlier) };
  }, {});

const nowOf = (path: string, moves: Release['renames']): string => moves[path] ?? path;

/**
 * What becomes of one file.
 *
 * owned - the file as the lock has it, perhaps at another path; undefined for a new one.
 * theirs - as the newer release has it; undefined if it has none.
 */
export async function outcomeOf(
  merging: Merging,
  path: string,
  owned: Owned | undefined,
  theirs: Buffer | undefined,
): Promise<Outcome> {
  const { root } = merging;
  const from = owned?.path ?? path;
  const isMoved = from !== path;
  const mine = readBefore(root, from);
  const common = { path, ...(isMoved && { movedFrom: from }), mine, theirs };
  const sides = { owned, base: undefined, mine, theirs };
  if (owned !== undefined && theirs !== undefined && isStatement(owned.inRelease)) {
    return { ...common, kind: mine && isSameText(mine.bytes, theirs) ? 'same' : 'theirs', after: theirs, conflicts: 0 };
  }
  const simple = withoutMerge(sides);
  if (simple !== undefined) return { ...common, conflicts: 0, ...simple };
  if (owned === undefined) {
    if (merging.isOwners(path)) return { ...common, kind: 'mine', after: mine?.bytes, conflicts: 0 };
    return { ...common, ...inConflict(sides, merging) };
  }
  const base = await merging.baseOf(owned);
  return { ...common, base, ...(await merged({ ...sides, base }, merging)) };
}

type Decided = Pick<Outcome, 'kind' | 'after'> & Partial<Outcome>;

/** What becomes of a file that only one side has changed; undefined if both have. */
function withoutMerge({ owned, mine, theirs }: Sides): Decided | undefined {
  if (owned === undefined) {
    if (mine === undefined) return theirs && { kind: 'added', after: theirs };
    return theirs && isSameText(mine.bytes, theirs) ? { kind: 'same', after: mine.bytes } : undefined;
  }
  if (mine === undefined) return { kind: 'gone', after: undefined };
  const isEdited = sumOf(mine.bytes) !== owned.sum;
  if (theirs === undefined) return isEdited ? undefined : { kind: 'removed', after: undefined };
  if (isSameText(mine.bytes, theirs)) return { kind: 'same', after: mine.bytes };
  if (sumOf(theirs) === owned.sum) return { kind: 'mine', after: mine.bytes };
  return isEdited ? undefined : { kind: 'theirs', after: theirs };
}

async function merged(
  sides: Sides & { readonly mine: Before | undefined },
  merging: Merging,
): Promise<Decided & { conflicts: number }> {
  const { base, mine, theirs } = sides;
  const texts = [base, mine?.bytes, theirs].map((bytes) => bytes && asText(bytes));
  if (base === undefined && theirs !== undefined) {
    const reason = `${merging.from} had another one, which is in no place that divvy looks: this package, git, npm`;
    return { ...inConflict(sides, merging), reason };
  }
  if (mine === undefined || texts.includes(undefined)) return inConflict(sides, merging);
  const [inBase = '', inMine = '', inTheirs = ''] = texts;
  const all = { base: inBase, mine: inMine, theirs: inTheirs };
  const markers = markersFor(all, namesOf(merging));
  // Where equal lines stand side by side, one algorithm sees two changes touch, and another does not, or takes two lines for one:
  // git's word counts.
  const byGit = await mergedByGit(all);
  const { text, conflicts } = byGit === undefined ? merge(all, markers) : { text: byGit, conflicts: 0 };
  const kind = conflicts > 0 ? 'conflict' : 'merged';
  return { kind, after: fromText(endedAs(mine.bytes.toString('latin1'), text)), conflicts, markers };
}

const namesOf = ({ from, to }: Merging): Markers => ({ mine: 'yours', base: from, theirs: to });

/** A conflict over the whole file: one side has none, or it is no text. */
function inConflict({ mine, theirs }: Sides, merging: Merging): Decided & { conflicts: number } {
  const [inMine, inTheirs] = [mine?.bytes, theirs].map((bytes) => (bytes === undefined ? '' : asText(bytes)));
  const reason =
    theirs === undefined
      ? `${merging.to} has no such file: leave the file that you want to keep, or delete it`
      : inMine === undefined || inTheirs === undefined
        ? 'it is no text: put the one that you want in its place'
        : 'a file of yours is where the release has one';
  // Of what is no text only one side can be shown.
  if (inMine === undefined || inTheirs === undefined) {
    return { kind: 'conflict', after: mine?.bytes ?? theirs, conflicts: 1, reason };
  }
  const all = { base: '', mine: inMine, theirs: inTheirs };
  const markers = markersFor(all, namesOf(merging));
  const { text, conflicts } = merge(all, markers);
  // Where nothing can be marked, what its owner has stays unless they say otherwise.
  if (conflicts === 0) return { kind: 'conflict', after: mine?.bytes ?? theirs, conflicts: 1, reason };
  return { kind: 'conflict', after: fromText(text), conflicts, markers, reason };
}

/** Files that their owner deleted, and that a file of the release needs, come back. */
function withNeeded(outcomes: readonly Outcome[], { manifest }: Home): Outcome[] {
  const all = [...outcomes];
  for (let again = true; again; ) {
    again = false;
    const needed = namedIn(all, manifest.runtime);
    for (const [index, each] of all.entries()) {
      if (each.kind !== 'gone' || each.theirs === undefined || !needed.has(each.path)) continue;
      all[index] = { ...each, kind: 'added', after: each.theirs, reason: 'you deleted it, and the release needs it' };
      again = true;
    }
  }
  return all;
}

/** Where every run, and every task, begins. */
const ENTRIES = ['run.mjs', 'index.ts'];

/** The files of the runtime that others of it need. */
export function namedIn(outcomes: readonly Outcome[], runtime: string): Set<string> {
  const code = outcomes.filter(
    ({ path, after }) => after !== undefined && path.startsWith(`${runtime}/`) && /\.m?ts$|\.mjs$/.test(path),
  );
  return new Set([
    ...ENTRIES.map((name) => `${runtime}/${name}`),
    ...code.flatMap(({ path, after }) => named(path, after)),
  ]);
}

/** The files that a source names in a string, relative to itself: what it imports, and what it starts. */
export function named(path: string, source: Buffer | undefined): string[] {
  const found = source?.toString('utf8').matchAll(/(['"])(\.{1,2}\/[\w./-]+)\1/g) ?? [];
  return [...found].map(([, , name = '']) => posix.join(posix.dirname(path), name));
}
