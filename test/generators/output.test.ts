// Where nobody takes what a command prints.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { cleanEnvironment, commandFile, freshFolder } from './commands.ts';

const LINES = [['--help'], ['list'], ['list', '--json'], ['create', 'my-task', '--diff'], ['create', 'my-task']];

test.each(LINES)('a reader that goes away ends nothing: %s %s %s', async (...argv) => {
  const cwd = freshFolder();
  const words = argv.filter((word) => word !== undefined);
  const child = spawn(process.execPath, [commandFile('divvy'), ...words], { cwd, env: cleanEnvironment() });
  child.stdin.end();
  child.stdout.destroy();
  const said = text(child.stderr);
  const [code] = await once(child, 'close');
  expect({ code, said: words.includes('--json') ? '' : await said }).toEqual({ code: 0, said: '' });
  expect(existsSync(join(cwd, 'my-task/divvy.lock.json'))).toBe(argv[0] === 'create' && !argv.includes('--diff'));
});

test('what cannot be written is told of, with exit 1, and the project is there', async () => {
  const cwd = freshFolder();
  const readOnly = openSync(import.meta.filename, 'r');
  const argv = [commandFile('create-divvy-task'), 'my-task'];
  const child = spawn(process.execPath, argv, { cwd, env: cleanEnvironment(), stdio: ['ignore', readOnly, 'pipe'] });
  closeSync(readOnly);
  const said = child.stderr === null ? '' : await text(child.stderr);
  expect(said).toMatch(/^error: stdout could not be written: .+\n.+\n$/);
  expect(child.exitCode ?? (await once(child, 'exit'))[0]).toBe(1);
  expect(existsSync(join(cwd, 'my-task/divvy.lock.json'))).toBe(true);
});
