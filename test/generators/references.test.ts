// A template of several files, which find each other wherever a repository has them.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { testFor } from '../../generators/host/test-runner.ts';
import { withReferences } from '../../generators/task-files/references.ts';
import { expectRefused, packageFolder, putFiles, taskText, templateFolder, textOf } from './attacks/hostile.ts';
import { divvy, freshFolder } from './commands.ts';
import { divvyHere } from './in-process.ts';

const TASK = taskText().replace('yield 1;', 'yield* rows();');
const TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import ExampleTask from '../tasks/example-task.ts';
import { rows } from '../tasks/lib/rows.ts';

test('the task has the rows', () => assert.deepEqual([...new ExampleTask().dispatch()], rows()));
`;
/** Sorted, two of them come before the task. */
const SEVERAL = {
  'docs/notes.md': 'notes',
  'tasks/answer.ts':
    "import { readFileSync } from 'node:fs';\nexport const answer = (): number => JSON.parse(readFileSync(new URL('./answer.json', import.meta.url), 'utf8'));\n",
  'tasks/answer.json': '42\n',
  'tasks/lib/rows.ts': "import { answer } from '../answer.ts';\nexport const rows = (): number[] => [answer()];\n",
  'tasks/example-task.ts': `import { rows } from './lib/rows.ts';\n${TASK}`,
  'test/example-task.test.ts': TEST,
  'test/answer.test.ts': `import { test } from 'node:test';\nimport { answer } from '../tasks/answer.ts';\n\ntest('the answer', () => void answer());\n`,
};
const template = () => templateFolder({ permissions: { write: ['docs/'] } }, SEVERAL);
/** What is trusted is remembered in a folder that goes. */
const trusting = (argv: readonly string[], cwd: string) =>
  divvy(argv, { cwd, env: { XDG_CONFIG_HOME: freshFolder() } });
const run = (cwd: string, ...argv: string[]) => execFileSync(process.execPath, argv, { cwd, encoding: 'utf8' });

describe('the files of a template find each other', () => {
  test.each([
    ['in an ESM package', { type: 'module' }, {}, 'tasks', '.ts'],
    ['in a CommonJS package', { type: 'commonjs' }, {}, 'tasks', '.mts'],
    ['where tasks/ is taken', { type: 'module' }, { 'tasks/theirs.js': '' }, 'divvy-tasks', '.ts'],
    ['where both are so', { type: 'commonjs' }, { 'tasks/theirs.js': '' }, 'divvy-tasks', '.mts'],
  ])('%s', async (_, type, there, folder, ending) => {
    const cwd = packageFolder({ 'package.json': JSON.stringify({ name: 'mine', ...type }), ...there });
    const { code, stdout, stderr } = await trusting(['add', 'nightly', '-t', template(), '--trust'], cwd);
    expect(code, stderr).toBe(0);
    const task = `${folder}/nightly${ending}`;
    expect(stdout).toMatch(new RegExp(`${task}\\s+your task[\\s\\S]*nightly\\.test${ending}\\s+its test`));
    expect(JSON.parse(textOf(cwd, 'package.json')).scripts['divvy:nightly']).toBe(
      `exec node vendor/divvy/run.mjs ${task}`,
    );
    expect(run(cwd, 'vendor/divvy/run.mjs', task)).toBe('42\n');
    expect(run(cwd, '--test', `${folder}/nightly.test${ending}`, `${folder}/answer.test${ending}`)).toContain('pass 2');

    expect((await trusting(['add', 'nightly', '--trust'], cwd)).stdout).toContain('Nothing to do');
    // A lock may claim anything that is elsewhere.
    expectRefused(await divvyHere(['remove', 'nightly'], cwd), 3, /docs\/notes\.md/);
    expect(existsSync(join(cwd, folder, 'lib'))).toBe(false);
  });

  test.each([
    ['vitest', `import { test, vi } from 'vitest';`, 'tasks/answer.test.ts'],
    ['jest', `import { test } from 'node:test';`, 'tasks/node-test/answer.ts'],
  ])('and every test of it is one for %s', async (runner, imported, path) => {
    const scripts = { test: runner };
    const cwd = packageFolder({ 'package.json': JSON.stringify({ name: 'mine', type: 'module', scripts }) });
    expect((await trusting(['add', 'nightly', '-t', template(), '--trust'], cwd)).code).toBe(0);
    expect(textOf(cwd, path)).toContain(imported);
    const up = runner === 'jest' ? '..' : '.';
    expect(textOf(cwd, path)).toContain(`from '${up}/answer.ts'`);
    expect(existsSync(join(cwd, 'tasks/answer.test.js'))).toBe(runner === 'jest');
  });
});

// In the bundle, where ejs has nothing that reads a file.
test('an include of EJS finds another file of the template, and nothing on the disk', async () => {
  const made = (include: string) =>
    templateFolder(
      { permissions: { write: ['docs/'] } },
      {
        ...SEVERAL,
        'docs/told.md.ejs': `<%- include(${JSON.stringify(include)}, { word: 'there' }) -%>\n<%= task %>`,
        'docs/part.txt': 'with <%- word %> by <%- include("more.txt.ejs") %>',
        'docs/more.txt.ejs': 'more',
      },
    );
  const cwd = packageFolder();
  const { code, stderr } = await trusting(['add', 'nightly', '-t', made('part.txt'), '--trust'], cwd);
  expect(code, stderr).toBe(0);
  expect(textOf(cwd, 'docs/told.md')).toBe('with there by morenightly');
  for (const include of ['/etc/hostname', '../../../../../../etc/hostname', 'gone.txt']) {
    expectRefused(
      await trusting(['add', 'nightly', '-t', made(include), '--trust'], packageFolder()),
      3,
      /which is no file of the template/,
    );
  }
});

test('a test of many imports without an end is one for Vitest in a while', () => {
  const source = 'import x\n'.repeat(200_000);
  const options = { name: 'a', folder: 'test', task: 'tasks/a.ts', isModule: true };
  expect(testFor('vitest', source, options)).toEqual([
    { path: 'test/a.test.ts', text: `// @vitest-environment node\n${source}` },
  ]);
});

test('two that would be one file are refused', async () => {
  const cwd = packageFolder();
  const both = templateFolder({}, { 'tasks/rows.json': '1', 'test/rows.json': '2' });
  expectRefused(await divvyHere(['add', 'nightly', '-t', both], cwd), 3, /tasks\/rows\.json.*two of its files/);
  putFiles(cwd, { 'divvy.json': '{"tasks":"tasks","tests":"test","runtime":"vendor/divvy"}' });
  expect((await divvyHere(['add', 'nightly', '-t', both], cwd)).code).toBe(0);
});

test('what names no file of the template, or is in place already, stays as it is', () => {
  const places = new Map([
    ['tasks/a.ts', 'divvy/a.mts'],
    ['tasks/lib/b.ts', 'divvy/lib/b.mts'],
  ]);
  const source = `import './lib/b.ts'; import "../tasks/a.ts"; import './c.ts'; import 'a.ts'; const x = '.'; // './lib/b.ts`;
  expect(withReferences(source, 'tasks/a.ts', places)).toBe(
    source.replace('b.ts', 'b.mts').replace('../tasks/a.ts', './a.mts'),
  );
  expect(withReferences(source, 'tasks/a.ts', new Map([...places.keys()].map((path) => [path, path])))).toBe(
    source.replace('../tasks/a.ts', './a.ts'),
  );
});
