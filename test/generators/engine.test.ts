// `divvy add engine bullmq`: a part of many files, with packages of which one has an install script; and what takes it back.
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { partsNamed } from '../../generators/project/parts.ts';
import { isIn } from '../../generators/versions.ts';
import { cleanEnvironment, divvy, freshFolder, home, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';
import { git } from './project.ts';
import { packageJson } from './shapes/proof.ts';
import { contentOf, put, repositoryWith, runIn } from './shapes/repository.ts';

const RUNTIME = 'vendor/divvy';
const CLI = `${RUNTIME}/engine/cli.ts`;
const add = (root: string, ...more: string[]) => divvyHere(['add', 'engine', 'bullmq', '--no-install', ...more], root);
const read = (root: string, path: string): string => readFileSync(join(root, path), 'utf8');
const lockOf = (root: string) => JSON.parse(read(root, 'divvy.lock.json'));

/** Every file of the engine, as a project gets it. */
const FILES = Object.fromEntries(
  ['engine', 'engines'].flatMap((folder) =>
    Object.entries(treeOf(join(home, 'runtime', folder))).flatMap(([path, text]) =>
      path.endsWith('/') ? [] : [[`${RUNTIME}/${folder}/${path}`, text] as const],
    ),
  ),
);
const FOLDERS = ['engine/', 'engines/', 'engines/bullmq/'].map((folder) => `${RUNTIME}/${folder}`);

const DEPENDENCIES = ['  "dependencies": {', '    "bullmq": "~6.7.0",', '    "ioredis": "~6.0.0"', '  }'].join('\n');

/** A repository with the task nightly, all of it committed. */
async function withTask(files: Readonly<Record<string, string>> = {}, ...tools: string[]): Promise<string> {
  const root = repositoryWith({ 'package.json': packageJson(), ...files }, tools);
  const { code, stderr } = await divvyHere(['add', 'nightly', '-t', 'basic', '--no-install'], root);
  expect(code, stderr).toBe(0);
  git(root, 'add', '--all');
  git(root, 'commit', '--quiet', '--allow-empty', '--message', 'all');
  return root;
}

/** A new project with the task fresh. */
async function newProject(): Promise<string> {
  const folder = freshFolder();
  await divvyHere(['create', 'fresh', '--template', 'basic', '--yes', '--no-git', '--no-install'], folder);
  return join(folder, 'fresh');
}

test('all files below engine/ and engines/bullmq/, and the packages; nothing else changes', async () => {
  const root = await withTask();
  const before = contentOf(root);
  expect(Object.keys(before).filter((path) => path.startsWith(`${RUNTIME}/engine`))).toEqual([]);
  const { code, stdout, stderr } = await add(root);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(contentOf(root)).toEqual({
    ...before,
    ...FILES,
    ...Object.fromEntries(FOLDERS.map((folder) => [folder, expect.anything()])),
    'package.json': before['package.json']?.replace(/\n {2}\}\n\}\n$/, `\n  },\n${DEPENDENCIES}\n}\n`),
    'divvy.lock.json': expect.stringContaining(`"${CLI}": "`),
  });
  expect(stdout).toMatch(new RegExp(`^Added engine bullmq: ${Object.keys(FILES).length + 2} files, in \\S+\\.\n`));
  expect(stdout).toContain(
    [
      'Next:',
      '  npm install',
      '  If you are asked about the install script of msgpackr-extract: it need not run',
      '  On every machine, say where the queue is: DIVVY_ENGINE_URL=rediss://user:password@queue:6379/0',
      '  With --engine, a run opens a connection to that URL and nothing else.',
      '  On one machine, start the dispatcher: node vendor/divvy/run.mjs --engine bullmq tasks/nightly.ts',
      '  On each machine, start a host: node vendor/divvy/run.mjs --engine bullmq --join tasks/nightly.ts',
    ].join('\n'),
  );
  expect(stdout).toMatch(/^To undo it: divvy undo, or later: divvy remove engine\n$/m);
});

test('what it needs is what it is tried with here', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const { dependencies = {} } = partsNamed('engine')[0] ?? {};
  expect(Object.keys(dependencies)).toEqual(['bullmq', 'ioredis']);
  for (const [name, range] of Object.entries(dependencies)) expect(isIn(devDependencies[name], range), name).toBe(true);
});

