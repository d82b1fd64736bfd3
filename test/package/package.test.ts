// What is in the tarball, and that it runs from wherever it is installed.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

const tarball = inject('tarball');
const commands = ['create-divvy-task', 'divvy'];
/** The chunk that edits code, with its licences. */
const CODEMODS = ['dist/ts-morph.js.br', 'dist/ts-morph.js.LICENSES.txt'];

let folder: string;
/** The installed package, in a path with spaces. */
let installed: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-package-'));
  const project = join(folder, 'a path with spaces');
  mkdirSync(project);
  execFileSync('npm', ['install', '--offline', '--no-save', '--prefix', project, tarball], { stdio: 'pipe' });
  installed = join(project, 'node_modules', 'create-divvy-task');
});

afterAll(() => rmSync(folder, { recursive: true }));

const packageJson = (): Record<string, unknown> => JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
const files = (): string[] =>
  globSync('**/*', { cwd: installed, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(installed.length + 1));

const words = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

describe('the tarball', () => {
  test('is at most 1.9 MB', () => {
    expect(statSync(tarball).size).toBeLessThanOrEqual(1_900_000);
  });

  // The runtime, which is shipped as it is read, has grown with what a run promises: output that counts, locks, numbers, reports,
  // what holds a run back and how its failures are looked at (8 KB), a hand on a running run and the cursor (10 KB), results (8 KB), the task's own arguments (8 KB), templates for databases (5 KB), what renews vendored code (42 KB: what tries a runtime 15, upgrade, diff and doctor 17, the releases 5, semver whole 5), reports (56 KB: the page with uPlot 32, its numbers and its HTML 24), metrics (7 KB), the terminal's line and tags (6 KB),
  // telemetry (9 KB: what is vendored 6, its commands 3), runs over several machines (42 KB: what is vendored 38, its commands 4), what a person at night sees of failures and retries (2 KB), the
  // first item sooner and two streams of one terminal (3 KB); and `add`
  // with the formatters, linters, test runners and package managers whose settings it knows. Each of its files has a header of
  // its own in the tarball, so that a house of many rooms costs some kilobytes.
  test('is at most 616 KB without the chunk that edits code', () => {
    const without = join(folder, 'without');
    mkdirSync(without);
    execFileSync('tar', ['xzf', tarball, '-C', without]);
    for (const file of CODEMODS) rmSync(join(without, 'package', file));
    const packing = ['pack', '--json', '--ignore-scripts', '--pack-destination', without, join(without, 'package')];
    const [{ size }] = JSON.parse(execFileSync('npm', packing, { encoding: 'utf8', stdio: 'pipe' }));
    expect(size).toBeLessThanOrEqual(616_000);
  });

  test('needs nothing else to be installed, and runs nothing when it is', () => {
    const { dependencies, optionalDependencies, peerDependencies, bundleDependencies, scripts } = packageJson();
    expect({ dependencies, optionalDependencies, peerDependencies, bundleDependencies }).toEqual({});
    expect(Object.keys(scripts ?? {})).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/^(pre|post)?(install|prepare)$/)]),
    );
  });

  test('has the two commands, the runtime and the templates, and nothing of the repository beside them', () => {
    const places = new Set(files().map((file) => file.replace(/\/.*/, '/')));
    expect([...places].sort()).toEqual([
      'LICENSE',
      'README.md',
      'conformance/',
      'dist/',
      'package.json',
      'runtime/',
      'templates/',
    ]);
    expect(packageJson()['bin']).toEqual({
      'create-divvy-task': 'dist/create-divvy-task.cjs',
      divvy: 'dist/divvy.cjs',
    });
    expect(files().filter((file) => /\.tgz$|\.map$|node_modules|\.log$/.test(file))).toEqual([]);
  });

  test('has every file of the runtime, of the templates and of what tries a runtime, under names that npm does not change', () => {
    const home = join(import.meta.dirname, '../..');
    const committed = execFileSync('git', ['ls-files', 'conformance', 'runtime', 'templates'], {
      cwd: home,
      encoding: 'utf8',
    });
    for (const file of committed.trim().split('\n')) {
      expect(readFileSync(join(installed, file)), file).toEqual(readFileSync(join(home, file)));
    }
  });

  test('has the licences of what is bundled, with the copyright of each and the terms once', () => {
    const licences = (file: string): string => readFileSync(join(installed, 'dist', file), 'utf8');
    for (const [file, name] of [
      ['LICENSES.txt', 'yeoman-environment'],
      ['LICENSES.txt', 'mem-fs'],
      ['LICENSES.txt', 'ejs'],
      ['LICENSES.txt', 'execa'],
      ['ts-morph.js.LICENSES.txt', 'ts-morph'],
      ['ts-morph.js.LICENSES.txt', 'typescript'],
    ] as const) {
      expect(licences(file)).toMatch(new RegExp(`^${name} \\d.*\\(.+\\)`, 'm'));
    }
    const all = words(licences('LICENSES.txt'));
    // Which asks for its text, or a link to it.
    expect(all).toMatch(/tar [\d.]+ \(BlueOak-1\.0\.0\)[^-]* https:\/\/blueoakcouncil\.org\/license\/1\.0\.0/);
    for (const name of ['execa', 'get-tsconfig', 'semver', 'js-yaml', 'diff', 'ejs']) {
      const [file = ''] = globSync(join(import.meta.dirname, '../../node_modules', name, '{LICENSE,license}*'));
      const [terms = ''] = readFileSync(file, 'utf8').split('APPENDIX: How to apply');
      for (const part of terms.split(/\n\s*\n/)) expect(all, name).toContain(words(part));
    }
  });
});

