// A template writes tasks and tests, and nothing that some program runs or obeys because it finds it.
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { whyUnsafe } from '../../../generators/disk/paths.ts';
import { openProject } from '../../../generators/project/manifest.ts';
import { whyNotName, whyNotTaskName } from '../../../generators/project/names.ts';
import { templateFiles } from '../../../generators/rendering/files.ts';
import type { Answer } from '../../../generators/rendering/placeholders.ts';
import { terminal } from '../../../generators/terminal/terminal.ts';
import { createDivvyTask, freshFolder, treeOf } from '../commands.ts';
import { divvyHere } from '../in-process.ts';
import { expectRefused, inMemory, packageFolder, putFiles, refusalOf, templateFolder, textOf } from './hostile.ts';

const render = (path: string, permissions: object = {}, answers: readonly Answer[] = [], task = 'nightly') =>
  templateFiles(inMemory({ [path]: 'x' }, { permissions }), { task, runtimeDir: 'vendor/divvy', answers });

const LONG = 'x'.repeat(256);

describe('outside of the folder, or nowhere:', () => {
  test.each([
    '../x.ts',
    'tasks/../../x.ts',
    'tasks/..',
    './tasks/x.ts',
    'tasks//x.ts',
    '/etc/x.ts',
    '//server/share/x.ts',
    'C:/x.ts',
    'tasks/C:x.ts',
    'tasks\\..\\..\\x.ts',
    'tasks/%2e%2e/x.ts',
    'tasks/..%2fx.ts',
    'tasks/%2E%2E%5Cx.ts',
    'tasks/\u2024\u2024/x.ts',
    'tasks/\uff0e\uff0e/x.ts',
    'tasks/.\u200b./x.ts',
    'tasks/x\u0000.ts',
    'tasks/x\n.ts',
    'tasks/x\u001b[2J.ts',
    'tasks/x\u009b2J.ts',
    'tasks/\u202estxt.ts',
    'tasks/x\u2066.ts',
    'tasks/\ud800.ts',
    `tasks/${LONG}.ts`,
    `tasks/${'y/'.repeat(400)}x.ts`,
    'tasks/nul.ts',
    'tasks/con',
    'tasks/x.ts.',
    'tasks/x.ts ',
    'tasks/x.ts:stream',
  ])('%j', async (path) => {
    const { exitCode, message } = await refusalOf(render(path, { write: [path, 'tasks/', './', '/'] }));
    expect([exitCode, message]).toEqual([3, expect.stringContaining('may not write')]);
  });
});

test('a dot at the end of a name is told as what it is', () => {
  for (const path of ['tasks/x.ts.', 'tasks /x.ts']) expect(whyUnsafe(path)).toContain('Windows drops');
});

describe('what belongs to another program, whatever the permissions:', () => {
  test.each([
    '.git/hooks/pre-commit',
    'tasks/.git/config',
    '.GIT/config',
    '.Git/config',
    'git~1/config',
    'GIT~12/config',
    '.git./config',
    '.git /config',
    '.g\u200cit/config',
    '.\uff47it/config',
    'tasks/.git',
    'node_modules/lodash/index.js',
    'tasks/node_modules/lodash/index.js',
    'tasks/Node_Modules/lodash/index.js',
    '.divvy/last/record.json',
    '.Divvy/pending/record.json',
    'vendor/divvy/run.mjs',
    'Vendor/Divvy/run.mjs',
    'package.json',
    'Package.json',
    'divvy.json',
    'divvy.lock.json',
  ])('%j', async (path) => {
    const { exitCode, message } = await refusalOf(render(path, { write: [path, `${path.split('/')[0]}/`] }));
    expect([exitCode, message]).toEqual([3, expect.stringContaining('may not write')]);
  });
});

