// Every tsconfig that would take divvy's folders in leaves them out, and the host's own check gives what it gave.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { divvy } from '../commands.ts';
import { divvyHere } from '../in-process.ts';
import { commitAll } from '../project.ts';
import { PACKAGE, packageJson, prove, type Shape } from './proof.ts';
import { contentOf, put, repositoryWith } from './repository.ts';

const TSC = ['tsc', '-p', '.'];
const tools = ['typescript', '@types/node'];
const SOURCE = { 'package.json': packageJson(), 'src/one.ts': 'export const one: number = 1;\n' };
const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

const shapes: Record<string, Shape> = {
  'JSONC with comments and trailing commas': {
    files: {
      ...SOURCE,
      'tsconfig.json':
        '// Ours\n{\n  "compilerOptions": {\n    "strict": true, // always\n    "noEmit": true,\n    "types": [],\n  }, // the end\n}\n',
    },
    tools,
    edited: {
      ...PACKAGE,
      'tsconfig.json': ['\n  "exclude": ["node_modules", "tasks", "vendor/divvy"],'],
    },
    same: [TSC],
  },
  'paths, and an exclude of its own': {
    files: {
      ...SOURCE,
      'src/two.ts': "import { one } from '@/one';\nexport const two = one + 1;\n",
      'tsconfig.json': json({
        compilerOptions: { module: 'preserve', noEmit: true, types: [], paths: { '@/*': ['./src/*'] } },
        exclude: ['old'],
      }),
      'old/broken.ts': 'const number: string = 1;\n',
    },
    tools,
    edited: { ...PACKAGE, 'tsconfig.json': [',\n    "tasks"', ',\n    "vendor/divvy"'] },
    same: [TSC],
  },
  'project references, of which one takes all in': {
    files: {
      ...SOURCE,
      'tsconfig.json': json({ files: [], references: [{ path: './src' }, { path: './tsconfig.rest.json' }] }),
      'tsconfig.rest.json': json({ compilerOptions: { composite: true, noEmit: true, types: [] }, exclude: ['src'] }),
      'src/tsconfig.json': json({ compilerOptions: { composite: true, outDir: '../dist', types: [] } }),
      'rest.ts': 'export const rest = 1;\n',
    },
    tools,
    edited: { ...PACKAGE, 'tsconfig.rest.json': [',\n    "tasks"', ',\n    "vendor/divvy"'] },
    same: [
      ['tsc', '-p', 'src', '--listFilesOnly'],
      ['tsc', '-p', 'tsconfig.rest.json', '--listFilesOnly'],
    ],
  },
  'one that emits': {
    files: {
      ...SOURCE,
      'package.json': packageJson({ type: undefined }),
      'tsconfig.json': json({
        compilerOptions: { outDir: './dist', declaration: true, module: 'nodenext', types: [] },
      }),
    },
    tools,
    ending: '.mts',
    edited: {
      'package.json': PACKAGE['package.json'].map((piece) =>
        piece.replace('.ts"', piece.includes('tasks') ? '.mts"' : '.ts"'),
      ),
      'tsconfig.json': [',\n  "exclude": ["node_modules", "dist", "tasks", "vendor/divvy"]'],
    },
    same: [[...TSC, '--listEmittedFiles']],
  },
  'one in another folder that takes all in, and one there with a fault': {
    files: {
      ...SOURCE,
      'config/tsconfig.all.json': json({ compilerOptions: { noEmit: true, types: [] }, include: ['..'] }),
      'test/fixtures/tsconfig.json': '{ "extends": 5 }\n',
    },
    tools,
    edited: {
      ...PACKAGE,
      'config/tsconfig.all.json': [',\n  "exclude": ["node_modules", "../tasks", "../vendor/divvy"]'],
    },
    same: [['tsc', '-p', 'config/tsconfig.all.json']],
  },
  'files only, and one that includes src only': {
    files: {
      ...SOURCE,
      'tsconfig.json': json({ compilerOptions: { noEmit: true, types: [] }, files: ['src/one.ts'] }),
      'tsconfig.build.json': json({ extends: './tsconfig.json', include: ['src'] }),
    },
    tools,
    edited: PACKAGE,
    same: [TSC, ['tsc', '-p', 'tsconfig.build.json']],
  },
  'an error in it, which stays the same': {
    files: {
      ...SOURCE,
      'src/wrong.ts': 'export const wrong: string = 1;\n',
      'tsconfig.json': json({ compilerOptions: { noEmit: true, types: [] }, include: ['**/*.ts'] }),
    },
    tools,
    edited: {
      ...PACKAGE,
      'tsconfig.json': [',\n  "exclude": ["node_modules", "tasks", "vendor/divvy"]'],
    },
    same: [TSC],
  },
};

