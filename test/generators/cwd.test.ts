// The folder to work in: the current one, or the one that --cwd names.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commandFile, createDivvyTask, divvy, freshFolder, treeOf } from './commands.ts';

const COMMANDS = [
  ...[['create', 'my-task'], ['add', 'nightly'], ['remove', 'nightly'], ['hook', 'add', 'key'], ['undo']],
  ...[
    ['apply', 'plan.json'],
    ['list'],
    ['status'],
    ['runs'],
    ['template', 'list'],
    ['run', 'nightly'],
    ['join', 'nightly'],
  ],
  ...[['doctor'], ['diff'], ['upgrade'], ['eject']],
];

test.each(COMMANDS)('one that is not there, or is a file, is exit 2: %s %s', async (...argv) => {
  const cwd = freshFolder();
  writeFileSync(join(cwd, 'file'), '');
  const before = treeOf(cwd);
  const words = argv.filter((word) => word !== undefined);
  for (const named of ['nowhere', 'file', 'file/below']) {
    const line = ['run', 'join'].includes(words[0] ?? '')
      ? [words[0] ?? '', '-C', named, 'nightly']
      : [...words, '-C', named];
    const { code, stdout, stderr } = await divvy(line, { cwd });
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: '',
      stderr: `error: --cwd "${named}": there is no such folder\nName a folder that exists.\n`,
    });
  }
  expect(treeOf(cwd)).toEqual(before);
});

test('one that may be looked at and not gone into is refused in words, without a stack', async () => {
  const cwd = freshFolder();
  chmodSync(cwd, 0o755);
  mkdirSync(join(cwd, 'locked'));
  chmodSync(join(cwd, 'locked'), 0o444);
  const { code, stdout, stderr } = await divvy(['add', 'nightly', '-C', 'locked'], { cwd, unprivileged: true });
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^error: the system refused: EACCES: .*locked.*\nCheck the permissions.*\n$/);
});

test.each(['create-divvy-task', 'divvy'] as const)('the current one is no longer there: %s', (program) => {
  const gone = join(freshFolder(), 'gone');
  mkdirSync(gone);
  const argv = ['-c', 'rmdir "$PWD" && exec "$0" "$@"', process.execPath, commandFile(program), 'list'];
  const { status, stdout, stderr } = spawnSync('sh', argv, { cwd: gone, encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({
    status: 2,
    stdout: '',
    stderr: 'error: the current folder no longer exists\nChange to another folder, and try again.\n',
  });
});

test.each([['-C', 'below'], ['--cwd', 'below'], ['--cwd=below']])('before the command: %s %s', async (...first) => {
  const cwd = freshFolder();
  mkdirSync(join(cwd, 'below/tasks'), { recursive: true });
  writeFileSync(join(cwd, 'below/divvy.json'), '{ "tasks": "tasks", "runtime": "vendor/divvy" }');
  writeFileSync(join(cwd, 'below/tasks/nightly.ts'), '');
  const named = first.filter((word) => word !== undefined);
  for (const program of [divvy, createDivvyTask]) {
    const { stdout } = await program([...named, 'list', '--json'], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ tasks: [{ name: 'nightly' }] });
    const { code, stderr } = await program([...named, 'run', 'nightly'], { cwd });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('vendor/divvy/run.mjs" is missing') });
  }
});
