// --import, and "import" in divvy.json: what is loaded before a task file, in the master and in every worker.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ALL_WELL, RUNNER } from '../run-task.ts';

const home = join(import.meta.dirname, '../../..');

/** A folder with these files, and with the packages of this repository that are named. */
function projectWith(files: Readonly<Record<string, string>>, packages: readonly string[] = []): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'divvy-imports-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  for (const name of packages) symlinkSync(join(home, 'node_modules', name), join(folder, 'node_modules', name));
  return folder;
}

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the runner; nothing may be left where it makes its sockets. */
function run(args: readonly string[], cwd: string): Ran {
  const sockets = mkdtempSync(join(tmpdir(), 'divvy-imports-'));
  onTestFinished(() => rmSync(sockets, { recursive: true, force: true }));
  const env = { ...process.env, NODE_OPTIONS: '', XDG_RUNTIME_DIR: sockets };
  const { status, stdout, stderr } = spawnSync(process.execPath, [RUNNER, ...args], { cwd, env, encoding: 'utf8' });
  expect(readdirSync(sockets)).toEqual([]);
  return { status, stdout, stderr };
}

/** The lines, in the order of the alphabet: workers take items in any. */
const lines = (text: string): string[] => text.trimEnd().split('\n').sort();

/** A task that says in the master and in its workers what an expression gives there. */
const taskOf = (imports: string, expression: string): string => `${imports}
export default class Says {
  *dispatch() {
    console.log('master', ${expression});
    yield* [1, 2];
  }
  process(item) {
    console.log('worker', item, ${expression});
  }
}
`;

/** What the application of a CommonJS package is written like. */
const APPLICATION = {
  'package.json': '{ "type": "commonjs" }',
  'tsconfig.json':
    '{ "compilerOptions": { "module": "esnext", "moduleResolution": "bundler", "paths": { "@app/*": ["./src/*"] } } }',
  'src/rows.ts': "export const rows = (): string => 'rows';\n",
  'src/colours.ts': "export enum Colour { Red = 'red' }\n",
  'src/index.ts': "export { rows } from './rows';\n",
};

const BY_TSX = 'install tsx (npm install --save-dev tsx) and add --import tsx';
const uses: [string, string, string, string, string][] = [
  [
    'a path alias',
    "import { rows } from '@app/rows';",
    'rows()',
    'rows',
    `check the name of the import, or install the package. If it is a path alias of tsconfig.json, import what your build writes, such as dist/, in place of the source; or ${BY_TSX}`,
  ],
  [
    'an enum',
    "import { Colour } from '../src/colours.ts';",
    'Colour.Red',
    'red',
    `Node.js only strips types: write it without enum, namespace and parameter properties; or ${BY_TSX}`,
  ],
  [
    'an import without its ending',
    "import { rows } from '../src/rows';",
    'rows()',
    'rows',
    `check the path of the import: Node.js wants the whole name of the file, such as ./rows.ts. To write it otherwise, ${BY_TSX}`,
  ],
  [
    'an import of .js where the file is .ts',
    "import { rows } from '../src/rows.js';",
    'rows()',
    'rows',
    `check the path of the import: Node.js wants the whole name of the file, such as ./rows.ts. To write it otherwise, ${BY_TSX}`,
  ],
  [
    'an import of a folder',
    "import { rows } from '../src';",
    'rows()',
    'rows',
    `name the file, such as ./rows/index.ts; or ${BY_TSX}`,
  ],
  [
    'TypeScript of a CommonJS package',
    "import { rows } from '../src/rows.ts';",
    'rows()',
    'rows',
    `check the name that is imported. If the file is TypeScript of a CommonJS package, ${BY_TSX}`,
  ],
];

describe.each(uses)('a task with %s', (_, imports, expression, value, hint) => {
  const files = { ...APPLICATION, 'jobs/says.mts': taskOf(imports, expression).replace('(item)', '(item: number)') };
  const expected = [`master ${value}`, `worker 1 ${value}`, `worker 2 ${value}`];

  test.each([
    ['in workers', ['-n', '2']],
    ['with --inline', ['--inline']],
  ])('runs with --import tsx, %s', (_where, options) => {
    const folder = projectWith(files, ['tsx']);
    const { status, stdout, stderr } = run(['--import', 'tsx', ...options, '--no-journal', 'jobs/says.mts'], folder);
    expect({ status, stdout: lines(stdout), stderr }).toEqual({
      status: 0,
      stdout: expected,
      stderr: expect.stringMatching(ALL_WELL),
    });
  });

  test('fails without, and says so', () => {
    const { status, stdout, stderr } = run(['--no-journal', 'jobs/says.mts'], projectWith(files));
    expect({ status, stdout }).toEqual({ status: 70, stdout: '' });
    expect(stderr).toContain(`; ${hint}\n`);
  });
});