describe('a tsconfig with', () => {
  test.each(Object.entries(shapes))('%s', (_, shape) => prove(shape));
});

/** It is refused, nothing is changed, and after what it says is done by hand, it works. */
async function expectRecipe(
  files: Record<string, string>,
  within: string,
  { file, recipe, done }: { file: string; recipe: string; done: string },
  edited: Shape['edited'],
): Promise<void> {
  const root = repositoryWith(files, tools);
  const before = contentOf(root);
  const { code, stdout, stderr } = await divvy(['add', 'nightly'], { cwd: join(root, within) });
  expect({ code, stdout, stderr }).toMatchObject({ code: 3, stdout: '' });
  expect(stderr).toContain(file);
  expect(stderr).toContain(`\n  ${recipe}\n`);
  expect(contentOf(root)).toEqual(before);
  const path = join(within, file);
  put(root, { [path]: done });
  commitAll(root);
  await prove({ files: { ...files, [path]: done }, tools, within, edited, same: [['tsc', '-p', '.']] });
}

describe('refused, with a recipe that works,', () => {
  test('where the exclude is that of another file', async () => {
    const base = json({ compilerOptions: { noEmit: true, types: [] }, exclude: ['old'] });
    const files = { ...SOURCE, 'old/broken.ts': 'const number: string = 1;\n', 'base.json': base };
    await expectRecipe(
      { ...files, 'tsconfig.json': json({ extends: './base.json' }) },
      '',
      {
        file: 'tsconfig.json',
        recipe: '"exclude": ["old", "tasks", "vendor/divvy"]',
        done: json({ extends: './base.json', exclude: ['old', 'tasks', 'vendor/divvy'] }),
      },
      PACKAGE,
    );
  });

  test('where a tsconfig above takes the package in', async () => {
    await expectRecipe(
      {
        'package.json': packageJson({ private: true }),
        'tsconfig.json': json({ compilerOptions: { noEmit: true, types: [] }, include: ['packages/**/*'] }),
        'packages/one/package.json': packageJson({ name: 'one' }),
        'packages/one/one.ts': 'export const one: number = 1;\n',
      },
      'packages/one',
      {
        file: '../../tsconfig.json',
        recipe: '"exclude": ["node_modules", "packages/one/tasks", "packages/one/vendor/divvy"]',
        done: json({
          compilerOptions: { noEmit: true, types: [] },
          include: ['packages/**/*'],
          exclude: ['node_modules', 'packages/one/tasks', 'packages/one/vendor/divvy'],
        }),
      },
      PACKAGE,
    );
  });
});

test('refused is one that is a link, with what it has to say', async () => {
  const root = repositoryWith({
    ...SOURCE,
    'config/tsconfig.json': json({ compilerOptions: { noEmit: true, types: [] } }),
    'tsconfig.json': { link: 'config/tsconfig.json' },
  });
  const before = contentOf(root);
  const { code, stderr } = await divvy(['add', 'nightly'], { cwd: root });
  expect({ code, stderr }).toEqual({
    code: 3,
    stderr: expect.stringContaining("tsconfig.json:1: it would check divvy's folders, and is a symbolic"),
  });
  expect(stderr).toContain('\n  "exclude": ["node_modules", "tasks", "vendor/divvy"]\n');
  expect(contentOf(root)).toEqual(before);
});

