// A folder or a file of the project that is a mount of its own: nothing can be moved to it, and it is said why.
import fs, { mkdirSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
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
