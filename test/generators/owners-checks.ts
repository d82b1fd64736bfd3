// The upgrade of a project to a made-up release, and what has to hold of each. What a merge has to give is asked of
// `git merge-file`.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { expect } from 'vitest';
import { treeOf } from './commands.ts';
import { VENDORED } from './owners.ts';
import type { MadeRelease, Said, Tree } from './owners-releases.ts';
import { textOf } from './upgraded.ts';

export const outside = (project: string): Tree => treeOf(project, ['.divvy']);

/** What treeOf says of a file, in parts. */
function fileIn(tree: Tree, path: string): { readonly mode: string; readonly text: string } | undefined {
  const [, mode, text] = /^(\d+) ([\s\S]*)$/.exec(tree[path] ?? '') ?? [];
  return mode === undefined || text === undefined ? undefined : { mode, text };
}

const byLf = (text: string): string => (text.includes('\0') ? text : text.replaceAll('\r\n', '\n'));
const isByCrlf = (text = ''): boolean => text.includes('\r\n') && !/(?<!\r)\n/.test(text);
const isMixed = (text = ''): boolean => text.includes('\r\n') && !isByCrlf(text);

/** What `git merge-file` makes of texts with LF, in latin1; `ours` with each conflict settled for the owner. */
interface OfGit {
  readonly isClean: boolean;
  readonly ours: string;
}

const asked = new Map<string, OfGit>();

