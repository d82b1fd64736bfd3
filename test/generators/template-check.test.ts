// `divvy template check`: each thing that can be wrong with a template, with its file and its line.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { divvy, freshFolder, home } from './commands.ts';
import { newTemplate, put } from './new-template.ts';

/** What check finds in a template after a change to it. */
async function found(change: (folder: string) => void): Promise<{ code: number | null; lines: string[] }> {
  const folder = await newTemplate();
  change(folder);
  const { code, stdout } = await divvy(['template', 'check', '.'], { cwd: folder });
  return { code, lines: stdout.trimEnd().split('\n') };
}

const USUAL = { schemaVersion: 1, name: 'backfill', description: 'Goes over rows', version: '1.0.0' };
const TABLE = { name: 'table', type: 'name', message: 'Which?', default: 'users' };
const LABEL = { name: 'label', type: 'text', message: 'What?', default: 'row' };

test('template check tells of what would not arrive: a file that npm leaves out, and an empty folder', async () => {
  const { code, lines } = await found((folder) => {
    put(folder, 'files/tasks/.gitignore', 'x\n');
    put(folder, 'files/tasks/.DS_Store', 'x');
    mkdirSync(join(folder, 'files/tasks/data'));
  });
  expect(code).toBe(3);
  expect(lines).toEqual([
    'files/tasks/.gitignore:1: npm leaves .gitignore out of a package, and obeys it: call this file _gitignore',
    expect.stringMatching(/^files\/tasks\/.gitignore:1: it may not be written/),
    'files/tasks/data:1: note: an empty folder is not kept: put a file into it',
    'backfill: 2 faults',
  ]);
});

