// The author's tools for a template: a new one, and what comes out of one; and what a user sees of it.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { node } from '../generated/projects.ts';
import { divvy, freshFolder, home, treeOf } from './commands.ts';
import { json, newTemplate, put } from './new-template.ts';

/** Packages of this repository, as if they had been installed above a template. */
function installAbove(folder: string, names: readonly string[]): void {
  for (const name of names) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(home, 'node_modules', name), link);
  }
}

describe('template new', () => {
  test('makes a template, which check finds nothing wrong with', async () => {
    const folder = await newTemplate();
    expect(Object.keys(treeOf(folder, ['.divvy'])).filter((path) => !path.endsWith('/'))).toEqual([
      '.gitignore',
      'README.md',
      'divvy.template.json',
      'files/tasks/example-task.ts',
      'files/test/example-task.test.ts',
      'package.json',
      'tests/default.json',
      'tsconfig.json',
    ]);
    const { prompts, name } = json(folder, 'divvy.template.json');
    expect([name, prompts.map(({ type }: { type: string }) => type)]).toEqual(['backfill', ['name', 'text']]);
    const own = json(folder, 'package.json');
    const made = json(home, 'templates/_project/_package.json');
    expect(own).toMatchObject({ name: 'backfill', devDependencies: made.devDependencies });
    expect(own.devDependencies['create-divvy-task']).toBe(json(home, 'package.json').version);

    expect(await divvy(['template', 'check'], { cwd: folder })).toMatchObject({
      code: 0,
      stdout: 'backfill: nothing is wrong\n',
      stderr: '',
    });
  });

  test('type-checks as its author edits it, with the package installed beside it', async () => {
    const folder = await newTemplate();
    installAbove(folder, ['typescript', '@types/node', 'undici-types']);
    const installed = join(folder, 'node_modules/create-divvy-task');
    cpSync(dirname(inject('commands')), installed, { recursive: true });
    const compiler = 'node_modules/typescript/bin/tsc';
    const { exitCode, stdout } = await node(folder, compiler);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(readdirSync(dirname(join(folder, json(folder, 'divvy.template.json').$schema)))).toContain(
      'divvy.template.schema.json',
    );

    put(folder, 'files/tasks/more.ts', "import type { Master } from '#divvy';\nexport const master: Master = 1;\n");
    expect((await node(folder, compiler)).stdout).toContain('TS2322');
  });

  test('shares what an editor needs with the templates beside it', async () => {
    const cwd = dirname(await newTemplate());
    cpSync(join(cwd, 'backfill/package.json'), join(cwd, 'package.json'));
    expect((await divvy(['template', 'new', 'deeper/report'], { cwd })).code).toBe(0);
    expect(readdirSync(join(cwd, 'deeper/report'))).not.toContain('package.json');
    const { $schema } = json(cwd, 'deeper/report/divvy.template.json');
    expect(join(cwd, 'deeper/report', $schema)).toBe(
      join(cwd, 'node_modules/create-divvy-task/templates/divvy.template.schema.json'),
    );
  });

  test('writes nothing into a folder that is not empty, nor where it is only shown, and is undone', async () => {
    const folder = await newTemplate();
    const cwd = dirname(folder);
    const before = treeOf(cwd);
    const again = await divvy(['template', 'new', 'backfill'], { cwd });
    expect(again).toMatchObject({ code: 3, stdout: '' });
    expect(again.stderr).toContain('"backfill" is not empty');
    const shown = await divvy(['template', 'new', 'other', '--dry-run', '--json'], { cwd });
    expect(JSON.parse(shown.stdout)).toMatchObject({ command: 'template new', written: false, template: 'other' });
    expect(treeOf(cwd)).toEqual(before);

    expect((await divvy(['undo'], { cwd: folder })).code).toBe(0);
    expect(treeOf(cwd)).toEqual({});
  });
});

