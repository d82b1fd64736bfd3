// What is there while something is fetched, and that it is gone afterwards.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runBounded } from '../../../generators/programs/processes.ts';
import { LIMITS } from '../../../generators/sources/gathering.ts';
import { inPrivateFolder } from '../../../generators/sources/private-folder.ts';
import { freshFolder } from '../commands.ts';
import { program, settings } from './repositories.ts';

test('nobody else can look into it, and it goes however this ends', async () => {
  let path = '';
  await expect(
    inPrivateFolder(async (folder) => {
      path = folder.path;
      expect(statSync(path).mode & 0o777).toBe(0o700);
      mkdirSync(join(path, 'read-only'));
      writeFileSync(join(path, 'read-only/file'), 'x', { mode: 0o400 });
      throw new Error('on purpose');
    }),
  ).rejects.toThrow('on purpose');
  expect(readdirSync(dirname(path))).not.toContain(path);
  expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
});

test('what fills it without end is stopped', async () => {
  const ended = await inPrivateFolder(({ path, isTooLarge }) => {
    mkdirSync(join(path, 'a/b'), { recursive: true });
    writeFileSync(join(path, 'a/b/pack'), '');
    truncateSync(join(path, 'a/b/pack'), LIMITS.fetchedBytes + 1);
    return runBounded('sleep', ['600'], {
      cwd: path,
      environment: process.env,
      mostBytes: 1,
      seconds: 600,
      signal: isTooLarge,
    });
  });
  expect(ended).toMatchObject({ done: false, isTooMuch: true });
});

test('what comes and goes in it meanwhile ends nothing', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  await inPrivateFolder(async ({ path, isTooLarge }) => {
    const churn = "for (;;) { fs.mkdirSync('a/b/c/d/e', { recursive: true }); fs.rmSync('a', { recursive: true }); }";
    const child = spawn(process.execPath, ['-e', `console.log('begun'); ${churn}`], { cwd: path });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child.stdout, 'data');
    for (let looks = 0; looks < 3000; looks++) vi.advanceTimersByTime(200);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(isTooLarge.aborted).toBe(false);
  });
});

test('what prints without end is stopped, and so is what takes too long', async () => {
  const options = { cwd: '/', environment: process.env, signal: new AbortController().signal };
  const printing = await runBounded('yes', [], { ...options, mostBytes: 1000, seconds: 600 });
  expect(printing).toMatchObject({ done: false, isTooMuch: true });
  const waiting = await runBounded('sleep', ['600'], { ...options, mostBytes: 1000, seconds: 0.1 });
  expect(waiting).toMatchObject({ done: false, isTooMuch: false, reason: 'sleep took longer than 0.1 seconds' });
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('it goes when %s ends the command', async (signal) => {
  const temporary = freshFolder();
  const begun = join(freshFolder(), 'begun');
  const ssh = program(`echo $$ > ${begun}.part; mv ${begun}.part ${begun}; exec sleep 600`);
  const file = join(import.meta.dirname, 'fetch-slowly.ts');
  const child = spawn(process.execPath, [file, 'git+ssh://git@example.org/x'], {
    env: settings({}, { TMPDIR: temporary, GIT_SSH_COMMAND: ssh }),
    stdio: 'ignore',
  });
  const exit = once(child, 'exit');
  const pid = await vi.waitUntil(() => statSync(begun, { throwIfNoEntry: false }) && Number(readFileSync(begun)), {
    timeout: 60_000,
  });
  expect(readdirSync(temporary)).toHaveLength(1);
  child.kill(signal);
  expect(await exit).toEqual([null, signal]);
  expect(readdirSync(temporary)).toEqual([]);
  // What git had started notices nothing: it neither reads nor writes.
  process.kill(Number(pid), 'SIGKILL');
});
