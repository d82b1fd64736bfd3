// The repository's own checks pass after a command as before it; or the line that has to be added is shown, and then they do.
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { divvyHere } from '../in-process.ts';
import { packageJson } from './proof.ts';
import { contentOf, put, repositoryWith, runIn, type Tree } from './repository.ts';

vi.setConfig({ testTimeout: 600_000 });

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;
const LISTED = ['node_modules', 'dist', 'coverage', 'storybook-static', 'e2e'];

const LINT = 'oxlint -c .config/.oxlintrc.json --type-aware';

interface Shape {
  readonly files: Tree;
  readonly tools: readonly string[];
  readonly checks: readonly (readonly string[])[];
  /** What is written by hand, as it was told to. */
  readonly byHand?: Tree;
  /** What has to be in a file afterwards. */
  readonly holds?: Readonly<Record<string, string>>;
}

const shapes: Record<string, Shape> = {
  'Oxfmt, by its dependency alone': {
    files: {
      // In the order that it has them in.
      'package.json': json({
        name: 'host',
        version: '1.0.0',
        type: 'module',
        main: 'index.js',
        types: 'index.d.ts',
        scripts: { test: 'node --test' },
        devDependencies: { oxfmt: '*' },
      }),
    },
    tools: ['oxfmt'],
    checks: [['oxfmt', '--check']],
    holds: { '.prettierignore': 'vendor/divvy/\ndivvy.lock.json\n' },
  },
  'Oxfmt, with settings, and Oxlint by types, with settings in .config': {
    files: {
      'package.json': packageJson({
        scripts: { test: 'node --test', lint: LINT },
        devDependencies: { 'oxlint-tsgolint': '*' },
      }),
      '.oxfmtrc.jsonc': '{\n  // Ours.\n  "singleQuote": true,\n  "ignorePatterns": ["old"],\n}\n',
      '.config/.oxlintrc.json': '{ "rules": { "typescript/no-explicit-any": "error" } }\n',
      'index.ts': 'export const one = 1;\n',
    },
    tools: ['oxfmt', 'oxlint', 'oxlint-tsgolint', '@types/node'],
    byHand: {
      'package.json': packageJson({
        scripts: { test: 'node --test', lint: `${LINT} --ignore-pattern vendor/divvy/` },
        devDependencies: { 'oxlint-tsgolint': '*' },
      }),
      '.config/.oxlintrc.json': json({
        rules: { 'typescript/no-explicit-any': 'error', 'typescript/require-await': 'error' },
        overrides: [
          {
            files: ['**/tasks/**'],
            rules: { 'typescript/no-floating-promises': 'off', 'typescript/require-await': 'off' },
          },
        ],
      }),
    },
    checks: [
      ['oxfmt', '--check', 'tasks', 'package.json', 'divvy.json', 'vendor', '--no-error-on-unmatched-pattern'],
      ['npm', 'run', 'lint'],
    ],
    holds: { '.oxfmtrc.jsonc': '["old", "vendor/divvy/", "divvy.lock.json"]' },
  },
  'Prettier, for which a list gets too long, or is in package.json, and Knip': {
    files: {
      'package.json': packageJson({ devDependencies: { knip: '*', prettier: '*', 'ts-standard': '*' } }),
      'tsconfig.json': `{\n  "exclude": [${LISTED.map((each) => `"${each}"`).join(', ')}]\n}\n`,
      'knip.json': '{\n  "ignoreDependencies": ["prettier", "ts-standard"]\n}\n',
      'index.js': '',
    },
    tools: ['prettier', 'knip'],
    checks: [['prettier', '--check', '.'], ['knip']],
    holds: {
      'package.json': '"ignore": [\n      "/tasks/"\n    ]',
      'tsconfig.json': `[\n${[...LISTED, 'tasks', 'vendor/divvy'].map((each) => `    "${each}"`).join(',\n')}\n  ]`,
    },
  },
  'Prettier by a command that does not look at .prettierignore': {
    files: { 'package.json': scripts({ format: 'prettier --check . --ignore-path .gitignore' }, 'prettier') },
    tools: ['prettier'],
    checks: [['npm', 'run', 'format']],
    byHand: {
      'package.json': scripts(
        { format: 'prettier --check . --ignore-path .gitignore --ignore-path .prettierignore' },
        'prettier',
      ),
    },
  },
};

