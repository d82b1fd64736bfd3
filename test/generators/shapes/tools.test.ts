// The repository's own formatters and linters: run on what is for people to edit, and told to leave the rest alone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { divvy, home } from '../commands.ts';
import { commitAll } from '../project.ts';
import { PACKAGE, packageJson, prove, type Shape } from './proof.ts';
import { put, repositoryWith, runIn } from './repository.ts';

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
const BIOME = {
  formatter: { indentStyle: 'tab' },
  javascript: { formatter: { quoteStyle: 'double' } },
};
const TABS = { 'package.json': PACKAGE['package.json'].map((piece) => piece.replaceAll('  ', '\t')) };
const plugin = (name: string) => join(home, 'node_modules/@dprint', name, 'plugin.wasm');
const DPRINT = {
  typescript: { useTabs: true },
  json: {},
  excludes: ['old'],
  plugins: [plugin('typescript'), plugin('json')],
};

const shapes: Record<string, Shape> = {
  'Prettier, by its dependency alone': {
    files: { 'package.json': packageJson({ devDependencies: { prettier: '*' } }) },
    tools: ['prettier'],
    edited: PACKAGE,
    made: ['.prettierignore'],
    checks: [['prettier', '--check', '.']],
  },
  'Prettier, with settings in package.json and CRLF': {
    files: { 'package.json': packageJson({ prettier: { endOfLine: 'crlf' } }).replaceAll('\n', '\r\n') },
    tools: ['prettier'],
    edited: { 'package.json': PACKAGE['package.json'].map((piece) => piece.replaceAll('\n', '\r\n')) },
    made: ['.prettierignore'],
    checks: [['prettier', '--check', '.']],
  },
  'Biome for a linter, and Prettier': {
    files: {
      'package.json': packageJson(),
      'biome.json': '{\n  "formatter": {\n    "enabled": false\n  }\n}\n',
      '.prettierrc': '{ "singleQuote": true, "semi": false }\n',
    },
    tools: ['@biomejs/biome', 'prettier'],
    edited: {
      ...PACKAGE,
      'biome.json': [',\n  "files": {\n    "includes": ["**", "!vendor/divvy", "!divvy.lock.json"]\n  }'],
    },
    made: ['.prettierignore'],
    checks: [
      ['biome', 'ci', '.'],
      ['prettier', '--check', '.'],
    ],
  },
  'Prettier, with an ignore list in CRLF without an end': {
    files: {
      'package.json': packageJson().replaceAll('  ', '\t'),
      '.prettierrc.json': '{ "semi": false, "useTabs": true }\n',
      '.prettierignore': '# ours\r\nbuild',
    },
    tools: ['prettier'],
    edited: { ...TABS, '.prettierignore': ['\r\nvendor/divvy/', '\r\ndivvy.lock.json'] },
    checks: [['prettier', '--check', '.']],
  },
  Biome: {
    files: {
      'package.json': packageJson().replaceAll('  ', '\t'),
      'biome.json': `${JSON.stringify(BIOME, null, '\t')}\n`,
    },
    tools: ['@biomejs/biome'],
    edited: {
      ...TABS,
      'biome.json': [',\n\t"files": {\n\t\t"includes": ["**", "!vendor/divvy", "!divvy.lock.json"]\n\t}'],
    },
    checks: [['biome', 'ci', '.']],
  },
  'Biome, with a list of its own': {
    files: {
      'package.json': packageJson(),
      'biome.jsonc':
        '{\n  // What is ours.\n  "files": { "includes": ["**", "!old"] },\n  "formatter": { "indentStyle": "space" }\n}\n',
    },
    tools: ['@biomejs/biome'],
    edited: { ...PACKAGE, 'biome.jsonc': [', "!vendor/divvy"', ', "!divvy.lock.json"'] },
    checks: [['biome', 'ci', '.']],
  },
  'Biome, with a list in what it extends': {
    files: {
      'package.json': packageJson(),
      'biome.json': '{\n  "extends": ["./base.json"]\n}\n',
      'base.json': '{\n  "formatter": { "indentStyle": "space" },\n  "files": { "includes": ["**", "!old"] }\n}\n',
      'old/wrong.js': 'var   wrong\n',
    },
    tools: ['@biomejs/biome'],
    edited: PACKAGE,
    byHand: {
      'biome.json':
        '{\n  "extends": ["./base.json"],\n  "files": { "includes": ["!vendor/divvy", "!divvy.lock.json"] }\n}\n',
    },
    checks: [['biome', 'ci', '.']],
  },
  dprint: {
    files: { 'package.json': packageJson(), 'dprint.json': json(DPRINT) },
    tools: ['dprint'],
    edited: {
      ...PACKAGE,
      // A list that is sorted stays sorted.
      'dprint.json': ['"divvy.lock.json",\n    ', ',\n    "vendor/divvy"'],
    },
    checks: [['dprint', 'check']],
  },
  '.eslintignore and .oxlintrc.json': {
    files: {
      'package.json': packageJson({ devDependencies: { eslint: '8' } }),
      '.eslintignore': 'build/\n',
      '.oxlintrc.json': '{ "rules": {} }\n',
    },
    edited: {
      ...PACKAGE,
      '.eslintignore': ['vendor/divvy/\n'],
      '.oxlintrc.json': [', "ignorePatterns": ["vendor/divvy/"]'],
    },
  },
};

