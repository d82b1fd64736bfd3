// What is as divvy left it, and what is its owner's: edits, line ends, merges, a runtime that a formatter has been at.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { insertionsIn, readLock, textOf } from '../../generators/project/lock.ts';
import { freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { git } from './project.ts';
import { packageJson } from './shapes/proof.ts';
import { contentOf, put, repositoryWith } from './shapes/repository.ts';

const TASK = 'tasks/nightly.ts';
const host = (files = {}) => repositoryWith({ 'package.json': packageJson(), ...files });
const text = (folder: string, path: string): string => readFileSync(join(folder, path), 'utf8');

async function runs(folder: string, ...argv: string[]): Promise<void> {
  const { code, stderr } = await divvyHere(argv, folder);
  expect({ argv, code }, stderr).toEqual({ argv, code: 0 });
}

function commit(folder: string, message = 'mine'): void {
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '--message', message);
}

describe('what its owner has edited stays its owner’s', () => {
  test('a task that a hook was added to afterwards: remove keeps it, with exit 3', async () => {
    const root = host();
    await runs(root, 'add', 'nightly');
    appendFileSync(join(root, TASK), 'export const mine = 1;\n');
    commit(root);
    await runs(root, 'hook', 'add', 'key');
    expect(await divvyHere(['remove', 'nightly'], root)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`${TASK}: it was edited since`),
    });
    expect(text(root, TASK)).toContain('mine = 1');
  });

  test('and add does not take it for what it would write', async () => {
    const root = host();
    await runs(root, 'add', 'nightly');
    appendFileSync(join(root, TASK), 'export const mine = 1;\n');
    commit(root);
    await runs(root, 'hook', 'add', 'key');
    expect(await divvyHere(['add', 'nightly'], root)).toMatchObject({ code: 3 });
    expect(text(root, TASK)).toContain('mine = 1');
  });

  test('a file that divvy made, and put its own line back into when somebody had taken it out', async () => {
    const root = host({ '.prettierrc': '{}\n' });
    await runs(root, 'add', 'nightly');
    writeFileSync(join(root, '.prettierignore'), 'mine/\n');
    commit(root);
    await runs(root, 'add', 'weekly');
    for (const task of ['nightly', 'weekly']) await divvyHere(['remove', task], root);
    expect(text(root, '.prettierignore')).toBe('mine/\n');
  });

  test('what two tasks share stays until the last of them goes', async () => {
    const root = host();
    await runs(root, 'add', 'nightly');
    await runs(root, 'add', 'weekly');
    const lock = text(root, 'divvy.lock.json');
    const sum = readLock(root)?.files['tasks/weekly.ts'];
    writeFileSync(join(root, 'divvy.lock.json'), lock.replace('"tasks/nightly.ts"', `"tasks/weekly.ts":"${sum}",$&`));
    await runs(root, 'remove', 'nightly');
    expect(existsSync(join(root, 'tasks/weekly.ts'))).toBe(true);
  });

  test('a package.json of a new project goes whole, whatever tasks have come and gone, but not with an edit', async () => {
    const home = freshFolder();
    await runs(home, 'create', 'p', '--no-git', '--no-install');
    const root = join(home, 'p');
    await runs(root, 'add', 'weekly');
    await runs(root, 'remove', 'p');
    writeFileSync(
      join(root, 'package.json'),
      text(root, 'package.json').replace('"private"', '"mine": 1,\n  "private"'),
    );
    await runs(root, 'remove', 'weekly');
    expect(Object.keys(treeOf(root, ['.divvy']))).toEqual(['package.json']);
    await runs(root, 'undo');
    writeFileSync(join(root, 'package.json'), text(root, 'package.json').replace('"mine": 1,\n  ', ''));
    await runs(root, 'remove', 'weekly');
    expect(treeOf(root, ['.divvy'])).toEqual({});
  });
});