function scripts(all: object, tool: string): string {
  return packageJson({ scripts: all, devDependencies: { [tool]: '*' } });
}

describe('a repository with', () => {
  test.each(Object.entries(shapes))('%s', async (_, { files, tools, checks, byHand, holds = {} }) => {
    const root = repositoryWith(files, tools);
    const before = contentOf(root);
    const expectChecked = async () => {
      for (const check of checks) {
        const { code, stdout, stderr } = await runIn(root, check);
        expect(code, `${check.join(' ')}\n${stdout}${stderr}`).toBe(0);
      }
    };
    await expectChecked();
    expect(await divvyHere(['add', 'nightly'], root)).toMatchObject({ code: 0, stderr: '' });
    for (const [path, text] of Object.entries(holds)) expect(readFileSync(join(root, path), 'utf8')).toContain(text);
    const after = Object.keys(byHand ?? {}).map((path) => [path, readFileSync(join(root, path))] as const);
    put(root, byHand ?? {});
    await expectChecked();
    put(root, Object.fromEntries(after));
    expect(await divvyHere(['remove', 'nightly'], root)).toMatchObject({ code: 0, stderr: '' });
    expect(contentOf(root)).toEqual(before);
  });
});

/** What is told to be written by hand, and the answer's other parts. */
async function added(files: Tree) {
  const root = repositoryWith(files);
  const { code, stdout, stderr } = await divvyHere(['add', 'nightly', '--json'], root);
  expect(code, stderr).toBe(0);
  const answer: { byHand: { file: string; line: string }[]; nextSteps: string[] } = JSON.parse(stdout);
  return {
    root,
    lines: answer.byHand.map(({ file, line }) => `${file}: ${line}`),
    nextSteps: answer.nextSteps,
    stderr,
  };
}

const OF_BOTH = (tool: string) =>
  `package.json: --ignore-path .prettierignore, in each script that runs ${tool} with --ignore-path .gitignore`;

