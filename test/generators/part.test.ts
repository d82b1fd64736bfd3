// `divvy add telemetry`, and what takes it back: undo, remove, and remove of the last task.
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { partsNamed } from '../../generators/project/parts.ts';
import { isIn } from '../../generators/versions.ts';
import { makeCollector } from '../runtime/collector.ts';
import { freshFolder, home } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { git } from './project.ts';
import { packageJson } from './shapes/proof.ts';
import { contentOf, put, repositoryWith, runIn } from './shapes/repository.ts';

const FILE = 'vendor/divvy/telemetry.ts';
const LOADED = '"./vendor/divvy/telemetry.ts"';
const add = (root: string, ...more: string[]) => divvyHere(['add', 'telemetry', '--no-install', ...more], root);
const read = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');
const lockOf = (root: string) => JSON.parse(read(root, 'divvy.lock.json'));

/** Commits what there is, if there is anything. */
function commitAll(root: string): void {
  git(root, 'add', '--all');
  git(root, 'commit', '--quiet', '--allow-empty', '--message', 'all');
}

/** A repository with the task nightly, all of it committed. */
async function withTask(files: Readonly<Record<string, string>> = {}, ...tools: string[]): Promise<string> {
  const root = repositoryWith({ 'package.json': packageJson(), ...files }, tools);
  const { code, stderr } = await divvyHere(['add', 'nightly', '-t', 'basic', '--no-install'], root);
  expect(code, stderr).toBe(0);
  commitAll(root);
  return root;
}

const PACKAGES = [
  '  "dependencies": {',
  '    "@opentelemetry/api": "~1.10.0",',
  '    "@opentelemetry/context-async-hooks": "~3.1.1",',
  '    "@opentelemetry/core": "~3.1.1",',
  '    "@opentelemetry/exporter-trace-otlp-proto": "~0.301.1",',
  '    "@opentelemetry/resources": "~3.1.1",',
  '    "@opentelemetry/sdk-trace": "~3.1.1"',
  '  }',
].join('\n');

test('the file, its packages, and what loads it; nothing else changes', async () => {
  const root = await withTask();
  const before = contentOf(root);
  const { code, stdout, stderr } = await add(root);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(contentOf(root)).toEqual({
    ...before,
    [FILE]: expect.any(String),
    'package.json': before['package.json']?.replace(/\n {2}\}\n\}\n$/, `\n  },\n${PACKAGES}\n}\n`),
    'divvy.json': before['divvy.json']?.replace('"vendor/divvy"\n}', `"vendor/divvy",\n  "import": [${LOADED}]\n}`),
    'divvy.lock.json': expect.stringContaining(`"${FILE}": "`),
  });
  expect(read(root, FILE)).toBe(readFileSync(join(home, 'runtime/telemetry.ts'), 'utf8'));
  expect(stdout).toMatch(/^Added telemetry: 4 files, in \S+\.\n/);
  expect(stdout).toMatch(/^Next:\n {2}npm install\n/m);
  expect(stdout).toMatch(/^To undo it: divvy undo, or later: divvy remove telemetry\n$/m);
});

test('what it needs is what it is tried with here', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const { dependencies = {} } = partsNamed('telemetry')[0] ?? {};
  expect(Object.keys(dependencies)).not.toEqual([]);
  for (const [name, range] of Object.entries(dependencies)) expect(isIn(devDependencies[name], range), name).toBe(true);
});

test('twice changes nothing, also where it was edited since', async () => {
  const root = await withTask();
  await add(root);
  appendFileSync(join(root, FILE), '// instrumentations of mine\n');
  const before = contentOf(root);
  expect(await add(root)).toMatchObject({
    code: 0,
    stdout: `Nothing to do: telemetry is there already, in ${root}.\n`,
  });
  expect(contentOf(root)).toEqual(before);
});

