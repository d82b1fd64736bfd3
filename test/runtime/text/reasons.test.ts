// Why something went wrong is known to whoever has to mend it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { makeGate, RUNNER, runTask, TaskRun, taskFile } from '../run-task.ts';

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-reasons-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('what nobody caught in a worker is why its item failed: in the hook, on stderr, in the journal', async () => {
  const journal = join(temporary(), 'journal.ndjson');
  const args = ['-n', '1', '--max-crashes', '1', '--journal', journal, '--', 'a,uncaught'];
  const { status, stderr } = await runTask('fills', { args }).ended();
  expect(status).toBe(1);
  expect(stderr).toMatch(/divvy: worker 1 exited .*TypeError: nobody catches a,uncaught/);
  expect(readFileSync(journal, 'utf8')).toMatch(
    /"type":"failed".*"cause":\{"name":"TypeError","message":"nobody catches a,uncaught"/,
  );
  expect(readFileSync(journal, 'utf8')).toMatch(/"message":"the reason"/);
});

test.each([
  ['text', '1'],
  ['a number that nobody asked for', '5'],
  ['JSON that is no answer', '{}'],
])('a task that writes to file descriptor 3 takes its worker down, and not the run: %s', async (_, what) => {
  const args = ['-n', '1', '--max-crashes', '1', '--no-journal', '--', `a,fd3:${what},wait:100000`, 'b'];
  const { status, stderr } = await runTask('fills', { args }).ended();
  expect(status).toBe(1);
  expect(stderr).toMatch(/the task wrote to file descriptor 3/);
  expect(stderr).toMatch(/\b1 done\b/);
});

test('--timeout 0 is no timeout', async () => {
  const args = ['-n', '1', '--timeout', '0', '--no-journal', '--', 'a,wait:50', 'b'];
  expect((await runTask('fills', { args }).ended()).status).toBe(0);
});

test.each([
  ['', []],
  [', two at once', ['-c', '2']],
  [', in this process', ['--inline']],
])('what one item leaves in an AsyncLocalStorage no other finds%s', async (_, options) => {
  const { status, stdout } = await runTask('contexts', { args: ['-n', '1', '--no-journal', ...options] }).ended();
  expect(status).toBe(0);
  expect(stdout.match(/undefined/g)).toHaveLength(10);
});

test('a task file that changes is said once, and recorded', async () => {
  const folder = temporary();
  const task = join(folder, 'gated.ts');
  for (const name of ['gated.ts', 'gate.ts']) copyFileSync(taskFile(name.replace('.ts', '')), join(folder, name));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  const gate = await makeGate();
  const journal = join(folder, 'journal.ndjson');
  const command = [process.execPath, RUNNER, '-n', '1', '--recycle-after', '1', '--journal', journal, task, '3'];
  const run = new TaskRun(command, { env: gate.env });
  await gate.arrived(1);
  writeFileSync(task, readFileSync(task, 'utf8').replace('finished', 'completed'));
  gate.open();
  const { status, stdout, stderr } = await run.ended();
  expect([status, stdout]).toEqual([0, 'finished 1\ncompleted 2\ncompleted 3\n']);
  expect(stderr.match(/the task file has changed/gi)).toHaveLength(1);
  expect(readFileSync(journal, 'utf8').match(/"type":"task changed"/g)).toHaveLength(1);
});

test('an INT while dispatch waits, and nothing is in progress, is not held up by the kill delay', async () => {
  const run = runTask('waiting-dispatch', { args: ['-v', '--kill-after', '1h'] });
  await run.said(/: master \d+,/);
  run.kill('SIGINT');
  expect((await run.ended()).signal).toBe('SIGINT');
});

describe('where the system says no', () => {
  const onlyRoot = test.runIf(process.platform === 'linux' && process.getuid?.() === 0);

  onlyRoot('a full XDG_RUNTIME_DIR: the socket is made elsewhere', async () => {
    const full = join(temporary(), 'full');
    mkdirSync(full);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k,nr_inodes=1', 'tmpfs', full]);
    onTestFinished(() => {
      execFileSync('umount', [full]);
    });
    const args = ['-n', '1', '--no-journal', '--', 'a'];
    expect((await runTask('fills', { args, env: { XDG_RUNTIME_DIR: full } }).ended()).status).toBe(0);
  });

  test('the permission model of Node.js: which flags are missing', async () => {
    const nodeArgs = ['--no-warnings', '--permission', '--allow-fs-read=*'];
    const { status, stderr } = await runTask('fills', { nodeArgs, args: ['--no-journal', '--', 'a'] }).ended();
    expect(status).toBe(2);
    expect(stderr).toMatch(/--permission.*add --allow-child-process --allow-worker/);
  });
});