test('a template without a test and without next steps: add and create name no test, and say how it is run', async () => {
  const folder = await newTemplate();
  rmSync(join(folder, 'files/test'), { recursive: true });
  const { nextSteps: _, ...manifest } = json(folder, 'divvy.template.json');
  put(folder, 'divvy.template.json', JSON.stringify(manifest));
  const here = freshFolder();
  put(here, 'package.json', '{ "type": "module" }');
  const added = await divvy(['add', 'nightly', '-t', folder, '--yes'], { cwd: here });
  expect(added).toMatchObject({ code: 0, stderr: '' });
  expect(added.stdout).not.toContain('its test');
  expect(added.stdout).toContain('Next:\n  npm run divvy:nightly\n');
  const created = await divvy(['create', 'weekly', '-t', folder, '--yes', '--no-git'], { cwd: here });
  expect(created).toMatchObject({ code: 0, stderr: '' });
  expect(created.stdout).not.toContain('its test');
  expect(created.stdout).toContain('npm start\n');
});

describe('template test', () => {
  test('makes a project and adds to packages, with each set of answers; nothing stays, no trust either', async () => {
    const folder = await newTemplate();
    installAbove(dirname(folder), ['typescript', '@types/node', 'csv-parse']);
    const manifest = json(folder, 'divvy.template.json');
    put(folder, 'divvy.template.json', JSON.stringify({ ...manifest, dependencies: { 'csv-parse': '^7.0.0' } }));
    put(folder, 'tests/default.json', '{ "answers": { "label": "it\'s" }, "hooks": ["beforeRun"] }');
    const [temporary, config] = [freshFolder(), freshFolder()];
    const env = { TMPDIR: temporary, XDG_CONFIG_HOME: config };

    const { code, stdout, stderr } = await divvy(['template', 'test', 'backfill'], { cwd: dirname(folder), env });

    const places = ['a new project', 'an ESM package', 'a CommonJS package'];
    const steps = places.flatMap((place) =>
      ['made', 'type check', 'tests'].map((step) => `  ok  default, ${place}: ${step}`),
    );
    expect(stdout.split('\n').filter((line) => line.startsWith('  '))).toEqual(steps);
    expect(stdout).toContain('All 9 steps passed.');
    expect(stderr).toContain('install packages, which may run scripts: csv-parse ^7.0.0');
    expect(code).toBe(0);
    expect(readdirSync(temporary)).toEqual([]);
    expect(readdirSync(config)).toEqual([]);
  });

  test.each(['http', 'csv'])('passes for %s, which is written as a team would write its own', async (name) => {
    const { code, stdout } = await divvy(['template', 'test', join(home, 'templates', name)], { cwd: freshFolder() });
    expect(stdout).toContain('All 9 steps passed.');
    expect(code).toBe(0);
  });

  test('shows what failed in full, and is exit 1', async () => {
    const folder = await newTemplate();
    installAbove(folder, ['typescript', '@types/node']);
    const file = join(folder, 'files/test/example-task.test.ts');
    const text = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      `${text.replace('counts.done, items.length', 'counts.done, 77')}\nexport const wrong: number = 'x';\n`,
    );

    const { code, stdout } = await divvy(['template', 'test', '--json'], { cwd: folder });

    const { failed, templates } = JSON.parse(stdout);
    expect(failed).toBe(6);
    for (const { steps } of templates[0].tried) {
      const [made, types, tests] = steps;
      expect(made).toEqual({ step: 'made' });
      expect(types.failed).toContain('TS2322');
      expect(tests.failed).toContain('77');
    }
    expect(code).toBe(1);
  });

  test('where the compiler cannot be had, says so: exit 1', async () => {
    const folder = await newTemplate();
    const env = {
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_fetch_retries: '0',
      npm_config_cache: freshFolder(),
    };
    const { code, stdout, stderr } = await divvy(['template', 'test'], { cwd: folder, env });
    expect(stderr).toContain('nothing was tested: @types/node, typescript are not installed above the template');
    expect(stderr).toContain('npm install --save-dev typescript @types/node');
    expect(stdout).not.toContain('passed');
    expect(code).toBe(1);
  });

  test('a folder without a template is exit 2', async () => {
    const { code, stderr } = await divvy(['template', 'test'], { cwd: freshFolder() });
    expect(stderr).toContain('has no template');
    expect(code).toBe(2);
  });
});

