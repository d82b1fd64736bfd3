// What asks for more than a task and its test is done after a yes to exactly that, and package.json gets nothing by itself.
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { packageJsonOf } from '../../../generators/rendering/places.ts';
import { templatesIn } from '../../../generators/sources/templates-in.ts';
import { Refusal } from '../../../generators/terminal/refusal.ts';
import { terminal } from '../../../generators/terminal/terminal.ts';
import { divvy, freshFolder, treeOf } from '../commands.ts';
import { expectRefused, inMemory, packageFolder, putFiles, taskText, templateFolder, textOf } from './hostile.ts';

const EJS = "<% process.getBuiltinModule('fs').writeFileSync('PWNED', '') %>export {};\n";
const asking = { permissions: { write: ['docs/notes.md'] } };
const NOTES = { 'docs/notes.md': 'x' };

/** Adds with a configuration of its own. */
const adder =
  (cwd: string, config = freshFolder()) =>
  (...argv: readonly string[]) =>
    divvy(['add', 'nightly', ...argv], { cwd, env: { XDG_CONFIG_HOME: config } });

describe('without a yes nothing is run and nothing is written: exit 4,', () => {
  test.each([[[]], [['--yes']], [['--dry-run']], [['--diff']], [['--plan', 'p.json']], [['--json']]])(
    'of code in a template, with %j',
    async (more) => {
      const cwd = packageFolder();
      const template = templateFolder({}, { 'tasks/evil.ts.ejs': EJS });
      expectRefused(await adder(cwd)('-t', template, ...more), 4, /run code of its own/);
      expect(Object.keys(treeOf(cwd))).toEqual(['package.json']);
    },
  );

  test('of a folder in the repository that divvy.json calls a team', async () => {
    const manifest = { tasks: 'tasks', runtime: 'vendor/divvy', templates: { acme: './evil' } };
    const cwd = packageFolder({ 'divvy.json': JSON.stringify(manifest) });
    mkdirSync(join(cwd, 'evil'));
    templateFolder({}, { 'tasks/evil.ts.ejs': EJS }, join(cwd, 'evil'));
    const before = treeOf(cwd);
    expectRefused(await adder(cwd)('-t', 'acme', '--yes'), 4, /run code of its own/);
    expect(treeOf(cwd)).toEqual(before);
  });

  test.each<[string, object]>([
    ['a write', { permissions: { write: ['docs/'] } }],
    ['a script', { permissions: { packageJson: { scripts: { lint: 'x' } } } }],
    ['a package', { dependencies: { lodash: '^4.0.0' } }],
    ['a package for development', { permissions: { packageJson: { devDependencies: { lodash: '4.0.0' } } } }],
    ['a command', { permissions: { run: [['touch', 'PWNED']] } }],
  ])('of what asks for %s', async (_, more) => {
    const cwd = packageFolder();
    expectRefused(await adder(cwd)('-t', templateFolder(more), '--yes', '--no-install'), 4, /wants to/);
    expect(Object.keys(treeOf(cwd))).toEqual(['package.json']);
  });
});

describe('a yes', () => {
  test('holds for the same, and for nothing else of it', async () => {
    const config = freshFolder();
    const template = templateFolder(asking, NOTES);
    const again = (...argv: readonly string[]) => adder(packageFolder(), config)('-t', template, ...argv, '--dry-run');
    expect((await again('--trust')).code).toBe(0);
    expect((await again()).code).toBe(0);

    putFiles(template, { 'files/tasks/example-task.ts': taskText('  // changed') });
    expectRefused(await again(), 4, /wants to/);
    expect((await again('--trust')).code).toBe(0);

    templateFolder({ permissions: { write: ['docs/notes.md', 'docs/more.md'] } }, NOTES, template);
    expectRefused(await again(), 4, /docs\/more\.md/);
    expect((await again('--trust')).code).toBe(0);

    templateFolder({ ...asking, name: 'other' }, NOTES, template);
    expectRefused(await again(), 4, /wants to/);
    expect((await again('--trust')).code).toBe(0);

    const moved = `${template}-moved`;
    renameSync(template, moved);
    expectRefused(await adder(packageFolder(), config)('-t', moved, '--dry-run'), 4, /wants to/);
    renameSync(moved, template);
  });

  test('that came with the project does not count', async () => {
    const cwd = packageFolder();
    const template = templateFolder(asking, NOTES);
    const config = join(cwd, 'config');
    const said = freshFolder();
    expect((await adder(packageFolder(), said)('-t', template, '--trust', '--dry-run')).code).toBe(0);
    renameSync(said, config);
    mkdirSync(said);
    expectRefused(await adder(cwd, config)('-t', template), 4, /may have come with it/);
    expect(existsSync(join(cwd, 'docs'))).toBe(false);
  });
});