test('it has no errors of types in a project', async () => {
  const root = await newProject();
  await add(root);
  mkdirSync(join(root, 'node_modules/@types'), { recursive: true });
  for (const name of ['typescript', '@types/node', 'bullmq', 'ioredis'])
    symlinkSync(join(home, 'node_modules', name), join(root, 'node_modules', name));
  const checked = () => runIn(root, ['node', join(home, 'node_modules/typescript/bin/tsc'), '--noEmit']);
  expect(await checked()).toEqual({ code: 0, stdout: '', stderr: '' });
  // What the compiler has seen is the engine, too.
  appendFileSync(join(root, CLI), 'const wrong: number = "";\n');
  expect(await checked()).toMatchObject({ stdout: expect.stringContaining(`${CLI}(`) });
});

test('twice changes nothing, also where it was edited since', async () => {
  const root = await withTask();
  await add(root);
  appendFileSync(join(root, CLI), '// mine\n');
  const before = contentOf(root);
  expect(await add(root)).toMatchObject({
    code: 0,
    stdout: `Nothing to do: engine bullmq is there already, in ${root}.\n`,
  });
  expect(contentOf(root)).toEqual(before);
});

const ALLOWED = { allowScripts: { esbuild: true } };
const PNPM_10 = { packageManager: 'pnpm@10.20.0' };
const PNPM_12 = { packageManager: 'pnpm@12.21.0' };
const YAML = 'pnpm-workspace.yaml';
const OF_PNPM_10 = packageJson({ ...PNPM_10, pnpm: { onlyBuiltDependencies: ['esbuild'] } });

describe.each([
  ['undo', ['undo']],
  ['remove engine', ['remove', 'engine']],
  ['remove engine bullmq', ['remove', 'engine', 'bullmq']],
  ['remove of the last task', ['remove', 'nightly']],
])('%s takes it back to the byte', (_, argv) => {
  const SHAPES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['in a package', {}],
    ['with tabs and CRLF', { 'package.json': packageJson().replaceAll('  ', '\t').replaceAll('\n', '\r\n') }],
    ['with one of its packages', { 'package.json': packageJson({ dependencies: { ioredis: '^5.4.0' } }) }],
    ['with decisions on install scripts, of npm', { 'package.json': packageJson(ALLOWED) }],
    ['of npm, on one line', { 'package.json': `${JSON.stringify({ ...JSON.parse(packageJson()), ...ALLOWED })}\n` }],
    ['of npm, none yet', { 'package.json': packageJson({ allowScripts: {} }) }],
    ['of pnpm, none yet', { 'package.json': packageJson(PNPM_12) }],
    ['of pnpm', { 'package.json': packageJson(PNPM_12), [YAML]: 'allowBuilds:\n  esbuild: true\n' }],
    ['of pnpm, in CRLF', { 'package.json': packageJson(PNPM_12), [YAML]: 'allowBuilds:\r\n  esbuild: true' }],
    ['of pnpm, beside other settings', { 'package.json': packageJson(PNPM_12), [YAML]: 'nodeLinker: hoisted\n' }],
    ['of pnpm 10', { 'package.json': OF_PNPM_10 }],
  ];

  test.each(SHAPES)('%s', async (_, files) => {
    const root = repositoryWith({ 'package.json': packageJson(), ...files });
    const bare = contentOf(root);
    await divvyHere(['add', 'nightly', '-t', 'basic', '--no-install'], root);
    git(root, 'add', '--all');
    git(root, 'commit', '--quiet', '--message', 'nightly');
    const before = argv[1] === 'nightly' ? bare : contentOf(root);
    expect(await add(root)).toMatchObject({ code: 0, stderr: '' });
    expect(await divvyHere(argv, root)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(root)).toEqual(before);
  });
});