/** A project with a team's sources. */
async function project(): Promise<string> {
  const cwd = freshFolder();
  const { code } = await divvy(['create', 'my-task', '--yes', '--no-git'], { cwd });
  expect(code).toBe(0);
  const team = join(cwd, 'team');
  await divvy(['template', 'new', 'team/backfill'], { cwd });
  const manifest = json(team, 'backfill/divvy.template.json');
  const wide = {
    ...manifest,
    name: 'wide',
    permissions: { run: [['make', 'it']] },
    prompts: [
      ...manifest.prompts,
      { name: 'key', type: 'text', message: 'Which key?', secret: true, when: { table: 'orders' } },
    ],
  };
  cpSync(join(team, 'backfill/files'), join(team, 'wide/files'), { recursive: true });
  put(team, 'wide/divvy.template.json', JSON.stringify(wide));
  put(team, 'broken/divvy.template.json', '{}');
  const folder = join(cwd, 'my-task');
  const own = json(folder, 'divvy.json');
  const templates = { acme: '../team', gone: '../nowhere', odd: 'ext::sh' };
  put(folder, 'divvy.json', JSON.stringify({ ...own, templates }));
  return folder;
}

describe('template list', () => {
  test('has the built-in ones, and those of each source as they are typed; what cannot be had is told of', async () => {
    const cwd = await project();
    const { code, stdout } = await divvy(['template', 'list'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Of this package\n {2}basic +A commented/);
    expect(stdout).toMatch(/^ {2}acme\/backfill +Goes over the rows of a table$/m);
    expect(stdout).toMatch(
      /^ {2}acme\/wide +Goes over the rows of a table \(needs trust, to run a command: make it\)$/m,
    );
    expect(stdout).toMatch(/^ {2}acme\/broken +cannot be used: "broken\/divvy\.template\.json"/m);
    expect(stdout).toMatch(/^gone, from \.\.\/nowhere\n {2}cannot be had: /m);
    expect(stdout).toMatch(/^odd\n {2}cannot be had: "ext::sh" isn't a template source/m);
  });

  test('is one object with --json', async () => {
    const cwd = await project();
    const { stdout, stderr } = await divvy(['template', 'list', '--json'], { cwd });
    const { command, templates, sources } = JSON.parse(stdout);
    expect(command).toBe('template list');
    expect(templates.map(({ name }: { name: string }) => name)).toEqual([
      'basic',
      'dance-party',
      'files',
      'http',
      'csv',
      'postgres',
      'sqlite',
    ]);
    expect(sources).toMatchObject([
      {
        team: 'acme',
        from: '../team',
        resolved: expect.stringMatching(/^sha512-/),
        templates: [
          { name: 'acme/backfill', asks: [] },
          { name: 'acme/broken', error: expect.stringContaining('cannot be used') },
          { name: 'acme/wide', asks: ['run a command: make it'] },
        ],
      },
      { team: 'gone', error: expect.stringContaining('could not be fetched') },
      { team: 'odd', error: expect.stringContaining("isn't a template source") },
    ]);
    expect(stderr).toContain('acme/backfill');
  });
});

describe('the help of a template', () => {
  test('shows its prompts as flags, and what it needs trust for', async () => {
    const cwd = await project();
    const { code, stdout } = await divvy(['add', '--template', 'acme/wide', '--help'], { cwd });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: divvy add <task>/);
    expect(stdout.slice(stdout.indexOf('The template'))).toBe(
      [
        'The template wide: Goes over the rows of a table.',
        'It asks for:',
        '  --data table=a-name  Which table? (users)',
        '  --data label=…       What should each line begin with? (row)',
        '  --data key=…         Which key? only with table=orders secret: better by --data-file',
        'It needs trust, since it wants to:',
        '  run a command: make it',
        '',
      ].join('\n'),
    );
  });

  test('of a built-in one, and of one that there is not', async () => {
    const cwd = freshFolder();
    expect((await divvy(['create', '-t', 'csv', '--help'], { cwd })).stdout).toMatch(
      /\n\nThe template csv: .+\nIt asks for nothing\.\n$/,
    );
    const { code, stderr } = await divvy(['create', '-t', 'cvs', '--help'], { cwd });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('Did you mean csv?') });
  });
});