describe.each([
  ['undo', ['undo']],
  ['remove', ['remove', 'telemetry']],
])('%s takes it back to the byte', (_, argv) => {
  const SHAPES: readonly (readonly [string, Readonly<Record<string, string>>, (root: string) => void])[] = [
    ['in a package', {}, () => {}],
    ['with tabs and CRLF', { 'package.json': packageJson().replaceAll('  ', '\t').replaceAll('\n', '\r\n') }, () => {}],
    ['with dependencies of its own', { 'package.json': packageJson({ dependencies: { zod: '4.0.0' } }) }, () => {}],
    [
      'with one of its packages',
      { 'package.json': packageJson({ dependencies: { '@opentelemetry/api': '^1.9.0' } }) },
      () => {},
    ],
    ['where divvy.json loads a module', {}, (root) => editManifest(root, '"import": "tsx"')],
    ['where divvy.json loads several', {}, (root) => editManifest(root, '"import": ["reflect-metadata", "./tsx.mjs"]')],
    ['where divvy.json has an empty list', {}, (root) => editManifest(root, '"import": []')],
  ];

  test.each(SHAPES)('%s', async (_, files, edit) => {
    const root = await withTask(files);
    edit(root);
    commitAll(root);
    const { '.divvy/last': _last, ...before } = contentOf(root);
    expect(await add(root)).toMatchObject({ code: 0, stderr: '' });
    const [first] = JSON.parse(read(root, 'divvy.json')).import.toReversed();
    expect(first).toBe(JSON.parse(LOADED)); // behind the others: their order has a meaning
    expect(await divvyHere(argv, root)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(root)).toEqual(before);
  });
});

function editManifest(root: string, line: string): void {
  const text = read(root, 'divvy.json');
  writeFileSync(join(root, 'divvy.json'), text.replace('"vendor/divvy"\n', `"vendor/divvy",\n  ${line}\n`));
}

test('what divvy.json loads already comes first', async () => {
  const root = await withTask();
  editManifest(root, '"import": "tsx"');
  await add(root, '--allow-dirty');
  expect(read(root, 'divvy.json')).toContain(`"import": ["tsx",${LOADED}]`.replace(',', ', '));
});

test('remove of the last task takes it back, too; that of another one does not', async () => {
  const root = repositoryWith({ 'package.json': packageJson() });
  const before = contentOf(root);
  await divvyHere(['add', 'nightly', '-t', 'basic', '--no-install'], root);
  await add(root);
  await divvyHere(['add', 'weekly', '-t', 'basic', '--no-install'], root);
  expect(await divvyHere(['remove', 'nightly'], root)).toMatchObject({ code: 0, stderr: '' });
  expect(read(root, 'package.json')).toContain(PACKAGES);
  expect(existsSync(join(root, FILE))).toBe(true);
  expect(await divvyHere(['remove', 'weekly'], root)).toMatchObject({ code: 0, stderr: '' });
  expect(contentOf(root)).toEqual(before);
});

test('remove of the last task of a new project leaves nothing of it', async () => {
  const folder = freshFolder();
  await divvyHere(['create', 'fresh', '--template', 'basic', '--yes', '--no-git', '--no-install'], folder);
  const root = join(folder, 'fresh');
  await add(root);
  expect(await divvyHere(['doctor'], root)).toMatchObject({ code: 0 });
  expect(await divvyHere(['remove', 'fresh'], root)).toMatchObject({ code: 0, stderr: '' });
  expect(Object.keys(contentOf(root)).filter((path) => !path.endsWith('/'))).toEqual([]);
});

test('remove keeps all of it where the file was edited, unless forced', async () => {
  const root = await withTask();
  const before = contentOf(root);
  await add(root);
  appendFileSync(join(root, FILE), '// mine\n');
  const edited = contentOf(root);
  const { code, stderr } = await divvyHere(['remove', 'telemetry'], root);
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(`${FILE}: it was edited since`) });
  expect(contentOf(root)).toEqual(edited);
  expect(await divvyHere(['remove', 'telemetry', '--force', '--allow-dirty'], root)).toMatchObject({ code: 0 });
  expect(contentOf(root)).toEqual(before);
});

test('remove where it is not: nothing to do', async () => {
  const root = await withTask();
  const said = await divvyHere(['remove', 'telemetry'], root);
  expect(said).toEqual({ code: 0, stdout: 'Nothing to do: telemetry is not here.\n', stderr: '' });
});

