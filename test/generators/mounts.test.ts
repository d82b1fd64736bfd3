// A folder or a file of the project that is a mount of its own: nothing can be moved to it, and it is said why.
import fs, { mkdirSync, type Stats, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { realRoot, survey } from '../../generators/change-set/survey.ts';
import { write } from '../../generators/change-set/write.ts';
import { freshFolder, treeOf } from './commands.ts';
import { refusal } from './sources/refusal.ts';

/** Does something while nothing can be moved to a path. */
function refusing(path: string, code: string, act: () => void): void {
  const real = fs.renameSync;
  Object.assign(fs, {
    renameSync: (from: string, to: string) => {
      if (to !== path) return real(from, to);
      throw Object.assign(new Error(`${code}: not permitted, rename '${from}' -> '${to}'`), {
        code,
        syscall: 'rename',
      });
    },
  });
  syncBuiltinESMExports();
  try {
    act();
  } finally {
    Object.assign(fs, { renameSync: real });
    syncBuiltinESMExports();
  }
}

test.each([
  ['EXDEV', /"tasks\/a.ts" could not be written: its folder is a mount of its own.*\(EXDEV\)$/],
  ['EBUSY', /"tasks\/a.ts" could not be written: it is in use: a mount of its own.*\(EBUSY\)$/],
])('%s is said in words, and everything is as it was', async (code, words) => {
  const root = realRoot(freshFolder());
  mkdirSync(join(root, 'tasks'));
  writeFileSync(join(root, 'tasks/a.ts'), 'mine');
  const before = treeOf(root);
  const wanted = ['b.ts', 'tasks/a.ts'].map((path) => ({ path, after: Buffer.from('new') }));
  const { added, differing } = survey(root, wanted);
  const { exitCode, message } = await refusal(async () =>
    refusing(join(root, 'tasks/a.ts'), code, () => write({ root, changes: [...added, ...differing] }, 'divvy add')),
  );
  expect([exitCode, message]).toEqual([1, expect.stringMatching(words)]);
  expect(treeOf(root)).toEqual(before);
});

/** Does something where the system says other things of its files than are so. */
function where(other: Partial<typeof fs>, act: () => void): void {
  const real = Object.fromEntries(Object.keys(other).map((name) => [name, fs[name as keyof typeof fs]]));
  Object.assign(fs, other);
  syncBuiltinESMExports();
  try {
    act();
  } finally {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  }
}

describe('what is known of mounts is said before anything is written, by a dry run too:', () => {
  const surveyed = (root: string) => {
    writeFileSync(join(root, 'tasks/same.ts'), 'new');
    // What stays as it is need not be moved.
    survey(root, [{ path: 'tasks/same.ts', after: Buffer.from('new') }]);
    survey(root, [{ path: 'tasks/a b.ts', after: Buffer.from('new') }]);
  };
  const folder = () => {
    const root = realRoot(freshFolder());
    mkdirSync(join(root, 'tasks'));
    writeFileSync(join(root, 'tasks/a b.ts'), 'mine');
    return root;
  };

  test('a folder on another disk', async () => {
    const root = folder();
    const real = fs.lstatSync;
    const lstatSync = ((path: string, options: object) => {
      const state = real(path, options) as Stats | undefined;
      if (state !== undefined && path === join(root, 'tasks')) state.dev += 1;
      return state;
    }) as typeof fs.lstatSync;
    const { exitCode, message } = await refusal(async () => where({ lstatSync }, () => surveyed(root)));
    expect([exitCode, message]).toEqual([
      3,
      expect.stringMatching(/"tasks\/a b.ts" is not written: its folder is a mount/),
    ]);
  });

  test.runIf(process.platform === 'linux').each([
    ['tasks', /"tasks\/a b.ts" is not written: its folder is a mount/],
    ['tasks/a\\040b.ts', /"tasks\/a b.ts" is not written: it is in use: a mount of its own/],
    ['.divvy', /\.divvy is a mount of its own/],
  ])('%s, by what the system has mounted', async (path, words) => {
    const root = folder();
    const real = fs.readFileSync;
    const line = `36 35 98:0 / ${root}/${path} rw,noatime master:1 - ext4 /dev/vda rw\n`;
    const readFileSync = ((file: string, ...rest: []) =>
      file === '/proc/self/mountinfo' ? Buffer.from(line) : real(file, ...rest)) as typeof fs.readFileSync;
    const { exitCode, message } = await refusal(async () => where({ readFileSync }, () => surveyed(root)));
    expect([exitCode, message]).toEqual([3, expect.stringMatching(words)]);
  });
});
