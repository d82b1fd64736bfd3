// Each package manager, really run: the lock file that it made stays as it is, and holds.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type Client, clients } from '../../package/clients.ts';
import { divvy } from '../commands.ts';
import { PACKAGE, packageJson, prove, WITHOUT_EXEC } from './proof.ts';
import { contentOf, repositoryWith } from './repository.ts';

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