const counting = (letter: string): string => `globalThis.loaded = (globalThis.loaded ?? '') + '${letter}';\n`;
const SETUPS = {
  'first/setup.mjs': counting('a'),
  'second/setup.mjs': counting('b'),
  'third/setup.mjs': counting('c'),
  'tasks/says.mjs': taskOf('', 'globalThis.loaded'),
};

describe('in divvy.json', () => {
  test.each([
    ['a path from its folder', '"./first/setup.mjs"', [], 'a'],
    ['several, in their order', '["./second/setup.mjs", "./first/setup.mjs"]', [], 'ba'],
    [
      'before those of the command line, whose paths are from the working directory',
      '"./first/setup.mjs"',
      ['--import', '../third/setup.mjs', '--import=./setup.mjs'],
      'acb',
    ],
    ['one that is named twice is loaded once', '"./second/setup.mjs"', ['--import', './setup.mjs'], 'b'],
  ])('%s', (_, value, options, loaded) => {
    const manifest = `\uFEFF{ "tasks": "tasks", "runtime": "runtime", "import": ${value} }`;
    const folder = projectWith({ ...SETUPS, 'divvy.json': manifest });
    const { status, stdout, stderr } = run(
      ['-n', '2', ...options, '--no-journal', '../tasks/says.mjs'],
      join(folder, 'second'),
    );
    const expected = [`master ${loaded}`, `worker 1 ${loaded}`, `worker 2 ${loaded}`];
    expect({ status, stdout: lines(stdout), stderr }).toEqual({
      status: 0,
      stdout: expected,
      stderr: expect.stringMatching(ALL_WELL),
    });
  });

  test('a package is found from the task file, by its entry for imports', () => {
    const folder = projectWith({
      ...SETUPS,
      'divvy.json': '{ "import": "only-imported" }',
      'tasks/node_modules/only-imported/package.json': '{ "exports": { "import": "./setup.mjs" } }',
      'tasks/node_modules/only-imported/setup.mjs': counting('x'),
    });
    expect(run(['-n', '1', '--no-journal', join(folder, 'tasks/says.mjs')], tmpdir())).toEqual({
      status: 0,
      stdout: 'master x\nworker 1 x\nworker 2 x\n',
      stderr: expect.stringMatching(ALL_WELL),
    });
  });
});

const TASK = { 'tasks/says.mjs': taskOf('', '1') };
const MISSING = 'there is no module';
const wrong: [string, Record<string, string>, string[], number, string][] = [
  ['a name that is not installed', {}, ['nowhere'], 2, `${MISSING} nowhere to import: Cannot find package 'nowhere'`],
  [
    'a file by its name alone',
    { 'boot.mjs': '' },
    ['boot.mjs'],
    2,
    `${MISSING} boot.mjs to import: Cannot find package 'boot.mjs'`,
  ],
  ['a path where nothing is', {}, ['./no.mjs'], 2, `${MISSING} to import at FOLDER/no.mjs: ENOENT`],
  ['a folder', {}, ['./tasks'], 2, `${MISSING} to import at FOLDER/tasks: it is a folder`],
  ['a URL of no file', {}, ['file:///no%2fsuch'], 2, `${MISSING} to import at file:///no%2fsuch: `],
  [
    'an address that nothing loads',
    {},
    ['https://example.org/a.mjs'],
    2,
    `${MISSING} https://example.org/a.mjs to import`,
  ],
  ['a module that Node.js has not', {}, ['node:nowhere'], 2, `${MISSING} node:nowhere to import`],
  ['a name of the package that is not there', {}, ['#nowhere'], 2, `${MISSING} #nowhere to import`],
  ['nothing', {}, [''], 2, '--import must be the name or the path of a module'],
  [
    'one that throws',
    { 'a.mjs': "throw new Error('oh no');" },
    ['./a.mjs'],
    70,
    'the module to import cannot be loaded: FOLDER/a.mjs: Error: oh no; correct it',
  ],
  [
    'one that imports what is not there',
    { 'node_modules/broken/index.js': "import 'nowhere';", 'node_modules/broken/package.json': '{"type":"module"}' },
    ['broken'],
    70,
    "the module to import cannot be loaded: broken: Error: Cannot find package 'nowhere'",
  ],
  [
    'a divvy.json that is no JSON',
    { 'divvy.json': '{ "import": ' },
    [],
    2,
    'divvy.json cannot be read: FOLDER/divvy.json: ',
  ],
  [
    'a divvy.json with what is no module',
    { 'divvy.json': '{ "import": [1] }' },
    [],
    2,
    '"import" in FOLDER/divvy.json must be the name or the path of a module, or a list of these, and is [ 1 ]',
  ],
];