test('a yes of somebody without a home folder is not looked for where the command runs, nor written there', async () => {
  const cwd = packageFolder();
  const template = templateFolder(asking, NOTES);
  const add = (HOME: string, ...argv: readonly string[]) =>
    divvy(['add', 'nightly', '-t', template, '--dry-run', ...argv], { cwd, env: { XDG_CONFIG_HOME: undefined, HOME } });
  const yes = await add('', '--trust');
  expect(yes, yes.stderr).toMatchObject({ code: 0, stderr: expect.stringMatching(/asked again: there is no home/) });
  expect(Object.keys(treeOf(cwd))).toEqual(['package.json']);

  expect((await add(cwd, '--trust')).code).toBe(0);
  expect(existsSync(join(cwd, '.config/divvy/trust'))).toBe(true);
  expectRefused(await add(''), 4, /wants to/);
});

test('commands are run after the write, in the folder, and by no shell', async () => {
  const cwd = packageFolder();
  const script =
    "require('fs').writeFileSync('ran.json', JSON.stringify([process.argv.slice(1), require('fs').existsSync('tasks/nightly.ts')]))";
  const words = ['$(touch PWNED)', '; touch PWNED', '`touch PWNED`', '*', '$HOME'];
  const template = templateFolder({ permissions: { run: [['node', '-e', script, ...words]] } });
  const add = adder(cwd);
  expectRefused(await add('-t', template), 4, /run a command/);
  expect((await add('-t', template, '--trust', '--dry-run')).code).toBe(0);
  expect(existsSync(join(cwd, 'ran.json'))).toBe(false);
  const { code, stderr } = await add('-t', template);
  expect(code, stderr).toBe(0);
  expect(JSON.parse(textOf(cwd, 'ran.json'))).toEqual([words, true]);
  expect(existsSync(join(cwd, 'PWNED'))).toBe(false);
});

/** Why a manifest cannot be used; undefined where it can. */
async function whyNotManifest(more: object | string): Promise<string | undefined> {
  const good = { schemaVersion: 1, name: 'evil', description: 'x', version: '1.0.0' };
  const text = typeof more === 'string' ? more : JSON.stringify({ ...good, ...more });
  const [found] = await templatesIn([{ path: 'divvy.template.json', bytes: Buffer.from(text) }], './evil');
  return found && 'refusal' in found ? found.refusal.message : undefined;
}

describe('package.json', () => {
  const SCRIPTS = [
    'preinstall',
    'install',
    'postinstall',
    'prepare',
    'prepublish',
    'prepublishOnly',
    'prepack',
    'postpack',
  ];
  const MORE = ['uninstall', 'publish', 'dependencies', 'version', 'pretest', 'poststart', 'prelint', 'test', 'start'];
  test.each([...SCRIPTS, ...MORE, 'stop', 'restart', 'divvy', 'divvy:other', 'pnpm:devPreinstall', 'env', 'typecheck'])(
    'gets no script %s, which is run by itself or is another',
    (script) => {
      const { manifest } = inMemory({}, { permissions: { packageJson: { scripts: { [script]: 'touch PWNED' } } } });
      expect(() => packageJsonOf(manifest)).toThrow(/may not write/);
    },
  );

  test.each([
    'https://evil/x.tgz',
    'http://evil/x.tgz',
    'git+https://evil/x',
    'git+ssh://git@evil/x',
    'file:../x',
    'link:../x',
    'npm:evil@1.0.0',
    'workspace:*',
    'portal:../x',
    'patch:x',
    'github:evil/x',
    'evil/x',
    '../x',
    '/x',
    '*',
    'latest',
    '',
    '>=1.0.0',
    '1.0.0 || evil',
    'x.tgz',
  ])('gets no package by the range %j', async (range) => {
    expect(await whyNotManifest({ dependencies: { lodash: range } })).toContain('/dependencies');
    expect(await whyNotManifest({ permissions: { packageJson: { devDependencies: { lodash: range } } } })).toContain(
      'devDep',
    );
    expect(await whyNotManifest({ dependencies: { lodash: '^1.0.0' } })).toBeUndefined();
  });

  test.each([
    'bin',
    'overrides',
    'resolutions',
    'pnpm',
    'imports',
    'exports',
    'main',
    'workspaces',
    'config',
    'engines',
    'type',
  ])('gets no %s', async (key) => {
    expect(await whyNotManifest({ permissions: { packageJson: { [key]: { x: '1.0.0' } } } })).toContain('packageJson');
    expect(await whyNotManifest({ [key]: { x: '1.0.0' } })).toContain('additional');
  });
});