describe('a repository with', () => {
  test.each(Object.entries(shapes))('%s', (_, shape) => prove(shape));
});

describe('what is not in the package is left alone, and said:', () => {
  const files = {
    'package.json': packageJson({ workspaces: ['packages/*'] }),
    'packages/one/package.json': packageJson({ name: 'one' }),
  };

  test.each([
    [
      'Prettier',
      { '.prettierrc': '{}\n' },
      'prettier',
      ['prettier', '--check', '.'],
      {
        '.prettierignore': 'packages/one/vendor/divvy/\npackages/one/divvy.lock.json\n',
      },
    ],
    [
      'Biome',
      { 'biome.json': json({ formatter: { indentStyle: 'space' } }) },
      '@biomejs/biome',
      ['biome', 'ci', '.'],
      {
        'biome.json': json({
          formatter: { indentStyle: 'space' },
          files: { includes: ['**', '!packages/one/vendor/divvy', '!packages/one/divvy.lock.json'] },
        }),
      },
    ],
    [
      'dprint',
      { 'dprint.json': json({ ...DPRINT, excludes: ['**/package.json'] }) },
      'dprint',
      ['dprint', 'check'],
      {
        'dprint.json': json({
          ...DPRINT,
          excludes: ['**/package.json', 'packages/one/vendor/divvy', 'packages/one/divvy.lock.json'],
        }),
      },
    ],
  ])('%s at the root of the workspace', async (_, settings, tool, check, done) => {
    const root = repositoryWith({ ...files, ...settings }, [tool]);
    const cwd = join(root, 'packages/one');
    expect(await runIn(root, check)).toMatchObject({ code: 0 });
    const { code, stdout, stderr } = await divvy(['add', 'nightly', '--json'], { cwd });
    expect({ code, stderr }, stderr).toMatchObject({ code: 0 });
    const { byHand } = JSON.parse(stdout);
    expect(byHand.map(({ file }: { file: string }) => file)).toEqual([
      `../../${Object.keys(done)[0]}`,
      `../../${Object.keys(done)[0]}`,
    ]);
    for (const { file, line } of byHand) {
      expect(stderr).toContain(file);
      expect(stderr).toContain(line);
    }
    put(root, done);
    const after = await runIn(root, check);
    expect(after, after.stdout + after.stderr).toMatchObject({ code: 0 });
    // What is written is not asked for again.
    expect(JSON.parse((await divvy(['add', 'weekly', '--json'], { cwd })).stdout).byHand).toEqual([]);
  });

  test('ESLint, whose configuration is a program', async () => {
    const config = (lines: string) => `export default [\n${lines}  { rules: { 'no-undef': 'error' } },\n];\n`;
    const root = repositoryWith({ 'package.json': packageJson(), 'eslint.config.js': config('') }, ['eslint']);
    expect(await runIn(root, ['eslint', '.'])).toMatchObject({ code: 0 });
    const { code, stdout } = await divvy(['add', 'nightly'], { cwd: root });
    expect(code).toBe(0);
    const line = "{ ignores: ['vendor/divvy/', 'divvy.lock.json'] },";
    expect(stdout).toMatch(new RegExp(`eslint.config.js +${line.replaceAll(/[[\]{}]/g, '\\$&')}`));
    expect(await runIn(root, ['eslint', '.'])).toMatchObject({ code: 1 });
    put(root, { 'eslint.config.js': config(`  ${line}\n`) });
    expect(await runIn(root, ['eslint', '.'])).toMatchObject({ code: 0 });
  });
});