describe('nothing is written', () => {
  test.each(['--dry-run', '--diff'])('with %s', async (flag) => {
    const root = await withTask();
    const before = contentOf(root);
    const { code, stdout } = await add(root, flag);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(FILE) });
    expect(stdout).toContain(`Nothing was written. This would change, in ${root}: 4 files.`);
    expect(contentOf(root)).toEqual(before);
  });

  test('with --plan, and apply carries it out', async () => {
    const [root, other] = [await withTask(), await withTask()];
    expect(await add(root, '--plan', 'p.json')).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(root, FILE))).toBe(false);
    expect(await divvyHere(['apply', 'p.json'], root)).toMatchObject({ code: 0, stderr: '' });
    rmSync(join(root, 'p.json'));
    await add(other);
    expect(contentOf(root)).toEqual(contentOf(other));
  });
});

test('--json is one object that says all of it', async () => {
  const root = await withTask({ 'package.json': packageJson({ devDependencies: { '@opentelemetry/core': '2.0.0' } }) });
  const { code, stdout } = await add(root, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ command: 'add', part: 'telemetry', written: true, folder: root, packageManager: 'npm', install: 'off' },
    keptPackages: { '@opentelemetry/core': '2.0.0' },
    byHand: [],
    nextSteps: ['npm install', expect.stringContaining('OTEL_EXPORTER_OTLP_ENDPOINT'), expect.any(String)],
  });
  const files = JSON.parse(stdout).files.map(({ path, action }: { path: string; action: string }) => [path, action]);
  expect(files).toEqual([
    [FILE, 'create'],
    ['package.json', 'edit'],
    ['divvy.json', 'edit'],
    ['divvy.lock.json', 'edit'],
  ]);
});

describe('refused, and nothing is changed:', () => {
  const CASES: readonly (readonly [string, (root: string) => void, readonly string[], number, RegExp])[] = [
    ['a file of that name', (root) => put(root, { [FILE]: 'mine\n' }), [], 3, /telemetry\.ts" is there already/],
    ['a flag about tasks', () => {}, ['--template', 'csv'], 2, /divvy add telemetry has no flag --template/],
    ['"import" that is something else', (root) => editManifest(root, '"import": 7'), [], 2, /divvy\.json.*import/],
    ['a package.json that is no JSON', (root) => put(root, { 'package.json': '{' }), [], 3, /package\.json:1/],
    [
      'dependencies that are a list',
      (root) => put(root, { 'package.json': packageJson({ dependencies: [] }) }),
      [],
      3,
      /dependencies/,
    ],
    ['no runtime', (root) => rmSync(join(root, 'vendor/divvy/run.mjs')), [], 3, /does not have the runtime/],
    ['no lock', (root) => rmSync(join(root, 'divvy.lock.json')), [], 2, /divvy\.lock\.json/],
    [
      'a runtime of another release',
      (root) =>
        put(root, {
          'divvy.lock.json': read(root, 'divvy.lock.json').replace(/"runtime": "[^"]*"/, '"runtime": "0.0.9"'),
        }),
      [],
      3,
      /of divvy 0\.0\.9, and a part must be of the same release[\s\S]*divvy upgrade/,
    ],
    [
      'uncommitted changes',
      (root) => appendFileSync(join(root, 'package.json'), '\n'),
      ['--no-dirty-commit'],
      5,
      /uncommitted/,
    ],
  ];

  test.each(CASES)('%s', async (_, change, argv, code, why) => {
    const root = await withTask();
    change(root);
    const isDirty = argv.includes('--no-dirty-commit');
    if (!isDirty) commitAll(root);
    const before = contentOf(root);
    const said = await add(root, ...argv.filter((word) => word !== '--no-dirty-commit'));
    expect({ code: said.code, stderr: said.stderr }).toEqual({ code, stderr: expect.stringMatching(why) });
    expect(contentOf(root)).toEqual(before);
  });

  test('where there are no tasks', async () => {
    const root = repositoryWith({ 'package.json': packageJson() });
    const before = contentOf(root);
    const { code, stderr } = await add(root);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('Add a task first: divvy add <task>'),
    });
    expect(contentOf(root)).toEqual(before);
  });
});