describe('install scripts that need not run are declined', () => {
  const UNSAID = 'If you are asked about the install script of msgpackr-extract: it need not run';
  const NOTHING = packageJson(PNPM_12);
  /** Files before; what is in them afterwards; and what a person is told to do. */
  const CASES: readonly (readonly [string, Record<string, string>, Record<string, unknown>, readonly string[]])[] = [
    [
      'in a list of npm',
      { 'package.json': packageJson(ALLOWED) },
      {
        'package.json': expect.stringMatching(
          /"allowScripts": \{\n {4}"esbuild": true,\n {4}"msgpackr-extract": false\n/,
        ),
      },
      [],
    ],
    [
      'but not against a decision',
      { 'package.json': packageJson({ allowScripts: { 'msgpackr-extract@3.0.7': true } }) },
      {},
      [],
    ],
    [
      'in a file for pnpm, which fails without',
      { 'package.json': NOTHING },
      { [YAML]: 'allowBuilds:\n  msgpackr-extract: false\n' },
      [],
    ],
    [
      'at the end of a list of pnpm',
      { 'package.json': NOTHING, [YAML]: '# builds\nallowBuilds: # here\n    esbuild: true\n\npackages: []\n' },
      { [YAML]: '# builds\nallowBuilds: # here\n    esbuild: true\n    msgpackr-extract: false\n\npackages: []\n' },
      [],
    ],
    [
      'in a list of its own, since pnpm 12 reads no older one',
      { 'package.json': NOTHING, [YAML]: 'ignoredBuiltDependencies:\n- esbuild' },
      { [YAML]: 'ignoredBuiltDependencies:\n- esbuild\nallowBuilds: { msgpackr-extract: false }' },
      [],
    ],
    [
      'where pnpm has no decision against it',
      { 'package.json': NOTHING, [YAML]: 'allowBuilds:\n  msgpackr-extract: true\n' },
      {},
      [],
    ],
    [
      'by hand in a list that is written otherwise',
      { 'package.json': NOTHING, [YAML]: 'allowBuilds: { esbuild: true }\n' },
      {},
      ['pnpm-workspace.yaml: allowBuilds: ..., msgpackr-extract: false'],
    ],
    [
      'in a list of pnpm 10',
      { 'package.json': packageJson(PNPM_10), [YAML]: 'ignoredBuiltDependencies:\n- esbuild\n' },
      { [YAML]: 'ignoredBuiltDependencies:\n- esbuild\n- msgpackr-extract\n' },
      [],
    ],
    [
      'beside what pnpm 10 may build',
      { 'package.json': packageJson(PNPM_10), [YAML]: 'onlyBuiltDependencies: [esbuild]\n' },
      { [YAML]: 'onlyBuiltDependencies: [esbuild]\nignoredBuiltDependencies: [msgpackr-extract]\n' },
      [],
    ],
    [
      'in the package.json that pnpm 10 reads',
      { 'package.json': OF_PNPM_10 },
      { 'package.json': expect.stringMatching(/"ignoredBuiltDependencies": \["msgpackr-extract"\]/) },
      [],
    ],
    ['nowhere, where pnpm 10 has no list', { 'package.json': packageJson(PNPM_10) }, {}, [UNSAID]],
    ['nowhere, where npm has no list', {}, {}, [UNSAID]],
    ['nowhere for yarn', { 'package.json': packageJson({ ...ALLOWED, packageManager: 'yarn@4.18.1' }) }, {}, [UNSAID]],
  ];

  test.each(CASES)('%s', async (_, files, after, told) => {
    const root = await withTask(files);
    const before = contentOf(root);
    const packageBefore = JSON.parse(read(root, 'package.json'));
    const { code, stdout } = await add(root, '--json');
    expect(code).toBe(0);
    const { nextSteps, byHand } = JSON.parse(stdout);
    const hints = byHand.map(({ file, line }: Record<string, string>) => `${file}: ${line}`);
    expect([...hints, ...nextSteps.filter((step: string) => step === UNSAID)]).toEqual(told);
    const { 'package.json': manifest, ...changed } = after;
    const own = [...Object.keys(FILES), ...FOLDERS, 'divvy.lock.json', 'package.json', YAML];
    const others = (tree: Record<string, string>) => Object.keys(tree).filter((path) => !own.includes(path));
    expect(others(contentOf(root))).toEqual(others(before));
    const { [YAML]: yaml } = { ...files, ...changed };
    expect(existsSync(join(root, YAML)) ? read(root, YAML) : undefined).toEqual(yaml);
    const { dependencies: __, ...rest } = JSON.parse(read(root, 'package.json'));
    if (manifest === undefined) expect(rest).toEqual(packageBefore);
    else expect(read(root, 'package.json')).toEqual(manifest);
    expect(await add(root)).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  });

  test('by hand in a file that is no YAML, and not through a link', async () => {
    const line = 'allowBuilds: { msgpackr-extract: false }';
    const root = await withTask({ 'package.json': NOTHING });
    put(root, { [YAML]: '{' });
    expect(JSON.parse((await add(root, '--dry-run', '--json')).stdout).byHand).toEqual([{ file: YAML, line }]);
    rmSync(join(root, YAML));
    put(root, { 'other.yaml': '', [YAML]: { link: 'other.yaml' } });
    expect(JSON.parse((await add(root, '--json')).stdout).byHand).toEqual([{ file: YAML, line }]);
    expect(read(root, 'other.yaml')).toBe('');
  });

  test('by hand where the list is above the package', async () => {
    const root = repositoryWith({
      'package.json': packageJson({ ...PNPM_12, workspaces: ['packages/*'] }),
      [YAML]: "packages:\n  - 'packages/*'\n",
      'packages/one/package.json': packageJson(),
    });
    const one = join(root, 'packages/one');
    await divvyHere(['add', 'nightly', '-t', 'basic', '--no-install'], one);
    const { stdout } = await add(one, '--json');
    expect(JSON.parse(stdout).byHand).toEqual([
      { file: '../../pnpm-workspace.yaml', line: 'allowBuilds: { msgpackr-extract: false }' },
    ]);
    expect(read(root, YAML)).toBe("packages:\n  - 'packages/*'\n");
  });

  test.each([
    ['10.20.0', false],
    ['12.21.0', true],
  ])('as the pnpm needs it that is installed: %s', async (version, isMade) => {
    const root = await withTask();
    const bin = freshFolder();
    writeFileSync(join(bin, 'pnpm'), `#!/bin/sh\necho ${version}\n`);
    chmodSync(join(bin, 'pnpm'), 0o755);
    const env = cleanEnvironment({ PATH: `${bin}:${process.env['PATH']}` });
    const argv = ['add', 'engine', 'bullmq', '--no-install', '--pm', 'pnpm'];
    expect(await divvy(argv, { cwd: root, env })).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(root, YAML))).toBe(isMade);
  });

  test('and a file that is made for that is named', async () => {
    const { stdout } = await add(await withTask({ 'package.json': NOTHING }));
    expect(stdout).toMatch(/^ {2}pnpm-workspace\.yaml +declines the install script of msgpackr-extract$/m);
  });

  test("what its owner has put into pnpm's file since stays", async () => {
    const root = await withTask({ 'package.json': NOTHING });
    await add(root);
    appendFileSync(join(root, YAML), '  esbuild: true\n');
    expect(await divvyHere(['remove', 'engine', '--allow-dirty'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(read(root, YAML)).toBe('allowBuilds:\n  msgpackr-extract: false\n  esbuild: true\n');
    expect(read(root, 'divvy.lock.json')).not.toContain(YAML);
  });
});

test('remove of the last task of a new project leaves nothing of it', async () => {
  const root = await newProject();
  await add(root);
  expect(await divvyHere(['doctor'], root)).toMatchObject({ code: 0 });
  expect(await divvyHere(['remove', 'fresh'], root)).toMatchObject({ code: 0, stderr: '' });
  expect(Object.keys(contentOf(root))).toEqual([]);
});

test('remove from a new project leaves it as it was made', async () => {
  const root = await newProject();
  const before = contentOf(root);
  await add(root);
  expect(await divvyHere(['remove', 'engine'], root)).toMatchObject({ code: 0, stderr: '' });
  expect(contentOf(root)).toEqual(before);
});

test('remove keeps all of it where a file was edited, unless forced, and a file of the owner in any case', async () => {
  const root = await withTask();
  const before = contentOf(root);
  await add(root);
  appendFileSync(join(root, CLI), '// mine\n');
  const edited = contentOf(root);
  const { code, stderr } = await divvyHere(['remove', 'engine'], root);
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(`${CLI}: it was edited since`) });
  expect(contentOf(root)).toEqual(edited);
  put(root, { [`${RUNTIME}/engines/mine/mine.ts`]: 'export {};\n' });
  expect(await divvyHere(['remove', 'engine', '--force', '--allow-dirty'], root)).toMatchObject({ code: 0 });
  expect(contentOf(root)).toMatchObject({ ...before, [`${RUNTIME}/engines/mine/mine.ts`]: '644 export {};\n' });
});