describe('template check tells', () => {
  test.each([
    ['an unknown key', { nmae: 1 }, 'the manifest has an unknown key "nmae"'],
    ['a type that is none', { prompts: [TABLE, { ...LABEL, type: 'txt' }] }, 'prompts[1].type must be one of: name'],
    ['two prompts of a name', { prompts: [TABLE, LABEL, LABEL] }, 'there are two prompts of the name label'],
    ['a prompt called task', { prompts: [TABLE, LABEL, { ...LABEL, name: 'task' }] }, 'no prompt is called task'],
    [
      'a choice without choices',
      { prompts: [TABLE, { ...LABEL, type: 'choice', default: undefined }] },
      'label is a choice without choices',
    ],
    ['a pattern that is none', { prompts: [TABLE, { ...LABEL, pattern: '(' }] }, 'the pattern of label is none'],
    [
      'a default that is no answer',
      { prompts: [{ ...TABLE, default: 'A B' }, LABEL] },
      'the default of table is no answer',
    ],
    ['a default off its pattern', { prompts: [TABLE, { ...LABEL, pattern: '\\d+' }] }, 'it does not match \\d+'],
    [
      'when that comes later',
      { prompts: [{ ...TABLE, when: { label: 'x' } }, LABEL] },
      'label is not the name of a prompt',
    ],
    ['when that never is', { prompts: [TABLE, { ...LABEL, when: { table: 'A B' } }] }, 'table never has that answer'],
    ['a hook that is none', { hooks: ['beforeLunch'] }, 'there is no hook beforeLunch'],
    ['a range that is none', { requires: { node: '>=x.y' } }, '">=x.y" is no range of versions'],
    ['a path that is not safe', { permissions: { write: ['../x'] } }, '"../x": it leaves the folder'],
    [
      'a script that npm runs',
      { permissions: { packageJson: { scripts: { postinstall: 'x' } } } },
      'the script postinstall is run by a package manager itself',
    ],
    [
      'a prompt that nothing uses',
      { prompts: [TABLE, LABEL, { ...LABEL, name: 'spare' }] },
      'nothing uses the answer to spare',
    ],
  ])('%s', async (_, change, message) => {
    const text = JSON.stringify({ ...USUAL, prompts: [TABLE, LABEL], ...change }, null, 2);
    const { code, lines } = await found((folder) => {
      put(folder, 'divvy.template.json', text);
      put(folder, 'tests/default.json', '{}');
    });
    expect(lines.join('\n')).toContain(message);
    expect(lines.at(-1)).toBe('backfill: 1 fault');
    expect(code).toBe(3);
  });

  test.each([
    ['JSON that is none', 'divvy.template.json', '{\n  "name": "x",,\n}\n', 'divvy.template.json:2: it is not JSON'],
    [
      'a placeholder of no prompt',
      'files/tasks/more.ts',
      "\nexport const a = 'example-tabel';\n",
      'more.ts:2: example-tabel is no',
    ],
    ['the same in a path', 'files/tasks/example-tabel.ts', '', 'example-tabel.ts:1: example-tabel is no'],
    [
      'a text that is no literal',
      'files/tasks/more.ts',
      '// example-label\n',
      'more.ts:1: example-label is in no string literal',
    ],
    ['a text in a path', 'files/tasks/example-label.ts', '', 'only names may be in a path'],
    ['TypeScript that is none', 'files/tasks/more.ts', 'let = 1 +;\n', 'more.ts:1: this is not valid TypeScript'],
    [
      'declarations that are none',
      'files/tasks/more.d.ts',
      'declare const = 1 +;\n',
      'more.d.ts:1: this is not valid TypeScript',
    ],
    ['a file that may not be there', 'files/src/x.ts', '', 'files/src/x.ts:1: it may not be written'],
    [
      'a set of answers that are none',
      'tests/x.json',
      '{"answers":{"table":"A B"}}',
      'tests/x.json:1: the answer to table',
    ],
    [
      'a test that is imported in lines',
      'files/test/example-task.test.ts',
      "import {\n  test,\n} from 'node:test';\n",
      'test.ts:1: what is imported from node:test',
    ],
    [
      'what others do not have',
      'files/test/example-task.test.ts',
      "import { run, test } from 'node:test';\n",
      'run is what node:test has',
    ],
    [
      'mock beside test',
      'files/test/example-task.test.ts',
      "import { mock, test } from 'node:test';\n",
      'mock has to be in an import of its own',
    ],
    [
      'other quotes',
      'files/test/example-task.test.ts',
      '\nimport T from "../tasks/example-task.ts";\n',
      "test.ts:2: the task has to be written '../tasks/example-task.ts'",
    ],
  ])('%s', async (_, path, text, message) => {
    const { code, lines } = await found((folder) => put(folder, path, text));
    expect(lines.join('\n')).toContain(message);
    expect(lines.at(-1)).toMatch(/: 1 fault$/);
    expect(code).toBe(3);
  });

  test('a manifest that is too deep to be read', async () => {
    const folder = await newTemplate();
    put(folder, 'divvy.template.json', `{"name":${'['.repeat(30_000)}${']'.repeat(30_000)}}`);
    for (const command of ['check', 'test']) {
      const { code, stdout, stderr } = await divvy(['template', command], { cwd: folder });
      expect(stdout + stderr).toMatch(/nested more (than \d+ levels deep|deeply than can be read)/);
      expect(stdout + stderr).not.toMatch(/\n\s+at |RangeError/);
      expect(code).toBe(3);
    }
  });

  test('everything at once, files that are missing too, and as one object', async () => {
    const folder = await newTemplate();
    rmSync(join(folder, 'files/test'), { recursive: true });
    put(folder, 'files/tasks/more.ts', '// example-label\n// example-tabel\n');
    const { code, stdout, stderr } = await divvy(['template', 'check', folder, '--json'], { cwd: freshFolder() });
    expect(code).toBe(3);
    const { command, faults, templates } = JSON.parse(stdout);
    expect({ command, faults }).toEqual({ command: 'template check', faults: 3 });
    expect(
      templates[0].findings.map(({ file, line, kind }: Record<string, unknown>) => `${file}:${line} ${kind}`),
    ).toEqual([
      'files/test/example-task.test.ts:1 fault',
      'files/tasks/more.ts:2 fault',
      'files/tasks/more.ts:1 fault',
    ]);
    expect(stderr).toContain('backfill: 3 faults');
  });

  test('an .ejs as what needs trust, without running it', async () => {
    const { code, lines } = await found((folder) => {
      put(folder, 'files/tasks/list.txt.ejs', '<% process.exit(7) %><%= 1 %>');
    });
    expect(lines).toEqual([
      'files/tasks/list.txt.ejs:1: note: this is code, so the template is used only where it is trusted',
      'backfill: nothing is wrong',
    ]);
    expect(code).toBe(0);
  });

  test('nothing of the built-in templates', async () => {
    const { code, stdout } = await divvy(['template', 'check', join(home, 'templates')], { cwd: freshFolder() });
    const good = ['team-template', 'basic', 'csv', 'dance-party', 'files', 'http', 'postgres', 'sqlite'];
    expect(stdout).toBe(good.map((name) => `${name}: nothing is wrong\n`).join(''));
    expect(code).toBe(0);
  });
});