test('making a project without hooks does not load what edits code', () => {
  const without = join(mkdtempSync(join(folder, 'no-codemods-')), 'package');
  cpSync(installed, without, { recursive: true });
  for (const file of CODEMODS) rmSync(join(without, file));
  const create = (dir: string, ...more: string[]): { status: number | null; stderr: string } =>
    spawnSync(
      process.execPath,
      [
        join(without, 'dist/create-divvy-task.cjs'),
        dir,
        '--template',
        'basic',
        '--yes',
        '--no-git',
        '--no-install',
        ...more,
      ],
      { cwd: folder, encoding: 'utf8' },
    );
  expect(create('no-hooks')).toMatchObject({ status: 0, stderr: '' });
  expect(create('a-hook', '--hooks', 'beforeFork').stderr).toContain('ts-morph.js');
});

describe.each(commands)('%s, installed', (command) => {
  const bin = (): string => join(installed, 'dist', `${command}.cjs`);

  test('runs from a path with spaces', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin(), '--version'], { encoding: 'utf8' });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${packageJson()['version']}\n`, stderr: '' });
  });

  test.each(olderNodes())(
    'says which Node.js is needed before it loads anything, on $title',
    ({ node, args, version }) => {
      // Alone in its folder: whatever it loaded beyond the check would not be there.
      const alone = join(mkdtempSync(join(folder, 'alone-')), 'dist');
      mkdirSync(alone);
      for (const file of globSync('*.cjs', { cwd: join(installed, 'dist') })) {
        execFileSync('cp', [join(installed, 'dist', file), alone]);
      }
      const { status, stdout, stderr } = spawnSync(node, [...args, join(alone, `${command}.cjs`), 'my-task'], {
        encoding: 'utf8',
      });
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toContain(version);
      expect(stderr).toContain('^22.18 || ^24.11 || >=26');
      expect(stderr).toContain(`npx -p node@24 -p create-divvy-task ${command}`);
    },
  );
});

/** This Node.js under an older version's name, and each one on PATH that really is older. */
function olderNodes(): { title: string; node: string; args: string[]; version: string }[] {
  const renamed = ['22.17.1', '23.11.0', '24.10.0', '25.9.0'].map((version) => ({
    title: `${version} (by name)`,
    node: process.execPath,
    args: [
      '--import',
      `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`,
    ],
    version,
  }));
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .filter((node) => existsSync(node))
    .map((node) => ({ node, version: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1) }))
    .filter(({ version }) => Number.parseInt(version, 10) < 22)
    .map(({ node, version }) => ({ title: version, node, args: [], version }));
  return [...renamed, ...new Map(found.map((it) => [it.version, it])).values()];
}