test('remove where it is not: nothing to do', async () => {
  const root = await withTask();
  const said = await divvyHere(['remove', 'engine'], root);
  expect(said).toEqual({ code: 0, stdout: 'Nothing to do: engine bullmq is not here.\n', stderr: '' });
});

describe('nothing is written', () => {
  test.each(['--dry-run', '--diff'])('with %s', async (flag) => {
    const root = await withTask({ 'package.json': packageJson(PNPM_12) });
    const before = contentOf(root);
    const { code, stdout } = await add(root, flag);
    expect(code).toBe(0);
    for (const path of [...Object.keys(FILES), YAML, 'package.json']) expect(stdout).toContain(path);
    expect(contentOf(root)).toEqual(before);
  });

  test('with --plan, and apply carries it out', async () => {
    const [root, other] = [await withTask(), await withTask()];
    expect(await add(root, '--plan', 'p.json')).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(root, CLI))).toBe(false);
    expect(await divvyHere(['apply', 'p.json'], root)).toMatchObject({ code: 0, stderr: '' });
    rmSync(join(root, 'p.json'));
    await add(other);
    expect(contentOf(root)).toEqual(contentOf(other));
  });
});

test('--json is one object that says all of it', async () => {
  const root = await withTask({ 'package.json': packageJson({ devDependencies: { ioredis: '^5.4.0', knip: '*' } }) });
  const { code, stdout } = await add(root, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ command: 'add', part: 'engine', kind: 'bullmq', written: true, folder: root, install: 'off' },
    keptPackages: { ioredis: '^5.4.0' },
    byHand: [{ file: 'knip.json', line: '"ignoreDependencies": ["bullmq", "ioredis"]' }],
  });
  expect(JSON.parse((await divvyHere(['remove', 'engine', '--json'], root)).stdout)).toMatchObject({
    ...{ command: 'remove', part: 'engine', kind: 'bullmq', written: true, kept: [] },
  });
});