function gitMerge(mine: string, base: string, theirs: string): OfGit {
  if (mine === theirs || base === theirs) return { isClean: true, ours: mine };
  if (base === mine) return { isClean: true, ours: theirs };
  const key = JSON.stringify([mine, base, theirs]);
  const known = asked.get(key);
  if (known !== undefined) return known;
  const folder = mkdtempSync(join(tmpdir(), 'divvy-merge-'));
  try {
    for (const [name, text] of Object.entries({ mine, base, theirs }))
      writeFileSync(join(folder, name), text, 'latin1');
    const git = (...argv: readonly string[]) =>
      spawnSync('git', ['merge-file', '-p', ...argv, 'mine', 'base', 'theirs'], { cwd: folder, encoding: 'latin1' });
    const { status, stdout } = git();
    const answer = status === 0 ? { isClean: true, ours: stdout } : { isClean: false, ours: git('--ours').stdout };
    asked.set(key, answer);
    return answer;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An upgrade from one release to another, of a project that was like `before`. */
export interface Step {
  readonly project: string;
  readonly before: Tree;
  readonly from: MadeRelease;
  readonly to: MadeRelease;
  /** All of them, in their order. */
  readonly releases: readonly MadeRelease[];
  readonly run: (release: MadeRelease, argv: readonly string[], cwd: string) => Promise<Said>;
}

const divvy = ({ run, to, project }: Step, ...argv: readonly string[]): Promise<Said> => run(to, argv, project);

/** Where a file of one release is in another. Where a file of the owner's is in that place, it was not moved. */
function placeIn({ before, releases, from, to }: Step, path: string): string {
  const between = releases.slice(releases.indexOf(from) + 1, releases.indexOf(to) + 1);
  const place = between.reduce((now, { renames }) => renames[now] ?? now, path);
  return before[place] === undefined ? place : path;
}

const PROJECT_FILES = ['README.md', 'AGENTS.md', '.gitignore', 'tsconfig.json', 'NOTES.md'];
const STATEMENTS = ['SHA256SUMS', 'VERSION'].map((name) => `${VENDORED}${name}`);

/** The files of a release that divvy renews. */
const owned = ({ fresh }: MadeRelease): string[] =>
  Object.keys(fresh).filter(
    (path) => PROJECT_FILES.includes(path) || (path.startsWith(VENDORED) && !path.endsWith('/')),
  );

const lockedIn = (tree: Tree): { readonly [path: string]: string } =>
  JSON.parse(fileIn(tree, 'divvy.lock.json')?.text ?? '{}').files;

/** The three sides of a file, with LF, and where it was and will be. */
interface Sides {
  readonly was: string;
  readonly path: string;
  readonly base: string | undefined;
  readonly mine: string | undefined;
  readonly theirs: string | undefined;
}

function sidesOf(step: Step): Sides[] {
  const { before, from, to } = step;
  const locked = lockedIn(before);
  const old = owned(from).flatMap((was) => (locked[was] === undefined ? [] : [{ was, path: placeIn(step, was) }]));
  const added = owned(to).filter((path) => !old.some((each) => each.path === path));
  const text = (tree: Tree, path: string) => {
    const file = fileIn(tree, path);
    return file && byLf(file.text);
  };
  return [...old, ...added.map((path) => ({ was: path, path }))].map(({ was, path }) => ({
    was,
    path,
    base: locked[was] === undefined ? undefined : text(from.fresh, was),
    mine: text(before, was),
    theirs: owned(to).includes(path) ? text(to.fresh, path) : undefined,
  }));
}

/** What is not merged line by line, as divvy words it; undefined for everything else. */
function wholeFile({ path, base, mine, theirs }: Sides): RegExp | undefined {
  if (mine === undefined || mine === theirs || STATEMENTS.includes(path)) return undefined;
  if (theirs === undefined) return mine === base ? undefined : /has no such file/;
  // A file that only new projects would get is left to its owner.
  if (base === undefined) return path.startsWith(VENDORED) ? /a file of yours is where the release has one/ : undefined;
  const isText = !mine.includes('\0');
  return isText || base === theirs ? undefined : /it is no text/;
}

/** What has to be there after an upgrade in which every conflict was settled for the owner. `isBack` - it is needed. */
function expectedText(sides: Sides, isBack: boolean): string | undefined {
  const { path, base, mine, theirs } = sides;
  if (STATEMENTS.includes(path)) return theirs;
  if (mine === undefined) return base === undefined || isBack ? theirs : undefined;
  if (wholeFile(sides) !== undefined) return mine;
  if (theirs === undefined) return undefined;
  return base === undefined ? mine : gitMerge(mine, base, theirs).ours;
}

/** The files that a source imports, or names relative to itself. */
const named = (path: string, text: string): string[] =>
  [...text.matchAll(/['"](\.{1,2}\/[^'"\s]+\.(?:ts|mjs))['"]/g)].map(([, name = '']) =>
    posix.join(posix.dirname(path), name),
  );

/**
 * Checks every file of a project whose upgrade was put in place.
 *
 * conflicts - the paths of the conflicts that were settled for the owner.
 */
function checkInPlace(step: Step, after: Tree, conflicts: readonly string[]): void {
  const { before, from, to } = step;
  const all = sidesOf(step);
  const ofRelease = all.filter(({ path }) => path.startsWith(VENDORED) && /\.(ts|mjs)$/.test(path));
  const namedIn = (tree: Tree) => ofRelease.flatMap(({ path }) => named(path, fileIn(tree, path)?.text ?? ''));
  // A file whose importer is in conflict comes back before anybody knows how that will be settled.
  const needed = new Set([...namedIn(after), ...(conflicts.length > 0 ? namedIn(to.fresh) : [])]);
  for (const sides of all) {
    const { was, path } = sides;
    const [mine, now] = [fileIn(before, was), fileIn(after, path)];
    const text = expectedText(sides, needed.has(path));
    // divvy has a conflict in each file in which git has one.
    if (isConflictOfGit(sides)) expect(conflicts).toContain(path);
    if (conflicts.includes(path)) expect(asSettled(now?.text), path).toBe(asSettled(text));
    else expect(isMixed(mine?.text) ? byLf(now?.text ?? '') : now?.text, path).toBe(inLineEndsOf(mine?.text, text));
    if (mine !== undefined) expect(isByCrlf(now?.text), path).toBe(now !== undefined && isByCrlf(mine.text));
    if (now !== undefined) expect(now.mode, path).toBe((mine ?? fileIn(to.fresh, path))?.mode);
    if (was !== path) expect(after[was], `${was} is now ${path}`).toBeUndefined();
  }
  const known = new Set([...all.flatMap(({ was, path }) => [was, path]), 'package.json', 'divvy.lock.json']);
  const others = (tree: Tree) =>
    Object.fromEntries(Object.entries(tree).filter(([path]) => !known.has(path) && !path.endsWith('/')));
  expect(others(after)).toEqual(others(before));
  const renewed = (text: string) =>
    text.replace(`create-divvy-task@${from.version}`, `create-divvy-task@${to.version}`);
  expect(after['package.json']).toBe(renewed(before['package.json'] ?? ''));
  // The sum of a package.json that was edited stays that of the release that wrote it. The owner's notes are not divvy's.
  const lock = (tree: Tree) =>
    byLf(tree['divvy.lock.json'] ?? '').replace(
      /^ {2}"unverified": true,\n|^ {4}"package.json": .*\n|^ {4}"NOTES.md": .*\n/gm,
      '',
    );
  expect(lock(after)).toBe(lock(to.fresh));
}

const inLineEndsOf = (mine: string | undefined, text: string | undefined): string | undefined =>
  isByCrlf(mine) ? text?.replaceAll('\n', '\r\n') : text;

/** With markers every line has an end. */
const asSettled = (text: string | undefined): string | undefined => text && byLf(text).replace(/\n$/, '');

const isConflictOfGit = ({ path, base, mine, theirs }: Sides): boolean =>
  !STATEMENTS.includes(path) &&
  base !== undefined &&
  mine !== undefined &&
  theirs !== undefined &&
  !gitMerge(mine, base, theirs).isClean;

/** The lines that the owner wrote and nobody else are all there. `read` gives a file of a release, with LF. */
function checkLines(all: readonly Sides[], read: (path: string) => string | undefined): void {
  const count = (text: string | undefined) => {
    const counts = new Map<string, number>();
    for (const line of text?.split('\n') ?? []) counts.set(line, (counts.get(line) ?? 0) + 1);
    return counts;
  };
  for (const { path, base, mine, theirs } of all) {
    if (mine === undefined || mine === base || STATEMENTS.includes(path)) continue;
    const [inMine, inBase, inTheirs, now] = [mine, base, theirs, read(path)].map(count);
    const lost = [...(inMine ?? [])].filter(
      ([line, times]) => !inBase?.has(line) && !inTheirs?.has(line) && (now?.get(line) ?? 0) < times,
    );
    expect(lost, path).toEqual([]);
  }
}

interface Conflict {
  readonly path: string;
  readonly reason?: string;
}

/** Checks what divvy says is in conflict, and where it lays it out. Returns the paths. */
function checkConflicts(step: Step, stdout: string): readonly string[] {
  const { project, before } = step;
  expect(outside(project)).toEqual(before);
  const { conflicts } = JSON.parse(stdout) as { readonly conflicts: readonly Conflict[] };
  const all = sidesOf(step);
  const inFolder = (side: string, path: string): string | undefined => {
    const file = join(project, '.divvy/upgrade', side, path);
    return existsSync(file) ? byLf(readFileSync(file, 'latin1')) : undefined;
  };
  for (const { path, reason } of conflicts) {
    const sides = all.find((each) => each.path === path);
    const whole = sides && wholeFile(sides);
    expect([inFolder('mine', path), inFolder('theirs', path)], path).toEqual([sides?.mine, sides?.theirs]);
    if (whole !== undefined) expect(reason, path).toMatch(whole);
    else {
      const [mine = '', base = '', theirs = ''] = ['mine', 'base', 'theirs'].map((side) => inFolder(side, path));
      expect(base).toBe(sides?.base);
      expect(gitMerge(mine, base, theirs).isClean, `${path}: git merges it`).toBe(false);
    }
  }
  checkLines(
    all.filter(({ path }) => conflicts.some((each) => each.path === path)),
    (path) => inFolder('merged', path),
  );
  return conflicts.map(({ path }) => path);
}

/** Settles every conflict for the owner, as somebody would in an editor. */
function settle(project: string): void {
  const { files } = JSON.parse(textOf(project, '.divvy/upgrade/state.json')) as {
    files: { path: string; markers?: { mine: string; base: string; theirs: string } }[];
  };
  for (const { path, markers } of files) {
    const file = join(project, '.divvy/upgrade/merged', path);
    if (markers === undefined) continue;
    let side: 'both' | 'mine' | 'none' = 'both';
    const lines = readFileSync(file, 'utf8').split('\n');
    const kept = lines.filter((line) => {
      const next = { [markers.mine]: 'mine', [markers.base]: 'none', [markers.theirs]: 'both' } as const;
      const isMarker = Object.hasOwn(next, line);
      if (isMarker) side = next[line] ?? side;
      return !isMarker && side !== 'none';
    });
    writeFileSync(file, kept.join('\n'));
  }
}

/** What doctor says differs is what differs. */
export async function checkDoctor(step: Step): Promise<void> {
  const { project, to } = step;
  const now = outside(project);
  const locked = lockedIn(now);
  const text = (tree: Tree, path: string) => byLf(fileIn(tree, path)?.text ?? '');
  const expected = [
    ...owned(to).flatMap((path) => {
      if (locked[path] === undefined) return [];
      if (now[path] === undefined) return [`missing ${path}`];
      return text(now, path) === text(to.fresh, path) ? [] : [`edited ${path}`];
    }),
    ...Object.keys(now)
      .filter((path) => path.startsWith(VENDORED) && !path.endsWith('/') && to.fresh[path] === undefined)
      .map((path) => `added ${path}`),
  ];
  const { stdout } = await divvy(step, 'doctor', '--json');
  const { findings } = JSON.parse(stdout) as { findings: { code: string; path?: string }[] };
  const said = findings.filter(({ code }) => ['edited', 'missing', 'added'].includes(code));
  expect(said.map(({ code, path }) => `${code} ${path}`).sort()).toEqual(expected.sort());
}

/** Upgrading once more says that there is nothing to do, and changes nothing. */
export async function checkAgain(step: Step, ...flags: readonly string[]): Promise<void> {
  const now = outside(step.project);
  const again = await divvy(step, 'upgrade', ...flags);
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  expect(outside(step.project)).toEqual(now);
}

export async function checkUndo(step: Step): Promise<void> {
  const undone = await divvy(step, 'undo');
  expect(undone.code, undone.stderr).toBe(0);
  expect(outside(step.project)).toEqual(step.before);
}

/** How an upgrade ended. */
export interface Upgraded {
  /** How many files had to be settled, and were, for the owner. */
  readonly conflicts: number;
  /** How many files were merged without. */
  readonly merged: number;
  /** Whether what was merged was tried, failed, and was not put in place. */
  readonly isRefused: boolean;
  readonly last: Said;
}

/**
 * Upgrades a project, and checks what became of it. Conflicts are settled for the owner; the upgrade then goes on.
 *
 * flags - the words behind `upgrade`.
 */
export async function upgraded(step: Step, ...flags: readonly string[]): Promise<Upgraded> {
  const { project, before } = step;
  let last = await divvy(step, 'upgrade', '--json', ...flags);
  let conflicts: readonly string[] = [];
  if (last.code === 3) {
    conflicts = checkConflicts(step, last.stdout);
    settle(project);
    last = await divvy(step, 'upgrade', '--json', '--continue', ...flags);
  }
  expect(flags.includes('--no-verify') ? [0] : [0, 1], last.stderr).toContain(last.code);
  if (last.code === 1) {
    expect(outside(project)).toEqual(before);
    if (conflicts.length > 0) expect((await divvy(step, 'upgrade', '--abort')).code).toBe(0);
    return { conflicts: conflicts.length, merged: 0, isRefused: true, last };
  }
  const after = outside(project);
  checkInPlace(step, after, conflicts);
  checkLines(sidesOf(step), (path) => asSettled(fileIn(after, path)?.text));
  const { outcomes } = JSON.parse(last.stdout) as { outcomes: readonly { path: string; outcome: string }[] };
  const merged = outcomes.filter(({ path, outcome }) => outcome === 'merged' && !conflicts.includes(path)).length;
  return { conflicts: conflicts.length, merged, isRefused: false, last };
}

/** A cell of the table of owners and releases. */
export function inShort({ conflicts, merged, isRefused }: Upgraded): string {
  const parts = [
    ...(conflicts > 0 ? [`${conflicts} conflict${conflicts === 1 ? '' : 's'}`] : []),
    ...(isRefused ? ['refused'] : [`${merged} merged`]),
  ];
  return parts.join(', ');
}
