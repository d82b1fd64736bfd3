// The lists of what a program leaves alone: what is put into them means divvy's own folders, and none of the package's.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { divvyHere } from '../in-process.ts';
import { packageJson } from './proof.ts';
import { contentOf, repositoryWith, runIn, type Tree } from './repository.ts';

vi.setConfig({ testTimeout: 600_000 });

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

async function added(files: Tree, tools: readonly string[] = [], ...flags: string[]) {
  const root = repositoryWith(files, tools);
  const before = contentOf(root);
  const { code, stdout, stderr } = await divvyHere(['add', 'nightly', '--json', ...flags], root);
  expect(code, stderr).toBe(0);
  const { byHand }: { byHand: { file: string; line: string }[] } = JSON.parse(stdout);
  const lines = byHand.map(({ file, line }) => `${file}: ${line}`);
  return { root, before, lines, text: (path: string) => readFileSync(join(root, path), 'utf8') };
}

async function expectGone(root: string, before: object): Promise<void> {
  expect(await divvyHere(['remove', 'nightly', '--allow-dirty'], root)).toMatchObject({ code: 0, stderr: '' });
  expect(contentOf(root)).toEqual(before);
}

describe('a runtime in a folder at the top: one of its name elsewhere is still looked at by', () => {
  const wrong = { 'src/divvy/wrong.js': 'debugger;var   x = 1' };
  const package_ = { 'package.json': packageJson() };

  test.each<[string, Tree, readonly string[], (root: string) => Promise<string>]>([
    [
      'Prettier',
      { ...package_, '.prettierrc': '{}\n' },
      ['prettier'],
      async (root) => (await runIn(root, ['prettier', '--check', '.'])).stderr,
    ],
    [
      'Oxfmt',
      { ...package_, '.oxfmtrc.json': '{}\n' },
      ['oxfmt'],
      async (root) => (await runIn(root, ['oxfmt', '--check'])).stdout,
    ],
    [
      'Oxlint',
      { ...package_, '.oxlintrc.json': '{}\n' },
      ['oxlint'],
      async (root) => (await runIn(root, ['oxlint', '--format', 'unix'])).stdout,
    ],
    [
      'dprint',
      { ...package_, 'dprint.json': json({ includes: ['**/*.{js,ts}'], plugins: [] }) },
      ['dprint'],
      async (root) => {
        const plugin = join(import.meta.dirname, '../../../node_modules/@dprint/typescript/plugin.wasm');
        return (await runIn(root, ['dprint', 'output-file-paths', '--plugins', plugin])).stdout;
      },
    ],
  ])('%s', async (_, files, tools, look) => {
    const { root, before } = await added({ ...files, ...wrong }, tools, '--runtime-dir', 'divvy');
    const said = await look(root);
    expect(said).toContain('src/divvy/wrong.js');
    expect(said).not.toMatch(/(^|[^c])[/\s]divvy\/index\.ts/);
    await expectGone(root, before);
  });
});

test('where ESLint and standard leave the tasks alone, it is not for every folder of that name', async () => {
  const { root, before, text } = await added({
    'package.json': packageJson({ devDependencies: { 'ts-standard': '*' } }),
    '.eslintrc.json': '{ "extends": ["airbnb-base"] }\n',
    '.eslintignore': 'dist/\n',
  });
  expect(text('.eslintignore')).toBe('dist/\nvendor/divvy/\n/tasks/\n');
  expect(JSON.parse(text('package.json'))['ts-standard']).toEqual({ ignore: ['/tasks/'] });
  await expectGone(root, before);
});

describe('a list that is not where, or not as, it usually is:', () => {
  test.each(['cSpell.json', '.cSpell.json', 'cspell.config.jsonc'])("cspell's %s", async (name) => {
    const { root, before, text } = await added({ 'package.json': packageJson(), [name]: '{ "version": "0.2" }\n' });
    expect(JSON.parse(text(name))).toEqual({
      version: '0.2',
      ignorePaths: ['vendor/divvy', 'divvy.lock.json'],
      words: ['divvy', 'Parallelizable'],
    });
    await expectGone(root, before);
  });

  test("cspell's, in package.json", async () => {
    const { root, before, text } = await added({ 'package.json': packageJson({ cspell: { words: ['tsdown'] } }) });
    expect(JSON.parse(text('package.json')).cspell).toEqual({
      ignorePaths: ['vendor/divvy', 'divvy.lock.json'],
      words: ['tsdown', 'divvy', 'Parallelizable'],
    });
    await expectGone(root, before);
  });

  test.each<[string, Tree, string[]]>([
    [
      'a link, mostly to .gitignore',
      {
        'package.json': packageJson({ devDependencies: { 'remark-cli': '*' } }),
        '.prettierrc': '{}\n',
        '.eslintrc.json': '{}\n',
        ...Object.fromEntries(
          ['prettier', 'eslint', 'remark'].map((name) => [`.${name}ignore`, { link: '.gitignore' }] as const),
        ),
        'base.json': '{}\n',
        'dprint.json': { link: 'base.json' },
        '.oxlintrc.json': { link: 'base.json' },
      },
      [
        '.prettierignore: vendor/divvy/, once this is a file of its own: it is a link now',
        '.prettierignore: divvy.lock.json, once this is a file of its own: it is a link now',
        'dprint.json: "excludes": ["vendor/divvy"]',
        'dprint.json: "excludes": ["divvy.lock.json"]',
        '.eslintignore: vendor/divvy/, once this is a file of its own: it is a link now',
        '.oxlintrc.json: "ignorePatterns": ["vendor/divvy/"]',
        '.remarkignore: vendor/divvy/, once this is a file of its own: it is a link now',
      ],
    ],
    [
      'no settings, but none',
      { 'package.json': packageJson({ devDependencies: { xo: '0.60.0' }, xo: false }) },
      ['package.json: "xo": [..., { "ignores": ["tasks/**"] }], with the settings that are there as its first element'],
    ],
    [
      'one text in place of it',
      { 'package.json': packageJson({ devDependencies: { 'ts-standard': '*' }, 'ts-standard': { ignore: 'dist/' } }) },
      ['package.json: "ts-standard": { "ignore": ["/tasks/"] }'],
    ],
    [
      'another file, which a script names',
      {
        'package.json': packageJson({
          scripts: {
            prose: 'remark . --frail --ignore-path .gitignore && markdownlint -p .gitignore **/*.md',
            test: 'node --test',
          },
          devDependencies: { 'remark-cli': '*', 'markdownlint-cli': '*' },
        }),
      },
      [
        'package.json: --ignore-pattern vendor/divvy/, in each script that runs remark with .gitignore',
        'package.json: --ignore vendor/divvy/, in each script that runs markdownlint with .gitignore',
      ],
    ],
  ])('%s', async (_, files, expected) => {
    const { root, before, lines } = await added(files);
    expect(lines).toEqual(expected);
    await expectGone(root, before);
  });
});

test('where Biome breaks every list, however short, what is put in is as it wants it', async () => {
  const files = {
    'package.json': packageJson(),
    'tsconfig.json': json({ compilerOptions: { strict: true } }),
    'biome.json': json({ json: { formatter: { expand: 'always' } }, formatter: { indentStyle: 'space' } }),
  };
  const { root, before } = await added(files, ['@biomejs/biome']);
  const ran = await runIn(root, ['biome', 'format', '.']);
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
  await expectGone(root, before);
});
