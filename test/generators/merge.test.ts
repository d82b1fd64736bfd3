// The three-way merge, beside `git merge-file`: made-up edits of both sides in real files.
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { changedLines, type Markers, markersFor, merge, type Texts } from '../../generators/vendored/merge.ts';
import { outcomeOf } from '../../generators/vendored/three-way.ts';
import { freshFolder, home } from './commands.ts';

const NAMES: Markers = { mine: 'yours', base: 'divvy 0.1.0', theirs: 'divvy 0.2.0' };

const merged = (texts: Texts) => merge(texts, markersFor(texts, NAMES));

const FILES = globSync('runtime/**/*.ts', { cwd: home })
  .sort()
  .map((path) => readFileSync(join(home, path), 'utf8').split('\n'));

/** Numbers from 0 to below a number, the same ones at each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** A text as somebody leaves it: lines that are changed, new, gone or moved. Each new line names who wrote it. */
function edited(lines: readonly string[], who: string, below: (most: number) => number): string {
  const left = [...lines];
  for (let edit = 0; edit <= below(5); edit++) {
    const at = below(left.length);
    const kind = below(5);
    if (kind === 0) left.splice(at, 1 + below(3));
    else if (kind === 1) left.splice(at, 0, `// ${who} ${edit}`);
    else if (kind === 2) left[at] = `${left[at]} // ${who} ${edit}`;
    else if (kind === 3) left.splice(at, 0, '', `/** ${who} */`, `function ${who}${edit}() {`, '}');
    else left.splice(below(left.length), 0, ...left.splice(at, 2 + below(6)));
  }
  return left.join('\n');
}

function caseOf(seed: number): Texts {
  const below = numbers(seed);
  const lines = FILES[below(FILES.length)] ?? [];
  return { base: lines.join('\n'), mine: edited(lines, 'mine', below), theirs: edited(lines, 'theirs', below) };
}

const CASES = Number(process.env['DIVVY_RUNS'] ?? 600);

test('merges what git does to the same text, and hardly anything else', () => {
  const folder = freshFolder();
  const counts = { same: 0, otherText: 0, conflictOfOurs: 0, conflictOfGit: 0, conflictOfBoth: 0 };
  for (let seed = 0; seed < CASES; seed++) {
    const texts = caseOf(seed);
    for (const [name, text] of Object.entries(texts)) writeFileSync(join(folder, name), text);
    const git = spawnSync('git', ['merge-file', '-p', 'mine', 'base', 'theirs'], { cwd: folder, encoding: 'utf8' });
    const ours = merged(texts);
    if (git.status !== 0 && ours.conflicts > 0) counts.conflictOfBoth++;
    else if (git.status !== 0) counts.conflictOfGit++;
    else if (ours.conflicts > 0) counts.conflictOfOurs++;
    else if (git.stdout === ours.text) counts.same++;
    else counts.otherText++;
  }
  // If one side moved lines, two algorithms may see different lines as moved: so upgrade asks git, where that is there.
  expect(counts.otherText + counts.conflictOfGit).toBeLessThan(CASES / 500);
  // Where it does less than git, upgrade takes git's merge.
  expect(counts.conflictOfOurs).toBeLessThan(CASES / 100);
  expect(counts.same).toBeGreaterThan(CASES / 3);
});