test.each<[string, Tree, string[]]>([
  [
    'ESLint before 9',
    { '.eslintrc': '{}', 'package.json': scripts({ lint: 'eslint . --ignore-path=.gitignore' }, 'eslint') },
    ['package.json: --ignore-pattern vendor/divvy/, in each script that runs eslint with --ignore-path .gitignore'],
  ],
  [
    'Prettier',
    { 'package.json': scripts({ format: 'npx prettier --ignore-path .gitignore -c .' }, 'prettier') },
    [OF_BOTH('prettier')],
  ],
  [
    'Oxfmt',
    { 'package.json': scripts({ format: 'oxfmt --ignore-path ".gitignore" && ls' }, 'oxfmt') },
    [OF_BOTH('oxfmt')],
  ],
  [
    'Prettier before 3, whose commands take one such file',
    {
      'package.json': scripts({ format: 'prettier --check . --ignore-path .gitignore' }, 'prettier'),
      'node_modules/prettier/package.json': '{ "version": "2.8.8" }',
    },
    [
      "package.json: '!vendor/divvy/' '!divvy.lock.json', in each script that runs prettier with --ignore-path .gitignore",
    ],
  ],
  [
    'Oxlint by types, with settings in another folder',
    {
      'package.json': packageJson({ scripts: { lint: LINT }, devDependencies: { 'oxlint-tsgolint': '*' } }),
      '.config/.oxlintrc.json': '{}',
    },
    [
      '.config/.oxlintrc.json: "overrides": [{ "files": ["**/tasks/**"], "rules": { "typescript/no-floating-promises": "off", "typescript/require-await": "off" } }]',
      'package.json: --ignore-pattern vendor/divvy/, in each script that runs oxlint with .config/.oxlintrc.json',
    ],
  ],
  [
    'Oxlint by a program',
    { 'package.json': packageJson(), 'oxlint.config.ts': '' },
    ["oxlint.config.ts: ignorePatterns: ['vendor/divvy/'],"],
  ],
  [
    'Knip without settings, and without a test script',
    { 'package.json': scripts({ knip: 'knip' }, 'knip') },
    ['knip.json: { "ignore": ["vendor/divvy/**", "tasks/**"] }'],
  ],
  ['Knip by a program', { 'package.json': packageJson(), 'knip.ts': '' }, ["knip.ts: ignore: ['vendor/divvy/**'],"]],
  [
    'ESLint by types, with a list of projects',
    {
      'package.json': packageJson(),
      'eslint.config.js': `export default [
        ...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylistic,
        { languageOptions: { parserOptions: { project: ['./tsconfig.json'] } } },
      ];\n`,
    },
    [
      "eslint.config.js: { ignores: ['vendor/divvy/', 'divvy.lock.json'] },",
      "eslint.config.js: 'tasks/tsconfig.json', one more of parserOptions.project",
      "eslint.config.js: { files: ['tasks/**/*.ts'], rules: { '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [{ from: 'package', name: ['test'], package: 'node:test' }] }], '@typescript-eslint/require-await': 'off', '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }], '@typescript-eslint/consistent-type-definitions': 'off' } },",
    ],
  ],
  [
    'XO with settings, and cspell in YAML',
    { 'package.json': packageJson({ devDependencies: { xo: '^1.2.3' }, xo: { space: true } }), 'cspell.yaml': '' },
    [
      'cspell.yaml: "ignorePaths": ["vendor/divvy", "divvy.lock.json"], with what it has already',
      'cspell.yaml: "words": ["divvy", "Parallelizable"], with what it has already',
      'package.json: "xo": [..., { "ignores": ["tasks/**"] }], with the settings that are there as its first element',
    ],
  ],
  [
    'XO by a program, and markdownlint-cli2 without settings',
    {
      'package.json': scripts({}, 'markdownlint-cli2').replace('{', '{ "dependencies": { "xo": "*" },'),
      'xo.config.js': '',
    },
    [
      '.markdownlint-cli2.jsonc: "ignores": ["vendor/divvy/**"], with what it has already',
      'xo.config.js: { "ignores": ["tasks/**"] }',
    ],
  ],
  [
    'ESLint, of flat settings with rules of style',
    {
      'package.json': packageJson(),
      'eslint.config.js': "import antfu from '@antfu/eslint-config';\nexport default antfu();\n",
    },
    ["eslint.config.js: { ignores: ['vendor/divvy/', 'divvy.lock.json', 'divvy.json', 'tasks/'] },"],
  ],
  [
    'ESLint before 9, with rules of style',
    { 'package.json': packageJson(), '.eslintrc.json': '{ "extends": ["airbnb-base"] }\n' },
    ['.eslintignore: vendor/divvy/', '.eslintignore: /tasks/'],
  ],
])('the line for %s is shown', async (_, files, lines) => {
  expect((await added(files)).lines).toEqual(lines);
});