test('Biome whose settings extend others is left to its owner', async () => {
  const root = repositoryWith({ 'package.json': packageJson(), 'biome.json': json({ extends: ['@acme/biome'] }) });
  const { code, stdout } = await divvy(['add', 'nightly'], { cwd: root });
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /biome\.json +"files": \{ "includes": \["!vendor\/divvy", "!divvy\.lock\.json"\] \}, with "\*\*"/,
  );
  put(root, { 'biome.json': '{ "extends": ["@acme/biome"], "files": { "includes": ["!vendor/divvy"] } }\n' });
  expect((await divvy(['add', 'weekly'], { cwd: root })).stdout).not.toContain('by hand');
});

test("ESLint's old settings in package.json are known", async () => {
  const root = repositoryWith({ 'package.json': packageJson({ eslintConfig: { root: true } }) });
  const { stdout } = await divvy(['add', 'nightly'], { cwd: root });
  expect(stdout).toMatch(/\.eslintignore +vendor\/divvy\/\n/);
});

test('a formatter that is not installed is told of, and is told what to leave alone all the same', async () => {
  const root = repositoryWith({ 'package.json': packageJson(), '.prettierrc': '{}\n' });
  const { code, stderr } = await divvy(['add', 'nightly'], { cwd: root });
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining('prettier is set up here, but is not in node_modules'),
  });
  expect(readFileSync(join(root, '.prettierignore'), 'utf8')).toBe('vendor/divvy/\ndivvy.lock.json\n');
});

test('a formatter that fails is told of, and the files are written as they come', async () => {
  const root = repositoryWith({ 'package.json': packageJson(), '.prettierrc': '{ "semi": }' }, ['prettier']);
  const { code, stderr } = await divvy(['add', 'nightly'], { cwd: root });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stderr).toContain('prettier could not format tasks/nightly.ts, which is written as it comes:');
  expect(stderr.match(/written as it comes:\n/g)).toHaveLength(1);
  commitAll(root);
  expect((await divvy(['remove', 'nightly'], { cwd: root })).code).toBe(0);
});

test.each([
  ['its schema', { $schema: 'https://biomejs.dev/schemas/1.9.4/schema.json' }, []],
  ['what it ignores', { files: { ignore: ['dist'] } }, ['dist']],
  ['what only it has', { organizeImports: { enabled: true } }, []],
])('Biome before 2.0, known by %s, has a list of its own for what it leaves alone', async (_, settings, before) => {
  const root = repositoryWith({ 'package.json': packageJson(), 'biome.json': json(settings) });
  expect((await divvy(['add', 'nightly'], { cwd: root })).code).toBe(0);
  const { files, ...rest } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
  // Of one that is there, and the first of ours, the second makes a list that is sorted.
  const ours = before.length > 0 ? ['divvy.lock.json', 'vendor/divvy'] : ['vendor/divvy', 'divvy.lock.json'];
  expect(files).toEqual({ ignore: [...before, ...ours] });
  expect(rest).toEqual({ ...settings, files: undefined });
});
