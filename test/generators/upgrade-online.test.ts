// What doctor and upgrade ask npm for, from a registry on loopback: a base that is nowhere else, and newer releases.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Registry, startRegistry } from '../package/registry.ts';
import { cleanEnvironment } from './commands.ts';
import { madeUp } from './made-up.ts';
import { edit, projectOf, RELEASES, run, textOf, threeReleases } from './upgraded.ts';

const THROTTLE = 'vendor/divvy/master/throttle.ts';

const releases = threeReleases();
let registry: Registry;
/** A release that is on npm, and that no later one knows. */
let odd: string;

beforeAll(async () => {
  odd = madeUp(join(releases.folder, 'odd'), {
    version: '0.0.9',
    edits: [['runtime/master/throttle.ts', '/**', '/* Of 0.0.9 alone. */\n/**']],
  });
  const advisory = {
    id: 'DIVVY-7',
    affected: '<0.5.0',
    fixed: '0.5.0',
    severity: 'critical',
    text: 'It may lose a line.',
  };
  const newest = madeUp(join(releases.folder, 'newest'), {
    after: releases.third,
    version: '0.5.0',
    advisories: [advisory],
  });
  registry = await startRegistry();
  for (const command of [odd, newest]) await publish(dirname(dirname(command)));
}, RELEASES);

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

async function publish(at: string): Promise<void> {
  writeFileSync(join(at, '.npmrc'), `//${new URL(registry.url).host}/:_authToken=any\n`);
  // The links and folders of the test are no part of the package.
  const { version, name, bin, files } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'));
  writeFileSync(join(at, 'package.json'), JSON.stringify({ name, version, bin, files, type: 'module' }));
  const argv = ['publish', '--registry', registry.url, '--ignore-scripts', '--provenance=false', '--tag', 'latest'];
  const child = spawn('npm', argv, { cwd: at, env: environment(), stdio: 'pipe' });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(said);
}

/** Of somebody whose packages come from the registry. */
function environment(): NodeJS.ProcessEnv {
  const home = freshHome();
  return cleanEnvironment({ HOME: home, npm_config_registry: registry.url, npm_config_cache: join(home, 'cache') });
}

const freshHome = (): string => mkdtempSync(join(releases.folder, 'home-'));

test('a base that is neither in the package nor in git comes from npm, and is the one that the lock says', async () => {
  const project = await projectOf(odd);
  edit(project, THROTTLE, '/** How long after', '// mine\n/** How long after');
  const ended = await run(releases.second, ['upgrade', '--no-verify'], { cwd: project, env: environment() });
  expect(ended.code, ended.stderr).toBe(0);
  const merged = textOf(project, THROTTLE);
  expect(merged).toContain('// mine\n');
  expect(merged).toContain('= 900;');
  expect(merged).not.toContain('Of 0.0.9 alone');
});

test('without the network it is a conflict that says so', async () => {
  const project = await projectOf(odd);
  edit(project, THROTTLE, '/** How long after', '// mine\n/** How long after');
  const env = { ...environment(), npm_config_registry: 'http://127.0.0.1:9/' };
  expect(await run(releases.second, ['upgrade', '--no-verify'], { cwd: project, env })).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('is in no place that divvy looks: this package, git, npm'),
  });
});

test('doctor asks npm only with --online, and then knows of newer releases and faults', async () => {
  const project = await projectOf(releases.third);
  const before = registry.requests.length;
  expect(await run(releases.third, ['doctor'], { cwd: project, env: environment() })).toMatchObject({ code: 0 });
  expect(registry.requests.length).toBe(before);
  const { code, stdout } = await run(releases.third, ['doctor', '--online'], { cwd: project, env: environment() });
  expect(code).toBe(10);
  expect(stdout).toContain('This copy has a known fault (DIVVY-7, critical): It may lose a line.');
  expect(stdout).toContain('npx --yes --package=create-divvy-task@0.5.0 divvy upgrade');
  expect(stdout).toContain('divvy 0.5.0 is on npm, and the runtime here is of 0.3.0');
});

test('doctor says why npm could not be asked, and does not fail for that', async () => {
  const project = await projectOf(releases.third);
  const env = { ...environment(), npm_config_registry: 'http://127.0.0.1:9/' };
  const { code, stdout } = await run(releases.third, ['doctor', '--online'], { cwd: project, env });
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('npm could not be asked') });
});

test('doctor starts no other program', async () => {
  const project = await projectOf(releases.third);
  const env = { PATH: '/nonexistent' };
  expect(await run(releases.third, ['doctor'], { cwd: project, env })).toMatchObject({ code: 0, stderr: '' });
});