test("what is only divvy's is put into the lists of programs that check style, prose and spelling, and comes out again", async () => {
  const devDependencies = { xo: '0.60.0', 'ts-standard': '*', 'remark-cli': '*', 'markdownlint-cli': '*' };
  const root = repositoryWith({
    'package.json': packageJson({
      scripts: { format: 'prettier --check . --ignore-path ./.styleignore' },
      devDependencies: { ...devDependencies, prettier: '*' },
      eslintConfig: {},
      eslintIgnore: ['out/'],
      xo: { space: true },
    }),
    '.styleignore': 'out/\n',
    '.remarkignore': 'test/\n',
    '.markdownlint-cli2.jsonc': '{ "fix": true }\n',
    'cspell.json': json({ ignorePaths: ['lib'], words: ['Codecov', 'tsdown'] }),
  });
  const before = contentOf(root);
  const added = await divvyHere(['add', 'nightly', '--runtime-dir', 'third-party/divvy'], root);
  expect(added).toMatchObject({ code: 0, stderr: expect.stringMatching(/^note: prettier is set up here.*\n$/) });
  expect(added.stdout).toMatch(/\.markdownlintignore +new: /);
  expect(added.stdout).not.toContain('by hand');
  const text = (path: string) => readFileSync(join(root, path), 'utf8');
  expect(JSON.parse(text('package.json'))).toMatchObject({
    eslintIgnore: ['out/', 'third-party/divvy/'],
    xo: { space: true, ignores: ['tasks/**', 'third-party/divvy/**'] },
    'ts-standard': { ignore: ['/tasks/', 'third-party/divvy/'] },
  });
  expect(text('.styleignore')).toBe('out/\nthird-party/divvy/\ndivvy.lock.json\n');
  expect(text('.remarkignore')).toBe('test/\nthird-party/divvy/\n');
  expect(text('.markdownlintignore')).toBe('third-party/divvy/\n');
  expect(JSON.parse(text('.markdownlint-cli2.jsonc'))).toEqual({ fix: true, ignores: ['third-party/divvy/**'] });
  expect(JSON.parse(text('cspell.json'))).toEqual({
    ignorePaths: ['divvy.lock.json', 'lib', 'third-party/divvy'],
    words: ['Codecov', 'Parallelizable', 'divvy', 'tsdown'],
  });
  expect(await divvyHere(['remove', 'nightly', '--allow-dirty'], root)).toMatchObject({ code: 0, stderr: '' });
  expect(contentOf(root)).toEqual(before);
});