describe('the other commands take it for what it is:', () => {
  test('doctor and diff have nothing to say, and eject keeps it', async () => {
    const root = await withTask();
    await add(root);
    const nothing = { code: 0, stdout: expect.stringContaining('Nothing is wrong.') };
    expect(await divvyHere(['doctor'], root)).toMatchObject(nothing);
    expect(await divvyHere(['diff'], root)).toMatchObject({ code: 0 });
    expect(await divvyHere(['eject', '--allow-dirty'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(root)).toMatchObject(FILES);
  });

  test('doctor says what lacks, how it comes back, and who needs it', async () => {
    const root = await withTask();
    await add(root);
    const gone = [CLI, `${RUNTIME}/engines/bullmq/bullmq.ts`];
    for (const path of gone) rmSync(join(root, path));
    writeFileSync(join(root, 'package.json'), read(root, 'package.json').replace(/ {4}"bullmq".*\n/, ''));
    const { code, stdout } = await divvyHere(['doctor'], root);
    expect(code).toBe(3);
    expect(stdout).toContain(`${CLI} is missing, and ${RUNTIME}/cli/engine.ts needs it`);
    expect(stdout).toContain(`${gone[1]} is missing, and every run with --engine bullmq needs it`);
    expect(stdout).toContain('package.json lacks what engine bullmq needs: bullmq');
    expect(stdout).toContain('divvy add engine bullmq');
    expect(await add(root, '--allow-dirty')).toMatchObject({ code: 0, stderr: '' });
    expect(await divvyHere(['doctor'], root)).toMatchObject({ code: 0 });
  });

  test('upgrade leaves it where it is, and brings it to nobody else', async () => {
    const root = await withTask();
    expect(await divvyHere(['upgrade', '--dry-run'], root)).toMatchObject({ code: 0 });
    expect(existsSync(join(root, CLI))).toBe(false);
    await add(root);
    const before = contentOf(root);
    expect(await divvyHere(['upgrade', '--no-verify'], root)).toMatchObject({ code: 0 });
    expect(contentOf(root)).toEqual(before);
  });

  test('a task that is added or removed later leaves it alone', async () => {
    const root = await withTask();
    await add(root);
    await divvyHere(['add', 'weekly', '-t', 'basic', '--no-install'], root);
    expect(await divvyHere(['remove', 'nightly'], root)).toMatchObject({ code: 0 });
    expect(lockOf(root).files).toHaveProperty([CLI]);
    expect(contentOf(root)).toMatchObject(FILES);
    expect(read(root, 'package.json')).toContain('"bullmq": "~6.7.0"');
    expect(await divvyHere(['doctor'], root)).toMatchObject({ code: 0 });
  });

  test('telemetry comes and goes beside it', async () => {
    const root = await withTask();
    await add(root);
    const before = contentOf(root);
    await divvyHere(['add', 'telemetry', '--no-install', '--allow-dirty'], root);
    expect(await divvyHere(['remove', 'telemetry', '--allow-dirty'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(root)).toEqual(before);
  });
});

describe('where it is not there, that is said with what adds it:', () => {
  test.each([
    ['run', ['run', 'nightly', '--engine', 'bullmq']],
    ['join', ['join', 'nightly']],
    ['join of a named one', ['join', 'nightly', '--engine', 'bullmq']],
    ['status', ['status', 'nightly', '--engine']],
    ['the runner', ['tasks/nightly.ts', '--engine', 'bullmq', '--join']],
  ])('%s', async (_, argv) => {
    const cwd = await newProject();
    await divvyHere(['add', 'nightly', '--no-install'], cwd);
    const { code, stdout, stderr } = await divvy(argv, { cwd });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('divvy add engine bullmq');
  });
});
