// Other programs: how they end, and what ends them. As it is bundled, since there most of execa is not.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'rolldown';
import { afterAll, beforeAll, expect, test } from 'vitest';
import config from '../../rolldown.config.ts';

const folder = mkdtempSync(join(tmpdir(), 'divvy-processes-'));
const bundled = join(folder, 'processes.js');
let runTool: typeof import('../../generators/programs/processes.ts').runTool;
let runBounded: typeof import('../../generators/programs/processes.ts').runBounded;

beforeAll(async () => {
  const home = join(import.meta.dirname, '../..');
  const [options] = config as [(typeof config)[0]];
  await build({
    ...options,
    cwd: home,
    input: 'generators/programs/processes.ts',
    output: { ...options.output, dir: folder },
  });
  ({ runTool, runBounded } = await import(bundled));
});

afterAll(() => rmSync(folder, { recursive: true }));

const node = (code: string): [string, string[]] => [process.execPath, ['-e', code]];
const cwd = process.cwd();
const bounded = { cwd, environment: process.env, mostBytes: 1000, seconds: 600, signal: new AbortController().signal };

test('what a tool prints is taken as it is, and what it reads is given to it', async () => {
  const copies = await runTool(...node("process.stdin.pipe(process.stdout); console.error('said')"), {
    cwd,
    input: 'ä\n\n',
  });
  expect(copies).toEqual({ done: true, output: 'ä\n\n' });
  const bytes = await runBounded(...node('process.stdout.write(Buffer.from([0xff, 0, 0x0a]))'), bounded);
  expect(bytes).toEqual({ done: true, output: Buffer.from([0xff, 0, 0x0a]) });
});

test('one that reads nothing of a long input fails by itself only', async () => {
  const input = 'x'.repeat(10_000_000);
  expect(await runTool(...node(''), { cwd, input })).toEqual({ done: true, output: '' });
  const fails = await runTool(...node("console.error('why\\n'); process.exitCode = 3"), { cwd, input });
  expect(fails).toEqual({
    done: false,
    reason: `${process.execPath} ended with exit code 3`,
    said: 'why',
    output: '',
    missing: false,
    exitCode: 3,
  });
});

test('how it ended, in words: by a signal, not there, not to be started', async () => {
  const killed = await runTool(...node("process.kill(process.pid, 'SIGKILL')"), { cwd });
  expect(killed).toMatchObject({ reason: `${process.execPath} ended with SIGKILL`, missing: false });
  const missing = await runTool('divvy-no-such-program', [], { cwd });
  expect(missing).toMatchObject({ reason: 'divvy-no-such-program is not on this machine', missing: true });
  const folder = await runTool(cwd, [], { cwd });
  expect(folder).toMatchObject({ reason: expect.stringContaining(`${cwd} could not be run: `), missing: false });
  const odd = await runTool('git', ['a\0b'], { cwd });
  expect(odd).toMatchObject({ reason: expect.stringContaining('git could not be run: '), missing: false });
  const long = await runTool('git', ['x'.repeat(10_000_000)], { cwd });
  expect(long).toMatchObject({ reason: 'git could not be run: spawn E2BIG', missing: false });
});

test('one that takes too long, or is no longer wanted, is stopped', async () => {
  const waits = node('setInterval(() => {}, 1000)');
  const late = await runBounded(...waits, { ...bounded, seconds: 0.1 });
  expect(late).toMatchObject({ reason: `${process.execPath} took longer than 0.1 seconds`, isTooMuch: false });
  const unwanted = { reason: `${process.execPath} was stopped`, isTooMuch: true, missing: false };
  expect(await runBounded(...waits, { ...bounded, signal: AbortSignal.abort() })).toMatchObject(unwanted);
  const controller = new AbortController();
  const ends = runBounded(...waits, { ...bounded, signal: controller.signal });
  controller.abort();
  expect(await ends).toMatchObject(unwanted);
});

test('one that is not there need not read what it is given', async () => {
  const missing = await runTool('divvy-no-such-program', [], { cwd, input: 'x'.repeat(1_000_000) });
  expect(missing).toMatchObject({ reason: 'divvy-no-such-program is not on this machine', missing: true });
});

test('one that is stopped is not waited for by what it had started', async () => {
  const holder = "require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' })";
  const prints = `console.error(${holder}.pid); setInterval(() => console.error('x'.repeat(100)), 1)`;
  const ended = await runBounded(...node(prints), bounded);
  expect(ended).toMatchObject({ done: false, isTooMuch: true });
  process.kill(Number.parseInt(ended.done ? '' : ended.said, 10), 'SIGKILL');
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s that ends a command ends its tool as well', async (signal) => {
  const waits = "console.error('begun'); setInterval(() => {}, 1000)";
  const runs = `const { runTool } = await import(${JSON.stringify(bundled)});
    await runTool(process.execPath, ['-e', ${JSON.stringify(waits)}], { cwd: '/', show: true })`;
  const command = spawn(process.execPath, ['--input-type=module', '-e', runs], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(command.stderr, 'data');
  command.kill(signal);
  // Its stderr ends only when the tool, which has the same one, is gone.
  expect(await once(command, 'close')).toEqual([null, signal]);
});