test("divvy's own, which the package's one may refer to, stays as it is", async () => {
  const root = repositoryWith({ ...SOURCE, 'tsconfig.json': json({ files: [], references: [{ path: './tasks' }] }) });
  expect((await divvy(['add', 'nightly'], { cwd: root })).code).toBe(0);
  const own = readFileSync(join(root, 'tasks/tsconfig.json'));
  commitAll(root);
  expect((await divvy(['add', 'weekly'], { cwd: root })).code).toBe(0);
  expect(readFileSync(join(root, 'tasks/tsconfig.json'))).toEqual(own);
});

test('one whose exclude somebody has added to keeps what TypeScript would leave out without it', async () => {
  const text = json({ compilerOptions: { outDir: 'build' } });
  const root = repositoryWith({ ...SOURCE, 'tsconfig.json': text });
  const file = join(root, 'tsconfig.json');
  expect((await divvy(['add', 'nightly'], { cwd: root })).code).toBe(0);
  writeFileSync(file, readFileSync(file, 'utf8').replace('"vendor/divvy"]', '"vendor/divvy", "old"]'));
  commitAll(root);
  expect((await divvy(['remove', 'nightly'], { cwd: root })).code).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8')).exclude).toEqual(['node_modules', 'build', 'old']);
});

test('one whose base extends a package that is not installed is edited by what both say', async () => {
  const own = json({ extends: '@acme/tsconfig', compilerOptions: { noEmit: true } });
  const dist = json({ extends: './config/base', include: ['**/*'] });
  const files = { 'config/base.json': own, 'tsconfig.json': own, 'tsconfig.dist.json': dist };
  const root = repositoryWith({ ...SOURCE, ...files });
  expect(await divvy(['add', 'nightly'], { cwd: root })).toMatchObject({ code: 0, stderr: '' });
  const exclude = ['node_modules', 'tasks', 'vendor/divvy'];
  expect(JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')).exclude).toEqual(exclude);
  expect(JSON.parse(readFileSync(join(root, 'tsconfig.dist.json'), 'utf8')).exclude).toEqual(exclude);
  commitAll(root);
  expect((await divvy(['remove', 'nightly'], { cwd: root })).code).toBe(0);
  for (const [path, text] of Object.entries(files)) expect(readFileSync(join(root, path), 'utf8')).toBe(text);
});

test('one whose base is a package that is not installed is edited by what it says itself', async () => {
  const text = json({ extends: '@tsconfig/strictest/tsconfig.json', compilerOptions: { noEmit: true } });
  const root = repositoryWith({ ...SOURCE, 'tsconfig.json': text });
  const { code, stderr } = await divvy(['add', 'nightly'], { cwd: root });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))).toEqual({
    ...JSON.parse(text),
    exclude: ['node_modules', 'tasks', 'vendor/divvy'],
  });
  commitAll(root);
  expect((await divvy(['remove', 'nightly'], { cwd: root })).code).toBe(0);
  expect(readFileSync(join(root, 'tsconfig.json'), 'utf8')).toBe(text);
});

test.each([
  ['{"extends":null}', 'extends is no text: null'],
  ['{"extends":[1]}', 'extends is no text: [1]'],
  ['{"files":""}', 'files is no list of texts: ""'],
  ['{"include":"src"}', 'include is no list of texts: "src"'],
  ['{"exclude":[{}]}', 'exclude is no list of texts: [{}]'],
  ['{"compilerOptions":5}', 'compilerOptions is no object'],
  ['{"compilerOptions":{"outDir":5}}', 'outDir is no text: 5'],
  ['{"compilerOptions":{"paths":{"a":"b"}}}', 'TypeScript could not use it, or what it extends'],
  ['{"extends":"./tsconfig.json"}', 'Circularity'],
  ['{"extends":"./none.json"}', "'./none.json' not found"],
  ['[]', 'it is not one JSON object'],
  ['', 'it is not JSON'],
])('%s is refused with words, and nothing is written', async (text, words) => {
  const root = repositoryWith({ ...SOURCE, 'tsconfig.json': text });
  const before = contentOf(root);
  const { code, stderr } = await divvyHere(['add', 'nightly'], root);
  expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining(words) });
  expect(stderr).toContain('tsconfig.json:1:');
  expect(contentOf(root)).toEqual(before);
});