describe('a manifest', () => {
  test.each(['__proto__', 'constructor', 'prototype'])('has no key %s, anywhere', async (key) => {
    const of = (value: string) => `{"schemaVersion":1,"name":"evil","description":"x","version":"1.0.0",${value}}`;
    for (const value of [`"${key}":{}`, `"permissions":{"${key}":{}}`, `"dependencies":{"${key}":"1.0.0"}`]) {
      expect(await whyNotManifest(of(value))).toContain(key);
    }
  });

  test.each(['\u001b[2J', '\u009b2J', '\u202e', '\u200b', '\n', '\r', '\u0007', '\u2028', '\u{e0041}'])(
    'has %j in no text that is shown',
    async (evil) => {
      const text = `a${evil}b`;
      const prompt = { name: 'a', type: 'choice', message: 'x', choices: ['x'] };
      for (const more of [
        { description: text },
        { nextSteps: [text] },
        { name: text },
        { version: text },
        { prompts: [{ ...prompt, message: text }] },
        { prompts: [{ ...prompt, choices: [text] }] },
        { prompts: [{ ...prompt, default: text }] },
        { permissions: { write: [text] } },
        { permissions: { run: [[text]] } },
        { permissions: { packageJson: { scripts: { x: text } } } },
      ]) {
        const reason = await whyNotManifest(more);
        expect([more, reason]).toEqual([more, expect.any(String)]);
        expect(reason?.replaceAll('\n', '')).not.toMatch(/[\p{C}\u2028\u2029]/u);
      }
    },
  );
});

test('nothing raw comes out of a hostile divvy.json, data or folder of tasks, in colour or as JSON', async () => {
  const evil = '\u001b[2J\u009b31m\u202e\u0007';
  const good = '{"tasks":"tasks","runtime":"vendor/divvy"}';
  for (const [manifest, argv, env] of [
    [`{"${evil}":1}`, ['list'], { FORCE_COLOR: '1' }],
    [evil, ['list'], {}],
    [JSON.stringify({ tasks: evil, runtime: 'x' }), ['list', '--json'], {}],
    [JSON.stringify({ tasks: 'tasks', runtime: 'vendor/divvy', [evil]: 1 }), ['list', '--json'], {}],
    [good, ['list'], { FORCE_COLOR: '1' }],
    [good, ['list', '--json'], {}],
    [good, ['add', 'x', '-t', `./${evil}`], {}],
    [good, ['add', 'x', '-t', 'github:a/b', '--ref', evil], {}],
    [good, ['remove', evil], {}],
  ] as const) {
    const cwd = packageFolder({ 'divvy.json': manifest, [`tasks/${evil}.ts`]: '' });
    const { stdout, stderr } = await divvy(argv, { cwd, env });
    expect(stdout + stderr).not.toBe('');
    // Its own colours are no more than these.
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    const bare = (stdout + stderr).replace(/\u001b\[\d+m/g, '').replaceAll('\n', '');
    expect(bare).not.toMatch(/\p{C}/u);
    expect(stdout + stderr).not.toContain('\u001b[2J');
  }
});

test('nor out of anything that a command says of what somebody else wrote', async () => {
  const evil = 'a\u001b[2J\u009b31m\u202e\u0007b';
  const said: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  }
  onTestFinished(() => void vi.restoreAllMocks());
  const { note, refuse, result } = terminal({ json: true, quiet: false });
  note(evil);
  refuse(new Refusal(1, evil, evil));
  result({ [evil]: evil });
  vi.restoreAllMocks();
  expect(said.join('').match(/\\u202e/g)).toHaveLength(5);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const bare = said.join('').replace(/\u001b\[\d+m/g, '');
  expect(bare.replaceAll('\n', '')).not.toMatch(/\p{C}/u);

  const prompts = [
    { name: 'a', type: 'text', message: 'Which?' },
    { name: 'b', type: 'text', message: 'Which?', when: { a: evil } },
  ];
  const help = await divvy(['add', '-t', templateFolder({ prompts }), '--help'], { cwd: packageFolder() });
  expect(help.stdout).toContain('only with a=a\\u001b[2J');
  expect(help.stdout.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
});