describe('with core.autocrlf=true', () => {
  /** Made by one person, cloned by another, whose git writes CRLF. */
  async function clone(made: (root: string) => Promise<void>): Promise<string> {
    const root = host({ 'tsconfig.json': '{\n  "exclude": ["dist"]\n}\n' });
    await made(root);
    commit(root);
    const there = freshFolder();
    git(there, 'clone', '--quiet', '--config', 'core.autocrlf=true', root, 'clone');
    const folder = join(there, 'clone');
    expect(text(folder, TASK)).toContain('\r\n');
    return folder;
  }
  const made = async (root: string) => {
    await runs(root, 'add', 'nightly');
    await runs(root, 'hook', 'add', 'key');
  };

  test('add changes nothing, and remove takes all of it', async () => {
    const root = await clone(made);
    const before = contentOf(root);
    await runs(root, 'add', 'nightly');
    expect(contentOf(root)).toEqual(before);
    await runs(root, 'hook', 'remove', 'key');
    await runs(root, 'remove', 'nightly');
    const tree = contentOf(root);
    expect(Object.keys(tree)).toEqual(['.gitignore', 'package.json', 'tsconfig.json']);
    for (const path of ['package.json', 'tsconfig.json']) expect(text(root, path)).not.toMatch(/divvy|(?<!\r)\n/);
  });

  test('what is edited keeps its line ends, the lock too, and undo brings it back', async () => {
    const root = await clone(made);
    const before = contentOf(root);
    await runs(root, 'add', 'weekly');
    for (const path of ['divvy.lock.json', 'package.json']) expect(text(root, path)).not.toMatch(/(?<!\r)\n/);
    await runs(root, 'undo');
    expect(contentOf(root)).toEqual(before);
    await runs(root, 'hook', 'add', 'total');
    expect(text(root, TASK)).not.toMatch(/(?<!\r)\n/);
    await runs(root, 'undo');
    expect(contentOf(root)).toEqual(before);
  });

  test('undo of what was converted since is no edit', async () => {
    const root = host();
    await runs(root, 'add', 'nightly');
    const asBefore = text(root, TASK);
    await runs(root, 'hook', 'add', 'key');
    for (const path of [TASK, 'divvy.lock.json'])
      writeFileSync(join(root, path), text(root, path).replaceAll('\n', '\r\n'));
    await runs(root, 'undo');
    expect(text(root, TASK)).toBe(asBefore.replaceAll('\n', '\r\n'));
  });
});

describe('two branches', () => {
  /** Each adds tasks of its own to the same beginning; scripts in package.json are the host's to merge. */
  async function branches(
    first: readonly string[],
    ours: readonly string[],
    theirs: readonly string[],
  ): Promise<string> {
    const root = host();
    for (const task of first) await runs(root, 'add', task);
    commit(root, 'first');
    git(root, 'branch', 'theirs');
    git(root, 'checkout', '--quiet', '-b', 'ours');
    for (const task of ours) await runs(root, 'add', task, '--hooks', 'key');
    commit(root, 'ours');
    git(root, 'checkout', '--quiet', 'theirs');
    for (const task of theirs) await runs(root, 'add', task);
    commit(root, 'theirs');
    return root;
  }

  /** Merges, and returns the paths that git could not merge. */
  function merge(root: string): string[] {
    try {
      git(root, 'merge', '--quiet', '--message', 'merged', 'ours');
    } catch {
      // A conflict is exit 1.
    }
    return git(root, 'diff', '--name-only', '--diff-filter=U').split('\n').filter(Boolean);
  }

  test.each([
    [['first'], ['nightly'], ['weekly']],
    [['first', 'second'], ['a'], ['b']],
    [['middle'], ['after'], ['zulu']],
    [['middle'], ['alpha', 'beta'], ['users', 'orders']],
  ])('%j: one adds %j, the other %j, and the lock merges', async (first, ours, theirs) => {
    const root = await branches(first, ours, theirs);
    const unmerged = merge(root);
    expect(unmerged.filter((path) => path !== 'package.json')).toEqual([]);
    const scripts = [...first, ...ours, ...theirs].map((task) => [
      `divvy:${task}`,
      `exec node vendor/divvy/run.mjs tasks/${task}.ts`,
    ]);
    put(root, {
      'package.json': packageJson({
        imports: { '#divvy': './vendor/divvy/index.ts' },
        scripts: { test: 'node --test', ...Object.fromEntries(scripts) },
      }),
    });
    commit(root, 'merged');
    const before = contentOf(root);
    expect(Object.keys(readLock(root)?.tasks ?? {}).sort()).toEqual([...first, ...ours, ...theirs].sort());
    await runs(root, 'add', ours[0] ?? '');
    expect(contentOf(root)).toEqual(before);
    for (const task of [...first, ...ours, ...theirs]) await runs(root, 'remove', task);
    expect(Object.keys(contentOf(root))).toEqual(['.gitignore', 'package.json']);
  });

  test('in the same gap: the error says what to do, and doing it helps', async () => {
    // Both names have the same place.
    const root = await branches(['first'], ['main'], ['images']);
    expect(merge(root)).toEqual(['divvy.lock.json', 'package.json']);
    expect((await divvyHere(['add', 'weekly'], root)).stderr).toMatch(
      /package\.json:\d+: git could not merge it: lines \d+ to \d+ still have conflict markers/,
    );
    git(root, 'checkout', '--quiet', '--ours', 'package.json');
    const { code, stderr } = await divvyHere(['add', 'weekly'], root);
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: expect.stringMatching(
        /divvy\.lock\.json:(\d+): git could not merge it: lines \1 to \d+ still have conflict markers\nKeep the lines of both sides/,
      ),
    });
    const undone = await divvyHere(['undo'], root);
    expect(undone).toMatchObject({ code: 3, stderr: expect.stringContaining('still have conflict markers') });
    expect(existsSync(join(root, 'tasks/images.ts')) && existsSync(join(root, 'tasks/main.ts'))).toBe(true);
    const both = text(root, 'divvy.lock.json').replaceAll(/^(<<<<<<<|=======|>>>>>>>).*\n/gm, '');
    writeFileSync(join(root, 'divvy.lock.json'), both);
    expect(Object.keys(readLock(root)?.tasks ?? {}).sort()).toEqual(['first', 'images', 'main']);
  });

  test('where each has put a package in, the lines of both sides are a lock', async () => {
    const root = host();
    await runs(root, 'add', 'nightly');
    const lock = readLock(root);
    if (lock === undefined) throw new Error('there is no lock');
    const known = lock.host?.['package.json']?.insertions ?? [];
    const file = (name: string, ...packages: string[]) => {
      const more = packages.map((key) => ({ at: ['dependencies'], key, value: '1.0.0' }));
      writeFileSync(
        join(root, name),
        textOf({ ...lock, host: { 'package.json': { insertions: [...known, ...more] } } }),
      );
      return name;
    };
    const sides = [file('ours', 'left', 'mine'), file('base', 'left'), file('theirs', 'left', 'yours')];
    git(root, 'merge-file', '--union', ...sides);
    writeFileSync(join(root, 'divvy.lock.json'), text(root, 'ours'));
    const keys = insertionsIn(readLock(root), 'package.json').flatMap((each) => ('key' in each ? [each.key] : []));
    expect(keys).toEqual(expect.arrayContaining(['left', 'mine', 'yours']));
  });

  test('a divvy.json with markers says so', async () => {
    const root = host();
    await runs(root, 'add', 'nightly');
    writeFileSync(join(root, 'divvy.json'), `<<<<<<< HEAD\n${text(root, 'divvy.json')}=======\n{}\n>>>>>>> theirs\n`);
    expect(await divvyHere(['remove', 'nightly'], root)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /git could not merge it: lines 1 to \d+ still have conflict markers\nKeep the side/,
      ),
    });
  });
});