test('where git merges to another text, upgrade takes that: of two equal lines, none is lost', async () => {
  const moved = ['}', '', '/** A */', 'interface A {'];
  const [body, rest] = [
    ['  a', '  b', 'function f() {', '  return 1;'],
    ['', '/** F */', 'function g() {', ''],
  ];
  const base = ['one', ...moved, ...body, '}', ...rest].join('\n');
  const mine = ['one', ...body, '}', ...moved, ...rest].join('\n');
  const theirs = ['one', ...moved, ...body, '', '/** t */', 'function t() {', '}', '}', ...rest].join('\n');
  expect(merged({ base, mine, theirs })).toMatchObject({
    conflicts: 0,
    text: expect.stringMatching(/t\(\) \{\n\}\n\}\n\n/),
  });
  const root = freshFolder();
  writeFileSync(join(root, 'f.ts'), mine);
  const owned = { path: 'f.ts', inRelease: 'f.ts', sum: 'of the base' };
  const merging = {
    root,
    from: NAMES.base,
    to: NAMES.theirs,
    baseOf: async () => Buffer.from(base),
    isOwners: () => false,
  };
  const { kind, after } = await outcomeOf(merging, 'f.ts', owned, Buffer.from(theirs));
  expect([kind, String(after)]).toEqual([
    'merged',
    ['one', ...body, '', '/** t */', 'function t() {', '}', '}', ...moved, ...rest].join('\n'),
  ]);
});

test('loses no line that a side wrote, with or without conflicts', () => {
  for (let seed = 0; seed < CASES; seed++) {
    const texts = caseOf(seed);
    const { text } = merged(texts);
    const there = new Set(text.split('\n'));
    const base = new Set(texts.base.split('\n'));
    const written = [texts.mine, texts.theirs].flatMap((side) =>
      side.split('\n').filter((line) => /mine|theirs/.test(line) && !base.has(line)),
    );
    expect(
      written.filter((line) => !there.has(line)),
      `seed ${seed}`,
    ).toEqual([]);
  }
});

test('where only one side changed something, the merge is that side', () => {
  for (let seed = 0; seed < 300; seed++) {
    const { base, mine } = caseOf(seed);
    expect(merged({ base, mine, theirs: base })).toEqual({ text: mine, conflicts: 0 });
    expect(merged({ base, mine: base, theirs: mine })).toEqual({ text: mine, conflicts: 0 });
    expect(merged({ base, mine, theirs: mine })).toEqual({ text: mine, conflicts: 0 });
  }
});

test('a conflict has both sides and the base, each line once', () => {
  const texts = { base: 'a\nb\nc\n', mine: 'a\nmine\nc\n', theirs: 'a\ntheirs\nc\n' };
  expect(merged(texts)).toEqual({
    text: 'a\n<<<<<<< yours\nmine\n||||||| divvy 0.1.0\nb\n=======\ntheirs\n>>>>>>> divvy 0.2.0\nc\n',
    conflicts: 1,
  });
});

test.each([
  ['', 'a\n', ''],
  ['a', 'a\n', 'a'],
  ['a\nb', 'a\nb\nmine', 'theirs\na\nb'],
  ['constructor\n__proto__\n', 'constructor\n__proto__\nmine\n', 'theirs\nconstructor\n__proto__\n'],
])('a last line without an end, an empty text, names that objects have: %j', (base, mine, theirs) => {
  const folder = freshFolder();
  for (const [name, text] of Object.entries({ base, mine, theirs })) writeFileSync(join(folder, name), text);
  const git = spawnSync('git', ['merge-file', '-p', 'mine', 'base', 'theirs'], { cwd: folder, encoding: 'utf8' });
  const ours = merged({ base, mine, theirs });
  expect({ text: ours.text, isClean: ours.conflicts === 0 }).toEqual({ text: git.stdout, isClean: git.status === 0 });
});

test("a marker is never a line of the owner's", () => {
  const base = 'a\n<<<<<<< yours\n=======\n>>>>>>> divvy 0.2.0\nb\n';
  const texts = { base, mine: base.replace('a', 'mine'), theirs: base.replace('a', 'theirs') };
  const { text, conflicts } = merged(texts);
  expect(conflicts).toBe(1);
  expect(text).toContain("<<<<<<< yours'\nmine\n");
  expect(text).toContain(">>>>>>> divvy 0.2.0'\n");
});

test('counts the lines that changed', () => {
  expect(changedLines('a\nb\nc\n', 'a\nB\nc\nd\n')).toEqual({ added: 2, removed: 1 });
});
