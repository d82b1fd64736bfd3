// A step after the write fails: the message says what was made, a project or a task.
import { writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { divvy, freshFolder } from './commands.ts';
import { put } from './shapes/repository.ts';

test.each([
  ['project', ['create', 'nightly', '-t', 'csv', '--no-git'], 'cd nightly && npm install'],
  ['task', ['add', 'nightly', '-t', 'csv'], 'npm install'],
])('a %s', async (made, argv, byHand) => {
  const cwd = freshFolder();
  put(cwd, { 'package.json': '{ "type": "module" }\n' });
  writeFileSync(join(cwd, 'npm'), '#!/bin/sh\nexit 7\n', { mode: 0o755 });
  const PATH = [cwd, dirname(process.execPath), process.env['PATH']].join(delimiter);
  const { code, stderr } = await divvy([...argv, '--pm', 'npm'], { cwd, env: { PATH } });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `error: the ${made} is there, but npm install failed: npm ended with exit code 7\nDo it by hand:\n  ${byHand}\n`,
  });
});