describe('the runtime goes whole or stays whole', () => {
  async function formatted(): Promise<string> {
    const root = host({ 'tsconfig.json': '{\n  "exclude": ["dist"]\n}\n' });
    await runs(root, 'add', 'nightly');
    for (const path of ['vendor/divvy/index.ts', 'vendor/divvy/task/task.ts']) appendFileSync(join(root, path), '\n\n');
    return root;
  }
  const needed = (tree: Record<string, string>) =>
    Object.fromEntries(Object.entries(tree).filter(([path]) => /^(vendor\/|tsconfig|divvy\.json)/.test(path)));

  test('by remove: with it stays what it needs, and once it is put right it may go', async () => {
    const root = await formatted();
    const before = contentOf(root);
    expect(await divvyHere(['remove', 'nightly'], root)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        /vendor\/divvy\/: vendor\/divvy\/\w+\.ts and 1 more were edited since\. The runtime stays whole/,
      ),
    });
    expect(existsSync(join(root, TASK))).toBe(false);
    expect(needed(contentOf(root))).toEqual(needed(before));
    expect(text(root, 'package.json')).toContain('#divvy');
    for (const path of ['vendor/divvy/index.ts', 'vendor/divvy/task/task.ts'])
      writeFileSync(join(root, path), text(root, path).replace(/\n\n$/, ''));
    await runs(root, 'remove', 'nightly');
    expect(Object.keys(contentOf(root))).toEqual(['.gitignore', 'package.json', 'tsconfig.json']);
  });

  test('by remove --force: all of it goes', async () => {
    const root = await formatted();
    await runs(root, 'remove', 'nightly', '--force');
    expect(Object.keys(contentOf(root))).toEqual(['.gitignore', 'package.json', 'tsconfig.json']);
  });

  test('where the lock does not know what was formatted', async () => {
    const root = await formatted();
    const lock = text(root, 'divvy.lock.json').replaceAll(/ +"vendor\/divvy\/(index|task)\.ts": .*\n/g, '');
    writeFileSync(join(root, 'divvy.lock.json'), lock);
    const before = contentOf(root);
    expect((await divvyHere(['remove', 'nightly'], root)).code).toBe(3);
    expect(needed(contentOf(root))).toEqual(needed(before));
  });

  test('by undo', async () => {
    const root = await formatted();
    const vendored = treeOf(join(root, 'vendor'));
    expect(await divvyHere(['undo'], root)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/vendor\/divvy\/: vendor\/divvy\/\w+\.ts and 1 more are not as they were left/),
    });
    expect(treeOf(join(root, 'vendor'))).toEqual(vendored);
  });
});
