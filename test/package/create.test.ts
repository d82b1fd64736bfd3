// From `npm publish` to the type check of a project, for real: nothing here is of this repository but the tarball.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { clients, freshMachine, npm, outside, run, runScript } from './clients.ts';
import { type Registry, startRegistry } from './registry.ts';

let folder: string;
let registry: Registry;
/** Where this machine gets packages from. */
let machineRegistry: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-create-'));
  registry = await startRegistry();
  writeFileSync(join(folder, '.npmrc'), `//${new URL(registry.url).host}/:_authToken=any\n`);
  const options = { cwd: folder, env: freshMachine(npm, folder, registry.url) };
  await run(npm, ['publish', inject('tarball'), '--provenance=false'], options);
  machineRegistry = (await run(npm, ['config', 'get', 'registry'], { cwd: folder, env: outside() })).trim();
});

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe.each(clients)('$name', (client) => {
  let home: string;
  let project: string;

  beforeAll(() => {
    home = mkdtempSync(join(folder, 'home-'));
    project = join(home, 'my-backfill');
  });

  const here = () => ({ cwd: project, env: freshMachine(client, home, registry.url) });

  test('creates a project', async () => {
    await run(client, [...client.create, 'my-backfill'], { ...here(), cwd: home });
    expect(readdirSync(project)).toEqual(
      expect.arrayContaining(['divvy.json', 'divvy.lock.json', 'package.json', 'tasks', 'test', 'vendor']),
    );
  });

  test('creates one with a hook, for which the compiler is unpacked', async () => {
    const own = client.name.startsWith('npm') ? ['--'] : [];
    await run(client, [...client.create, 'with-hook', ...own, '--hooks', 'beforeFork'], { ...here(), cwd: home });
    expect(readFileSync(join(home, 'with-hook/tasks/with-hook.ts'), 'utf8')).toContain('beforeFork(');
  });

  test('which runs and passes its tests before anything is installed', async () => {
    expect(readdirSync(project)).not.toContain('node_modules');
    expect(await runScript(client, 'start', here())).toContain('item');
    expect(await runScript(client, 'test', here())).toMatch(/pass [1-9]\d*\n.*fail 0/);
  });

  test('and its type check once its devDependencies are', async () => {
    const env = { ...outside(), ...client.registry(machineRegistry) };
    await run(client, ['install'], { cwd: project, env });
    await run(client, ['run', 'typecheck'], { cwd: project, env });
  });
});

test("yarn with Plug'n'Play, where the package stays in its archive, creates a project with a hook", async () => {
  const home = mkdtempSync(join(folder, 'home-'));
  const yarn = clients.find(({ name }) => name === 'yarn');
  if (!yarn) throw new Error('yarn is not among the clients');
  const env = { ...freshMachine(yarn, home, registry.url), YARN_NODE_LINKER: 'pnp' };
  await run(yarn, [...yarn.create, 'my-backfill', '--hooks', 'beforeFork'], { cwd: home, env });
  expect(readFileSync(join(home, 'my-backfill/tasks/my-backfill.ts'), 'utf8')).toContain('beforeFork(');
});

test('bun without Node.js creates a project; with a hook it says that this needs Node.js', async () => {
  const home = mkdtempSync(join(folder, 'home-'));
  const bun = clients.find(({ name }) => name === 'bun');
  if (!bun) throw new Error('bun is not among the clients');
  const own = { cwd: home, env: freshMachine(bun, home, registry.url) };
  const create = ['--bun', 'x', 'create-divvy-task@latest'];
  await run(bun, [...create, 'my-backfill', '--yes'], own);
  expect(readdirSync(join(home, 'my-backfill'))).toContain('divvy.json');
  await expect(run(bun, [...create, 'with-hook', '--yes', '--hooks', 'beforeFork'], own)).rejects.toThrow(
    'run the command with Node.js itself',
  );
  expect(readdirSync(home)).not.toContain('with-hook');
});

test('npm run divvy is the generator that made the project', async () => {
  const home = mkdtempSync(join(folder, 'home-'));
  const env = freshMachine(npm, home, registry.url);
  await run(npm, ['create', 'divvy-task@latest', 'my-backfill'], { cwd: home, env });
  const list = await run(npm, ['run', '--silent', 'divvy', '--', 'list'], { cwd: join(home, 'my-backfill'), env });
  expect(list).toContain('my-backfill');
});
