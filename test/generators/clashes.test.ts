// Names that are put into a template must not become names that its code has already.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { whyClashing } from '../../generators/rendering/clashes.ts';
import { findTemplate, templates } from '../../generators/sources/templates.ts';
import { putFiles, taskText, templateFolder } from './attacks/hostile.ts';
import { freshFolder, treeOf } from './commands.ts';
import { divvyHere } from './in-process.ts';

const file = (text: string, path = 'tasks/example-task.ts') => [{ path, bytes: Buffer.from(text) }];
const table = (value: string) => [{ name: 'table', value, isName: true }];

describe('a name clashes', () => {
  test.each<[string, string, string, string]>([
    ["with the task's class", 'users', 'users', 'class ExampleTask { row: ExampleTable }'],
    ['with a global that is used', 'nightly', 'promise', 'type ExampleTable = 1; const x: Promise<1>;'],
    ['with an import', 'nightly', 'sleep', "import { sleep } from 'x'; const exampleTable = 1;"],
    ['with a constant', 'nightly', 'limit', 'const LIMIT = 1; const EXAMPLE_TABLE = 2;'],
    ['with what hooks import', 'nightly', 'worker-self', 'type ExampleTable = 1;'],
    ['with a type, as the task', 'invoice', 'rows', 'type Invoice = 1; class ExampleTask {}'],
  ])('%s', (_, task, value, text) => {
    expect(whyClashing(file(text), task, table(value))).toMatch(
      /^its \w+ would be another \w+ in tasks\/example-task\.ts$/,
    );
  });
});

describe('a name clashes with nothing', () => {
  test.each<[string, string, string, string]>([
    ['in a string or a comment', 'nightly', 'users', '/* Users */ type ExampleTable = "Users"; // Users'],
    ['where it is a member', 'nightly', 'log', 'const exampleTable = 1; console.log(exampleTable);'],
    ['where it is no identifier', 'users', 'users', "class ExampleTask {} const name = 'example-table';"],
    ['where the global is not used', 'nightly', 'event', 'type ExampleTable = 1;'],
  ])('%s', (_, task, value, text) => {
    expect(whyClashing(file(text), task, table(value))).toBeUndefined();
  });

  test('in a file that is no source', () => {
    expect(
      whyClashing(file('ExampleTask Users ExampleTable', 'tasks/notes.md'), 'users', table('users')),
    ).toBeUndefined();
  });

  test('in the templates of this package', () => {
    for (const { name } of templates()) {
      expect(whyClashing(findTemplate(name).files, 'my-task', []), name).toBeUndefined();
    }
  });
});

describe('a default that clashes', () => {
  const template = () =>
    templateFolder(
      { prompts: [{ name: 'table', type: 'name', message: 'Which table?', default: 'users' }] },
      { 'tasks/example-task.ts': taskText('', 'export type ExampleTable = number;') },
    );

  test.each([
    ['create', 'users'],
    ['add', 'users'],
  ])('is refused by %s, which names the flag, and another is taken', async (command, name) => {
    const cwd = freshFolder();
    putFiles(cwd, { 'package.json': '{ "type": "module" }\n' });
    const before = treeOf(cwd);
    const argv = [command, name, '-t', template(), '--no-install', '--yes'];
    const refused = await divvyHere(argv, cwd);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(
      'error: --data table="users": its Users would be another Users in tasks/example-task.ts\n',
    );
    expect(treeOf(cwd)).toEqual(before);
    expect(await divvyHere([...argv, '--data', 'table=orders'], cwd)).toMatchObject({ code: 0 });
    expect(existsSync(join(cwd, command === 'create' ? 'users/tasks/users.ts' : 'tasks/users.ts'))).toBe(true);
  });

  test("a task that is called as a type of the template's is refused", async () => {
    const cwd = freshFolder();
    const own = templateFolder({}, { 'tasks/example-task.ts': taskText('', 'export type Invoice = number;') });
    const { code, stderr } = await divvyHere(['create', 'invoice', '-t', own, '--yes'], cwd);
    expect(code).toBe(2);
    expect(stderr).toContain('"invoice" cannot be the name of a task: its Invoice would be another Invoice in');
    expect(stderr).toContain('invoice-task');
  });
});