describe('refused before anything is begun, with what to do, is', () => {
  test.each(wrong)('%s', (_, files, imports, exitCode, message) => {
    const folder = projectWith({ ...TASK, 'package.json': '{}', ...files });
    const options = imports.flatMap((name) => ['--import', name]);
    const { status, stdout, stderr } = run([...options, 'tasks/says.mjs'], folder);
    expect({ status, stdout, stderr }).toEqual({
      status: exitCode,
      stdout: '',
      stderr: expect.stringContaining(`divvy: ${message.replace('FOLDER', folder)}`),
    });
    expect(stderr).toMatch(
      /; (check the (name|path)|correct it|a file is named by its path: if you meant that one, write \.\/boot\.mjs)|must be/,
    );
    expect(existsSync(join(folder, '.divvy'))).toBe(false);
  });
});

/** Code of an application that Node.js can't load, and what helps in each case. */
const cases: [what: string, files: Record<string, string>, imports: string, options: string[], says: string][] = [
  [
    'a package that is listed, and not installed',
    { 'package.json': '{ "dependencies": { "pg": "^8.0.0" } }', 'divvy.json': '{}' },
    'pg',
    [],
    'package.json lists it: install what it lists, with npm install',
  ],
  [
    'what has not been built',
    {},
    '../dist/rows.js',
    [],
    'build first, if your build writes that file; otherwise check the path',
  ],
  [
    'a decorator',
    { 'src/service.ts': 'const Injectable = () => (type: unknown) => type;\n@Injectable()\nexport class Service {}\n' },
    '../src/service.ts',
    [],
    `src/service.ts:2 has a decorator, and Node.js knows none: import what your build writes, such as dist/, in place of the source. If nothing there needs the metadata of decorators, as NestJS does, you can also ${BY_TSX}`,
  ],
  [
    'what is for a server of React only',
    {
      'src/bill.mjs':
        "throw new Error('This module cannot be imported from a Client Component module. It should only be used from a Server Component.');",
    },
    '../src/bill.mjs',
    [],
    'start the run with NODE_OPTIONS=--conditions=react-server, for its workers too',
  ],
  [
    'an enum, where something else is loaded first',
    { 'src/colours.ts': 'export enum Colour { Red }\n', 'setup.mjs': '' },
    '../src/colours.ts',
    ['--import', './setup.mjs'],
    `or ${BY_TSX}`,
  ],
];
test.each(cases)('%s: the error says what to do', (_, files, imports, options, says) => {
  const folder = projectWith({ 'tasks/says.mts': taskOf(`import '${imports}';`, '1'), ...files });
  const { status, stderr } = run([...options, 'tasks/says.mts'], folder);
  expect({ status, stderr }).toEqual({ status: 70, stderr: expect.stringContaining(says) as string });
});

/** A program, or a test, that imports the runtime and runs a task whose divvy.json has it load something. */
const BY_LIBRARY = {
  ...SETUPS,
  'divvy.json': '{ "import": ["./first/setup.mjs", "only-imported"] }',
  'node_modules/only-imported/package.json': '{ "main": "setup.mjs" }',
  'node_modules/only-imported/setup.mjs': counting('x'),
};
const RUNS_IT = `
import { Master } from ${JSON.stringify(join(home, 'runtime/index.ts'))};
export const run = () => new Master(new URL('./tasks/says.mjs', import.meta.url), { workers: 1, import: './second/setup.mjs' }).run();
`;

test('new Master does the same', () => {
  const folder = projectWith({ ...BY_LIBRARY, 'run.mjs': `${RUNS_IT}await run();` });
  const { status, stdout, stderr } = spawnSync(process.execPath, ['run.mjs'], { cwd: folder, encoding: 'utf8' });
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: 'master axb\nworker 1 axb\nworker 2 axb\n',
    stderr: '',
  });
});

test('also in Vitest, which loads the runtime by its own means', () => {
  const folder = projectWith(
    {
      ...BY_LIBRARY,
      'says.test.mjs': `import { expect, test } from 'vitest';${RUNS_IT}
test('runs', async () => expect((await run()).counts.done).toBe(2));`,
    },
    ['vitest'],
  );
  const vitest = join(home, 'node_modules/vitest/vitest.mjs');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')));
  const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', '--silent=false'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  expect(lines(stdout)).toEqual(expect.arrayContaining(['worker 1 axb', 'worker 2 axb']));
});