test('a hook is as Prettier has it, and comes out again to the byte, whichever command put it in', async () => {
  const root = repositoryWith({ 'package.json': packageJson(), '.prettierrc': '{}\n' }, ['prettier']);
  const hooks = ['afterProcess', 'afterExit', 'beforeFork', 'afterFork', 'afterRun'];
  const text = () => readFileSync(join(root, 'tasks/nightly.ts'), 'utf8');
  const run = async (...argv: string[]) => expect(await divvyHere(argv, root)).toMatchObject({ code: 0, stderr: '' });
  await run('add', 'nightly', '--hooks', hooks.join());
  const hooked = text();
  expect(hooked).toMatch(/^import type \{\n/m); // too long for one line
  expect(hooked).toContain('afterProcess(');
  const checked = await runIn(root, ['prettier', '--check', 'tasks']);
  expect(checked.code, checked.stdout + checked.stderr).toBe(0);
  await run('hook', 'remove', ...hooks);
  const bare = text();
  expect(bare).toMatch(/^import type .* from "#divvy";$/m);
  await run('hook', 'add', ...hooks);
  expect(text()).toBe(hooked);
  await run('hook', 'remove', ...hooks);
  expect(text()).toBe(bare);
});

test('.prettierignore is named where it is made', async () => {
  const root = repositoryWith({ 'package.json': packageJson(), '.prettierrc': '{}\n' });
  expect((await divvyHere(['add', 'nightly'], root)).stdout).toMatch(/\.prettierignore +new: /);
});

test('Deno formats what is new where nothing else does, and its list leaves the runtime alone', async () => {
  const root = repositoryWith({ 'package.json': packageJson(), 'deno.json': '{ "fmt": { "singleQuote": true } }\n' });
  put(root, { 'node_modules/.bin/deno': '#!/bin/sh\ncat > /dev/null\necho "// deno $*"\n' });
  chmodSync(join(root, 'node_modules/.bin/deno'), 0o755);
  expect(await divvyHere(['add', 'nightly'], root)).toMatchObject({ code: 0, stderr: '' });
  expect(readFileSync(join(root, 'tasks/nightly.ts'), 'utf8')).toBe('// deno fmt --ext ts -\n');
  expect(JSON.parse(readFileSync(join(root, 'deno.json'), 'utf8'))).toMatchObject({
    exclude: ['vendor/divvy/', 'divvy.lock.json'],
  });
});

test('Knip is told nothing of files that it does not look at', async () => {
  const { root } = await added({ 'package.json': packageJson(), 'knip.json': '{ "project": ["src/**/*.ts!"] }\n' });
  expect(readFileSync(join(root, 'knip.json'), 'utf8')).not.toContain('ignore');
});

test.each<[string, Tree, string]>([
  ['tsx is there', { 'package.json': packageJson({ devDependencies: { tsx: '*' } }) }, ': add "import": "tsx" to'],
  [
    'a tsconfig has aliases',
    { 'package.json': packageJson(), 'tsconfig.json': json({ compilerOptions: { paths: { '@/*': ['./src/*'] } } }) },
    ': npm install --save-dev tsx, and add "import": "tsx" to',
  ],
  [
    'TypeScript is compiled to CommonJS',
    { 'package.json': packageJson({ type: undefined }), 'tsconfig.json': '{}\n' },
    ': npm install --save-dev tsx, and add',
  ],
])("how a task imports the package's own code is said where %s", async (_, files, words) => {
  expect((await added(files)).nextSteps.join('\n')).toContain(words);
});

test('what of that code Node.js cannot load is named, each with its place', async () => {
  const { root, nextSteps } = await added({
    'package.json': packageJson({ devDependencies: { typescript: '*', '@types/node': '^20.1.0' } }),
    'tsconfig.json': json({ compilerOptions: { paths: { '@app/*': ['./src/*'] } } }),
    'src/a/plan.ts': 'export interface A {}\n\nexport enum Plan { A }\n',
    'src/b.ts':
      "import { Plan } from './a/plan';\nexport class B {\n  constructor(private readonly plan: Plan) {}\n}\n",
    'dist/c.ts': 'namespace Left.Out { const a = 1; }\n',
  });
  expect(nextSteps.slice(-4)).toEqual([
    'To check the types of your tasks: npx tsc -p tasks',
    'The types of Node.js are those of 20 here, and the runtime needs 22: npm install --save-dev @types/node@24',
    'To import your own TypeScript in a task: npm install --save-dev tsx, and add "import": "tsx" to divvy.json, or --import tsx to the run; or import what your build writes. Node.js can\'t load path aliases (@app/*), enums (src/a/plan.ts:3), parameter properties (src/b.ts:3), imports without a file ending (src/b.ts:1)',
    "To run such a task's test: node --import tsx --test tasks/nightly.test.ts",
  ]);
  expect(JSON.parse(readFileSync(join(root, 'tasks/tsconfig.json'), 'utf8'))).toMatchObject({
    extends: '../tsconfig.json',
    compilerOptions: { module: 'preserve', moduleResolution: 'bundler', rootDir: '..', noEmit: true },
    exclude: [],
  });
});

test('where decorators need metadata, the build is named, and not tsx', async () => {
  const { nextSteps } = await added({
    'package.json': packageJson({
      type: undefined,
      scripts: { build: 'nest build' },
      devDependencies: { 'ts-node': '*' },
    }),
    'tsconfig.json': json({ compilerOptions: { emitDecoratorMetadata: true, experimentalDecorators: true } }),
    'src/app.ts': '@Module({})\nexport class App {}\n',
  });
  expect(nextSteps.at(-1)).toBe(
    "To call your own code in a task: build it (npm run build), and import what the build writes, such as ../dist/app.module.js. tsx writes no metadata of decorators. Node.js can't load decorators (src/app.ts:1), TypeScript of a CommonJS package",
  );
});

test('it is not said where Node.js loads that code by itself', async () => {
  const { nextSteps } = await added({ 'package.json': packageJson(), 'tsconfig.json': '{}\n' });
  expect(nextSteps.join()).not.toContain('tsx');
});