describe('the other commands take it for what it is:', () => {
  test('doctor and diff have nothing to say, and eject says what would be lost', async () => {
    const root = await withTask();
    await add(root);
    expect(await divvyHere(['doctor'], root)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing is wrong.'),
    });
    expect(await divvyHere(['diff'], root)).toMatchObject({ code: 0 });
    const { code, stderr } = await divvyHere(['eject'], root);
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining('./vendor/divvy/telemetry.ts') });
  });

  test('doctor says how it comes back, and what it lacks', async () => {
    const root = await withTask();
    await add(root);
    const findings = async () => {
      const { code, stdout } = await divvyHere(['doctor', '--json'], root);
      return [
        code,
        ...JSON.parse(stdout).findings.map(({ level, code, path }: Record<string, string>) => [level, code, path]),
      ];
    };
    rmSync(join(root, FILE));
    expect(await findings()).toEqual([3, ['broken', 'missing', FILE]]);
    const { stdout } = await divvyHere(['doctor'], root);
    expect(stdout).toContain('divvy.json needs it');
    expect(stdout).toContain('divvy add telemetry');
    expect(await add(root)).toMatchObject({ code: 0, stderr: '' });
    expect(await findings()).toEqual([0]);

    writeFileSync(join(root, 'package.json'), read(root, 'package.json').replace(/ {4}"@opentelemetry\/core".*\n/, ''));
    editJson(root, 'divvy.json', ({ import: _, ...rest }) => rest);
    expect(await findings()).toEqual([10, ['due', 'part', 'package.json'], ['yours', 'part', 'divvy.json']]);
    expect(await add(root, '--allow-dirty')).toMatchObject({ code: 0, stderr: '' });
    expect(await findings()).toEqual([0]);
  });

  test('upgrade leaves it where it is, and brings it to nobody else', async () => {
    const root = await withTask();
    expect(await divvyHere(['upgrade', '--dry-run'], root)).toMatchObject({ code: 0 });
    expect(await divvyHere(['diff', '--both'], root)).toMatchObject({ code: 0 });
    await add(root);
    const before = contentOf(root);
    expect(await divvyHere(['upgrade', '--no-verify'], root)).toMatchObject({ code: 0 });
    expect(contentOf(root)).toEqual(before);
  });

  test('a task that is added later leaves it alone', async () => {
    const root = await withTask();
    await add(root);
    await divvyHere(['add', 'weekly', '-t', 'basic', '--no-install'], root);
    expect(lockOf(root).files).toHaveProperty([FILE]);
    expect(read(root, 'divvy.json')).toContain(LOADED);
    expect(await divvyHere(['doctor'], root)).toMatchObject({ code: 0 });
  });
});

function editJson(root: string, path: string, change: (value: Record<string, unknown>) => object): void {
  writeFileSync(join(root, path), `${JSON.stringify(change(JSON.parse(read(root, path))), null, 2)}\n`);
}

test('Knip is told by a line to be written by hand', async () => {
  const root = await withTask({ 'package.json': packageJson({ devDependencies: { knip: '*' } }), 'knip.json': '{}\n' });
  const { stdout } = await add(root, '--json');
  expect(JSON.parse(stdout).byHand).toEqual([
    { file: 'knip.json', line: '"ignoreDependencies": ["@opentelemetry/.+"]' },
  ]);
});

describe('the runtime runs with it', () => {
  const RUN = ['node', 'vendor/divvy/run.mjs', '-n', '1', '--no-journal', 'tasks/nightly.ts'];

  test('once its packages are there', async () => {
    const root = await withTask({}, ...Object.keys(partsNamed('telemetry')[0]?.dependencies ?? {}));
    await add(root);
    const { env, spans } = await makeCollector();
    const { code, stderr } = await runIn(root, RUN, env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^divvy: 12 items: 12 done/) });
    expect(spans.map(({ name }) => name)).toContain('run nightly');
  });

  test('and without them, or turned off, as before', async () => {
    const root = await withTask();
    await add(root);
    const bare = await runIn(root, RUN);
    expect({ code: bare.code, stderr: bare.stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(
        /^divvy: telemetry: nothing was recorded: the packages of OpenTelemetry are not installed\. OTEL_SDK_DISABLED=true turns telemetry off\ndivvy: 12 items/,
      ),
    });
    const off = await runIn(root, RUN, { OTEL_SDK_DISABLED: 'true' });
    expect({ code: off.code, stderr: off.stderr }).toEqual({
      code: 0,
      stderr: expect.stringMatching(/^divvy: 12 items/),
    });
  });
});
