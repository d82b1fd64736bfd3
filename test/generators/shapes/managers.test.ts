// Each package manager, really run: the lock file that it made stays as it is, and holds.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { packagesOf } from '../../../generators/host/workspaces.ts';
import { type Client, clients } from '../../package/clients.ts';
import { divvy } from '../commands.ts';
import { divvyHere } from '../in-process.ts';
import { PACKAGE, packageJson, prove, WITHOUT_EXEC } from './proof.ts';
import { contentOf, put, repositoryWith, runIn } from './repository.ts';

/** Where the package managers have their caches and settings, in place of this machine's. */
const machine = mkdtempSync(join(tmpdir(), 'divvy-machine-'));
afterAll(() => rmSync(machine, { recursive: true, force: true }));
const env = {
  HOME: machine,
  XDG_CACHE_HOME: join(machine, 'cache'),
  XDG_CONFIG_HOME: join(machine, 'config'),
  XDG_DATA_HOME: join(machine, 'data'),
  YARN_ENABLE_TELEMETRY: '0',
};

const client = (name: string): Client => {
  const found = clients.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no client ${name}`);
  return found;
};

/** A workspace whose packages need nothing but each other. */
function workspace(local: string, more: Record<string, string> = {}, fields: object = {}): Record<string, string> {
  return {
    'package.json': packageJson({ private: true, workspaces: ['packages/*'], ...fields }),
    'packages/one/package.json': packageJson({ name: 'one', dependencies: { two: local } }),
    'packages/two/package.json': packageJson({ name: 'two' }),
    ...more,
  };
}

const SETTINGS = 'enableTelemetry: false\nenableGlobalCache: false\n';

const managers: [string, Record<string, string>, string[], string[]][] = [
  ['npm', workspace('*'), ['install', '--offline'], ['ci', '--offline']],
  [
    'pnpm',
    workspace('workspace:*', { 'pnpm-workspace.yaml': "packages:\n  - 'packages/*'\n" }, { workspaces: undefined }),
    ['install', '--offline'],
    ['install', '--offline', '--frozen-lockfile'],
  ],
  ['yarn classic', workspace('1.0.0'), ['install', '--offline'], ['install', '--offline', '--frozen-lockfile']],
  [
    'yarn',
    workspace('workspace:*', { 'yarn.lock': '', '.yarnrc.yml': `nodeLinker: node-modules\n${SETTINGS}` }),
    ['install'],
    ['install', '--immutable'],
  ],
  ['bun', workspace('workspace:*'), ['install'], ['install', '--frozen-lockfile']],
];

describe('in a workspace of', () => {
  test.each(managers)('%s', async (name, files, install, frozen) => {
    const { command } = client(name);
    await prove({
      files,
      within: 'packages/one',
      env,
      prepare: [[...command, ...install]],
      edited: ['npm', 'pnpm'].includes(name) ? PACKAGE : WITHOUT_EXEC,
      run: [...command, 'run', 'divvy:nightly', ...(name === 'npm' ? ['--'] : []), '-n', '2'],
      checks: [[...command, ...frozen]],
    });
  });

  test("yarn with Plug'n'Play: the task and its workers run by it", async () => {
    const { command } = client('yarn');
    await prove({
      files: workspace('workspace:*', { 'yarn.lock': '', '.yarnrc.yml': `nodeLinker: pnp\n${SETTINGS}` }),
      within: 'packages/one',
      env,
      prepare: [[...command, 'install']],
      edited: WITHOUT_EXEC,
      run: [...command, 'run', 'divvy:nightly', '-n', '2'],
      test: [...command, 'node', '--test', 'tasks/nightly.test.ts'],
      checks: [[...command, 'install', '--immutable']],
    });
  });
});

describe('in a workspace of all levels the line that is shown leaves the runtime out, for', () => {
  const ALL = { workspaces: ['packages/**'] };
  const LEFT_OUT = { 'package.json': packageJson({ private: true, workspaces: ['packages/**', '!**/vendor/divvy'] }) };
  const YAML = "packages:\n  - 'packages/**'\n";
  const pnpm = { 'pnpm-workspace.yaml': YAML };
  const inPnpm = { file: '../../pnpm-workspace.yaml', line: "  - '!**/vendor/divvy'" };
  const inPackageJson = { file: '../../package.json', line: '"workspaces": [..., "!**/vendor/divvy"]' };
  const [npmFiles, yarnFiles] = ['npm', 'yarn'].map((name) => managers.find(([each]) => each === name)?.[1] ?? {});
  const allLevels = { ...LEFT_OUT, 'package.json': packageJson({ private: true, ...ALL }) };

  test.each<[string, Record<string, string>, object, Record<string, string>]>([
    ['npm', { ...npmFiles, ...allLevels }, inPackageJson, LEFT_OUT],
    ['yarn', { ...yarnFiles, ...allLevels }, inPackageJson, LEFT_OUT],
    [
      'pnpm',
      workspace('workspace:*', pnpm, { workspaces: undefined }),
      inPnpm,
      { 'pnpm-workspace.yaml': `${YAML}${inPnpm.line}\n` },
    ],
  ])('%s', async (name, files, hint, byHand) => {
    const { command } = client(name);
    const [, , install = [], frozen = []] = managers.find(([each]) => each === name) ?? [];
    const root = repositoryWith(files);
    const ran = await runIn(root, [...command, ...install], env);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
    const lockFile = ['package-lock.json', 'yarn.lock', 'pnpm-lock.yaml'].find((file) => existsSync(join(root, file)));
    const before = readFileSync(join(root, lockFile ?? ''), 'utf8');

    const added = await divvyHere(['add', 'nightly', '--json'], join(root, 'packages/one'));
    expect(added, added.stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(added.stdout).byHand).toEqual([hint]);
    put(root, byHand);
    const now = await runIn(root, [...command, ...frozen], env);
    expect(now, now.stdout + now.stderr).toMatchObject({ code: 0 });
    expect(readFileSync(join(root, lockFile ?? ''), 'utf8')).toBe(before);
    // Once it is written nothing is shown, and the runtime is offered as a package to nobody.
    const again = await divvyHere(['add', 'weekly', '--json'], join(root, 'packages/one'));
    expect(JSON.parse(again.stdout).byHand).toEqual([]);
  });
});

test('a workspace that takes in its own runtime is told to leave it out, and as it was when the task goes', async () => {
  const lists = { list: ['packages/*', 'vendor/*'], form: { packages: ['**'] }, said: ['**', '!vendor/**'] };
  const now = {
    list: [...lists.list, '!**/vendor/divvy'],
    form: { packages: ['**', '!**/vendor/divvy'] },
    said: lists.said,
  };
  for (const name of ['list', 'form', 'said'] as const) {
    const text = packageJson({ workspaces: lists[name] });
    const root = repositoryWith({ 'package.json': text });
    expect(await divvyHere(['add', 'nightly', '-C', '.'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).workspaces).toEqual(now[name]);
    expect(packagesOf(root)).toEqual([]);
    expect(await divvyHere(['remove', 'nightly', '--allow-dirty'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(join(root, 'package.json'), 'utf8')).toBe(text);
  }
});

describe('the package manager is that of', () => {
  const within = 'packages/one';
  const files = { 'package.json': packageJson(), 'packages/one/package.json': packageJson({ name: 'one' }) };
  test.each<[string, Record<string, string>, string[], string]>([
    ['nothing: npm', {}, [], 'npm'],
    ['a lock file above', { 'pnpm-lock.yaml': '' }, [], 'pnpm'],
    [
      'a lock file beside a pnpm-workspace.yaml with nothing in it',
      { 'bun.lock': '', 'pnpm-workspace.yaml': '# -\n' },
      [],
      'bun',
    ],
    ['the nearest lock file', { 'pnpm-lock.yaml': '', 'packages/one/bun.lock': '{}' }, [], 'bun'],
    [
      'packageManager, before a lock file',
      { 'package.json': packageJson({ packageManager: 'yarn@4.18.1' }), 'bun.lock': '' },
      [],
      'yarn',
    ],
    [
      'devEngines, before a lock file',
      { 'package.json': packageJson({ devEngines: { packageManager: { name: 'pnpm' } } }), 'bun.lock': '' },
      [],
      'pnpm',
    ],
    [
      'the first of several in the nearest devEngines',
      {
        'package.json': packageJson({
          packageManager: 'yarn@4.18.1',
          devEngines: { packageManager: [{ name: 'bun' }, { name: 'npm' }] },
        }),
        'packages/one/package.json': packageJson({ name: 'one', devEngines: { packageManager: [{ name: 'bun' }] } }),
      },
      [],
      'bun',
    ],
    ['--pm, before all', { 'pnpm-lock.yaml': '', 'yarn.lock': '' }, ['--pm', 'bun'], 'bun'],
    ['npm-shrinkwrap.json', { 'npm-shrinkwrap.json': '{}', 'package-lock.json': '{}' }, [], 'npm'],
  ])('%s', async (_, more, argv, manager) => {
    const cwd = join(repositoryWith({ ...files, ...more }), within);
    const { code, stdout, stderr } = await divvy(['add', 'nightly', '--json', '--dry-run', ...argv], { cwd });
    expect({ code, stderr }, stderr).toMatchObject({ code: 0 });
    expect(JSON.parse(stdout)).toMatchObject({ packageManager: manager, written: false });
    const run = manager === 'npm' ? 'npm run divvy:nightly' : `${manager} run divvy:nightly`;
    expect(JSON.parse(stdout).nextSteps).toContain(run);
  });

  test('nobody where there are lock files of two: exit 2', async () => {
    const root = repositoryWith({ ...files, 'yarn.lock': '', 'package-lock.json': '{}' });
    const before = contentOf(root);
    expect(await divvy(['add', 'nightly'], { cwd: join(root, within) })).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr:
        'error: there are lock files of several package managers: package-lock.json, yarn.lock\nSay which one is in use: --pm npm, or --pm yarn.\n',
    });
    expect(contentOf(root)).toEqual(before);
  });
});