/** Each is a file of tasks/ or test/ by its folder, so that no other rule refuses it. */
const OBEYED = [
  ...['.npmrc', '.yarnrc', '.yarnrc.yml', '.pnpmfile.cjs', '.pnp.cjs', '.env', '.env.local', '.env.test', '.envrc'],
  ...['.gitattributes', '.gitmodules', '.gitignore', '.gitconfig', '.npmignore', '.dockerignore', '.editorconfig'],
  ...['.husky/pre-commit', '.github/workflows/ci.yml', '.gitlab-ci.yml', '.circleci/config.yml', '.travis.yml'],
  ...['.vscode/tasks.json', '.vscode/settings.json', '.idea/workspace.xml', '.devcontainer/devcontainer.json'],
  ...['.zed/tasks.json', '.fleet/run.json', '.cursor/rules/x.md', '.yarn/releases/yarn.cjs', '.mocharc.json'],
  ...['.eslintrc.json', '.prettierrc.json', '.babelrc.json', '.swcrc', '.c8rc.json', '.nycrc.json', '.node-options'],
  ...['.tool-versions', '.nvmrc', '.bashrc', '.profile', '.netrc', '.ssh/config', '.taprc', '.config/x.json'],
  ...['package.json', 'package.json5', 'package.yaml', 'package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock'],
  ...['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'bun.lock', 'bun.lockb', 'bunfig.toml', 'deno.json', 'deno.jsonc'],
  ...['import_map.json', 'binding.gyp', 'lerna.json', 'rush.json', 'nx.json', 'project.json', 'turbo.json'],
  ...['tsconfig.json', 'tsconfig.build.json', 'jsconfig.json', 'TSCONFIG.json', 'biome.json', 'biome.jsonc'],
  ...['dprint.json', 'renovate.json', 'vercel.json', 'angular.json', 'netlify.toml', 'firebase.json'],
  ...['vitest.config.ts', 'vite.config.mts', 'vitest.workspace.ts', 'vitest.workspace.json', 'vitest.projects.ts'],
  ...['vitest.shared.ts', 'wdio.conf.ts', 'protractor.conf.js', 'cypress.env.json', 'nodemon.json'],
  ...['jest.config.js', 'jest.config.json', 'jest.setup.ts', 'playwright.config.ts', 'eslint.config.mjs'],
  ...['babel.config.json', 'prettier.config.mjs', 'webpack.common.js', 'rollup.config.js', 'setup.ts', 'setupTests.ts'],
  ...[
    'setup-tests.js',
    'global-setup.ts',
    'globalSetup.ts',
    'globalTeardown.ts',
    'instrumentation.ts',
    'test-setup.ts',
  ],
  ...['__mocks__/fs.js', '__mocks__/lodash.ts', 'deep/__mocks__/x.ts', '__snapshots__/x.json'],
  ...['Makefile', 'GNUmakefile', 'justfile', 'Taskfile.yml', 'Dockerfile', 'docker-compose.yml', 'compose.yaml'],
  ...['Jenkinsfile', 'Procfile', 'Vagrantfile', 'Rakefile', 'Gemfile', 'CODEOWNERS', 'lefthook.yml', 'action.yml'],
  ...['azure-pipelines.yml', 'bitbucket-pipelines.yml', 'pyproject.toml', 'setup.py', 'conftest.py', 'Cargo.toml'],
  ...['gulpfile.js', 'Gruntfile.js', 'Jakefile.js', 'CLAUDE.md', 'AGENTS.md', 'GEMINI.md', 'SKILL.md'],
];

describe('what is run or obeyed by being found', () => {
  test.each(OBEYED)('%j', async (name) => {
    for (const path of [`tasks/${name}`, `test/${name}`, `docs/below/${name}`]) {
      const { exitCode, message } = await refusalOf(render(path, { write: ['docs/', 'tasks/'] }));
      expect([exitCode, message]).toEqual([3, expect.stringContaining('permission that names it')]);
    }
  });

  test.each(['addon.node', 'code.wasm', 'run.sh', 'run.bat', 'run.ps1', 'run', 'x.desktop', 'x.py', 'x.yml', 'x.toml'])(
    '%j, which no task or test is',
    async (name) => {
      for (const path of [`tasks/${name}`, `test/below/${name}`]) {
        const { exitCode, message } = await refusalOf(render(path));
        expect([exitCode, message]).toEqual([3, expect.stringContaining('permission')]);
      }
    },
  );

  test('needs a permission for its whole path: one for a folder, or a prefix of it, is none', async () => {
    const path = '.github/workflows/ci.yml';
    for (const write of [
      ['.github/'],
      ['.github/workflows/'],
      ['.github/workflows'],
      ['.GITHUB/workflows/ci.yml'],
      ['/'],
    ]) {
      expect((await refusalOf(render(path, { write }))).message).toContain('permission that names it');
    }
    expect((await render(path, { write: [path] })).map((file) => file.path)).toEqual([path]);
  });
});

test('anything else needs a permission for it, or for its folder', async () => {
  for (const path of ['src/index.ts', 'README.md', 'Tasks/x.ts', 'tasksx/x.ts', 'tasks', 'index.js']) {
    expect((await refusalOf(render(path))).message).toContain('permission');
  }
  for (const write of [['src'], ['sr'], ['src/index'], ['SRC/'], ['rc/']]) {
    expect((await refusalOf(render('src/index.ts', { write }))).exitCode).toBe(3);
  }
  for (const write of [['src/'], ['src/index.ts']]) {
    expect(await render('src/index.ts', { write })).toHaveLength(1);
  }
});

test('a task may have any name that it may have, and helpers and data beside it', async () => {
  const good = ['tasks/lib/rows.ts', 'tasks/query.sql', 'test/rows.csv', 'test/expected.json', 'test/helper.test.ts'];
  for (const path of good) expect(await render(path)).toHaveLength(1);
  for (const task of ['setup', 'instrumentation', 'gulpfile', 'test-setup']) {
    expect(await render('tasks/example-task.ts', {}, [], task)).toHaveLength(1);
    expect(await render('test/example-task.test.ts', {}, [], task)).toHaveLength(1);
  }
});

describe('an answer in a path', () => {
  const named = (value: string): Answer => ({ name: 'part', value, isName: true });

  test('is a name, and what it makes of the path is checked', async () => {
    expect((await refusalOf(render('test/example-part.config.ts', {}, [named('vitest')]))).exitCode).toBe(3);
    expect((await refusalOf(render('test/example-part.json', {}, [named('tsconfig')]))).exitCode).toBe(3);
    expect(
      (await refusalOf(render('vendor/example-part/run.mjs', { write: ['vendor/'] }, [named('divvy')]))).exitCode,
    ).toBe(3);
    expect((await render('tasks/example-part.ts', {}, [named('rows')])).map(({ path }) => path)).toEqual([
      'tasks/rows.ts',
    ]);
  });

  test('makes no two files one', async () => {
    const files = { 'tasks/example-task.ts': 'a', 'tasks/example-part.ts': 'b' };
    const rendered = (value: string) =>
      templateFiles(inMemory(files), { task: 'nightly', runtimeDir: 'vendor/divvy', answers: [named(value)] });
    expect((await refusalOf(rendered('nightly'))).message).toContain('two of its files would be this one');
    expect(await rendered('rows')).toHaveLength(2);
    const twice = templateFiles(inMemory({ 'tasks/x.ts': 'a', 'tasks/x.ts.ejs': 'b' }), {
      task: 'nightly',
      runtimeDir: 'vendor/divvy',
    });
    expect((await refusalOf(twice)).message).toContain('two of its files would be this one');
  });

  test('that is a text changes no path', async () => {
    const text: Answer = { name: 'part', value: '../../outside', isName: false };
    expect((await render('tasks/example-part.ts', {}, [text])).map(({ path }) => path)).toEqual([
      'tasks/example-part.ts',
    ]);
  });

  test('is no path', async () => {
    const names = ['../x', '/x', 'x/y', '.git', 'x y', 'X', '__proto__', 'constructor', 'con', 'class', 'x\u202e', ''];
    for (const name of names) expect([name, whyNotName(name)]).toEqual([name, expect.any(String)]);
    const template = templateFolder(
      { prompts: [{ name: 'part', type: 'name', message: 'Which?' }] },
      { 'tasks/example-part.ts': 'export {};\n' },
    );
    const cwd = packageFolder();
    const before = treeOf(cwd);
    expectRefused(await divvyHere(['add', 'nightly', '-t', template, '-d', 'part=../x'], cwd), 2, /--data part=/);
    expect(treeOf(cwd)).toEqual(before);
  });
});

test('two files that are one to some file systems are refused, in a template and with what is there', async () => {
  for (const [one, two] of [
    ['tasks/Rows.ts', 'tasks/rows.ts'],
    ['tasks/stra\u00dfe.ts', 'tasks/STRASSE.ts'],
    ['tasks/\u00e9.ts', 'tasks/e\u0301.ts'],
  ] as const) {
    const template = templateFolder({}, { [one]: 'export {};\n' });
    const cwd = packageFolder();
    putFiles(template, { [`files/${two}`]: 'export {};\n' });
    expectRefused(await divvyHere(['add', 'nightly', '-t', template], cwd), 3, /same/);
    const here = packageFolder({ 'divvy.json': '{"tasks":"tasks","runtime":"vendor/divvy"}', [one]: 'mine' });
    const other = templateFolder({}, { [two]: 'export {};\n' });
    expectRefused(await divvyHere(['add', 'nightly', '-t', other], here), 3, /same name/);
    expect(textOf(here, one)).toBe('mine');
  }
});

describe('a link', () => {
  test('among the files of a template is not followed', async () => {
    const outside = freshFolder();
    putFiles(outside, { 'secret.ts': 'secret' });
    for (const [target, place] of [
      [join(outside, 'secret.ts'), 'files/tasks/secret.ts'],
      [outside, 'files/tasks/lib'],
      ['example-task.ts', 'files/tasks/inside.ts'],
    ] as const) {
      const template = templateFolder();
      symlinkSync(target, join(template, place));
      const cwd = packageFolder();
      expectRefused(await divvyHere(['add', 'nightly', '-t', template], cwd), 3, /symbolic link/);
      expect(treeOf(cwd)).toHaveProperty('package.json');
      expect(Object.keys(treeOf(cwd))).toHaveLength(1);
    }
  });

  test.each([
    ['as a folder above a target', 'tasks', 'folder'],
    ['as a folder above the runtime', 'vendor', 'folder'],
    ['as a target', 'tasks/nightly.ts', 'file'],
    ['as a target that is not there yet', 'tasks/nightly.ts', 'nowhere'],
    ['as divvy.lock.json', 'divvy.lock.json', 'lock'],
    ['as package.json', 'package.json', 'package'],
    ['as .divvy', '.divvy', 'folder'],
  ])('%s is not written through', async (_, place, kind) => {
    const outside = freshFolder();
    putFiles(outside, { 'folder/mine.txt': 'mine', file: 'mine', package: '{"name":"other"}', lock: '{}' });
    const cwd = packageFolder({ 'divvy.json': '{"tasks":"tasks","runtime":"vendor/divvy"}' });
    if (kind !== 'package') mkdirSync(join(cwd, 'tasks/..'), { recursive: true });
    if (place.includes('/')) mkdirSync(join(cwd, 'tasks'));
    if (kind === 'package') rmSync(join(cwd, 'package.json'));
    symlinkSync(join(outside, kind), join(cwd, place));
    const before = treeOf(outside);
    const { code, stderr } = await divvyHere(['add', 'nightly', '--on-conflict', 'overwrite', '--yes'], cwd);
    expect(code, stderr).toBeGreaterThan(0);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(treeOf(outside)).toEqual(before);
  });
});

describe('divvy.json of an enemy', () => {
  test.each([
    ['tasks', '.git/hooks'],
    ['tasks', 'tasks/node_modules'],
    ['tests', 'x/.git'],
    ['runtime', '../outside'],
    ['runtime', 'vendor/$(touch PWNED)'],
    ['runtime', 'vendor/divvy; touch PWNED'],
    ['runtime', 'a"b'],
    ['runtime', "$'x"],
    ['runtime', '--eval'],
    ['tasks', '`touch PWNED`'],
    ['tasks', 'x\u202ey'],
    ['tests', '%PATH%'],
  ])('whose %s is %j is not used: it would stand in scripts', async (name, folder) => {
    const manifest = JSON.stringify({ tasks: 'tasks', runtime: 'vendor/divvy', [name]: folder });
    const cwd = packageFolder({ 'divvy.json': manifest });
    const { exitCode, message } = await refusalOf(openProject(cwd, terminal({ json: false, quiet: true })));
    expect([exitCode, message]).toEqual([2, expect.stringContaining('divvy.json')]);
  });

  test('has its helpers in its own folders, and not in those of the package', async () => {
    const cwd = packageFolder({ 'tasks/theirs.js': '', 'test/theirs.js': '' });
    const template = templateFolder({}, { 'tasks/lib.ts': 'export {};\n', 'test/more.test.ts': 'export {};\n' });
    const { code, stderr } = await divvyHere(['add', 'nightly', '-t', template], cwd);
    expect(code, stderr).toBe(0);
    expect([existsSync(join(cwd, 'tasks/lib.ts')), existsSync(join(cwd, 'test/more.test.ts'))]).toEqual([false, false]);
    expect(existsSync(join(cwd, 'divvy-tasks/lib.ts'))).toBe(true);
  });
});

test('--name, and the name that add is given, name no path', async () => {
  const names = ['../x', '/tmp/x', 'x/y', '..', '.git', 'node_modules', 'x\\y', 'x\u0000', 'x\u202ey', '%2e%2e', 'con'];
  for (const name of [...names, 'constructor', '__proto__']) {
    expect([name, whyNotTaskName(name)]).toEqual([name, expect.any(String)]);
  }
  const cwd = freshFolder();
  expectRefused(await createDivvyTask(['here', '--name', '../x', '--yes'], { cwd }), 2, /name/);
  expectRefused(await divvyHere(['add', '../x', '--yes'], packageFolder()), 2, /name/);
  expect(treeOf(cwd)).toEqual({});
});
