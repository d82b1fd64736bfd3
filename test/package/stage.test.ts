// The folder that is published: the README's links work on npm, and nothing is published whose links do not.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { webOf, withWholeLinks } from '../../release/links.ts';
import { stage } from '../../release/stage.ts';

const home = join(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
const GITHUB = 'git+https://github.com/acme/divvy.git';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-stage-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Where the links of a text in Markdown lead; what is code has none. */
function linksIn(markdown: string): string[] {
  const text = markdown.replace(/^```[\s\S]*?^```|`[^`\n]+`/gm, '');
  return [...text.matchAll(/\]\(([^()\s]+)[^()]*\)|\b(?:href|src|srcset)="([^"]*)"/g)].map(([, a, b]) => a ?? b ?? '');
}

const whole = /^(https:\/\/|#)/;

test('no link of the README that is packed leads to what is neither in the package nor a whole address', () => {
  const packed = join(folder, 'packed');
  mkdirSync(packed);
  execFileSync('tar', ['xzf', inject('tarball'), '-C', packed]);
  const links = linksIn(readFileSync(join(packed, 'package/README.md'), 'utf8'));
  const relative = links.filter((link) => !whole.test(link));
  expect(relative.filter((link) => !existsSync(join(packed, 'package', link.replace(/#.*/, ''))))).toEqual([]);
});

test('with a repository every link is a whole address, and nothing else is changed', () => {
  const staged = join(folder, 'whole');
  stage(staged, { ...manifest, repository: { type: 'git', url: GITHUB } });
  const links = linksIn(readFileSync(join(staged, 'README.md'), 'utf8'));
  const before = linksIn(readFileSync(join(home, 'README.md'), 'utf8'));
  expect(before.filter((link) => !whole.test(link)).length).toBeGreaterThan(0);
  const expected = before.map((link) =>
    whole.test(link) ? link : expect.stringMatching(`^https://github.com/acme/divvy/(blob|raw)/v${manifest.version}/`),
  );
  expect(links).toEqual(expected);
  expect(links).toContain(`https://github.com/acme/divvy/blob/v${manifest.version}/docs/delivery.md`);
  const { scripts, devDependencies, ...published } = JSON.parse(readFileSync(join(staged, 'package.json'), 'utf8'));
  expect({ scripts, devDependencies }).toEqual({});
  expect(published).toMatchObject({ name: manifest.name, bin: manifest.bin, imports: manifest.imports });
});

describe('publishing is refused, with what to do:', () => {
  test('what was made without a repository', () => {
    const staged = join(folder, 'without');
    stage(staged, { ...manifest, repository: undefined });
    const { status, stderr } = spawnSync('npm', ['publish', '--dry-run'], { cwd: staged, encoding: 'utf8' });
    expect(status).not.toBe(0);
    expect(stderr).toContain(
      'package.json has no repository, and without it no link of the README to docs/ works on npm.',
    );
    expect(stderr).toContain('Set "repository" in package.json, then: npm run stage && npm publish ./tmp/package');
  });

  test('the repository itself, whose README has links for the repository', () => {
    const there = join(folder, 'repository');
    mkdirSync(there);
    cpSync(join(home, 'release'), join(there, 'release'), { recursive: true });
    for (const repository of [undefined, GITHUB]) {
      writeFileSync(join(there, 'package.json'), JSON.stringify({ ...manifest, repository }));
      const { status, stderr } = spawnSync('npm', ['publish', '--dry-run'], { cwd: there, encoding: 'utf8' });
      expect(status).not.toBe(0);
      expect(stderr).toContain('npm run stage && npm publish ./tmp/package');
    }
  });
});

describe('the repository’s files are on the web, of', () => {
  test.each<[unknown, string]>([
    ['acme/divvy', 'https://github.com/acme/divvy/blob/v1/'],
    ['github:acme/divvy', 'https://github.com/acme/divvy/blob/v1/'],
    ['gitlab:acme/divvy', 'https://gitlab.com/acme/divvy/-/blob/v1/'],
    ['bitbucket:acme/divvy', 'https://bitbucket.org/acme/divvy/src/v1/'],
    ['git@github.com:acme/divvy.git', 'https://github.com/acme/divvy/blob/v1/'],
    [{ url: GITHUB, directory: 'packages/create/' }, 'https://github.com/acme/divvy/blob/v1/packages/create/'],
    [{ url: 'git+ssh://git@github.com/acme/divvy.git' }, 'https://github.com/acme/divvy/blob/v1/'],
    [{ url: 'https://codeberg.org/acme/divvy' }, 'https://codeberg.org/acme/divvy/src/tag/v1/'],
    [{ url: 'https://gitlab.com/acme/tools/divvy.git' }, 'https://gitlab.com/acme/tools/divvy/-/blob/v1/'],
  ])('%j', (repository, page) => {
    expect(webOf(repository, 'v1')?.page).toBe(page);
  });

  test('nobody where there is no repository, and refused for a host that is not known', () => {
    expect(webOf(undefined, 'v1')).toBeUndefined();
    expect(() => webOf('https://git.example.org/acme/divvy', 'v1')).toThrow(/not known here.*release\/links\.ts/);
  });
});

describe('a link', () => {
  const isInRepository = (path: string): boolean => ['docs/a.md', 'docs', 'runtime/b.md', 'run.svg'].includes(path);
  const isInPackage = (path: string): boolean => path.startsWith('runtime/');
  const web = webOf('acme/divvy', 'v1');
  const made = (text: string) => withWholeLinks(text, { web, isInRepository, isInPackage });
  const lost = (text: string) => withWholeLinks(text, { web: undefined, isInRepository, isInPackage });
  const PAGE = 'https://github.com/acme/divvy/blob/v1';
  const RAW = 'https://github.com/acme/divvy/raw/v1';

  test.each([
    ['see [a](docs/a.md#b "c").', `see [a](${PAGE}/docs/a.md#b "c").`, 'see a.'],
    ['[x](./docs/a.md) [y](runtime/b.md)', `[x](${PAGE}/docs/a.md) [y](${PAGE}/runtime/b.md)`, 'x [y](runtime/b.md)'],
    ['![a run](run.svg)', `![a run](${RAW}/run.svg)`, 'a run'],
    ['[![a run](run.svg)](docs/a.md)', `[![a run](${RAW}/run.svg)](${PAGE}/docs/a.md)`, 'a run'],
    ['<a href="docs">d</a>', `<a href="${PAGE}/docs">d</a>`, '<a>d</a>'],
    ['<img alt="a run" src="run.svg">', `<img alt="a run" src="${RAW}/run.svg">`, 'a run'],
  ])('%s', (text, withWeb, without) => {
    expect(made(text)).toBe(withWeb);
    expect(lost(text)).toBe(without);
  });

  test.each([
    '[a](https://example.org/docs/a.md) [b](#c) [d](mailto:x@example.org) ![e](data:image/png;base64,AA)',
    '`[a](docs/a.md)` and\n```md\n[a](docs/a.md)\n```\n',
    'list[0](x)'.replace('(x)', ' (x)'),
  ])('that is whole, or in code, stays: %s', (text) => {
    expect(made(text)).toBe(text);
    expect(lost(text)).toBe(text);
  });

  test('is refused where it leads nowhere, or is written apart from its text', () => {
    expect(() => made('[a](docs/gone.md)')).toThrow('the link to docs/gone.md leads to a file that is not there');
    expect(() => made('[a][b]\n\n[b]: docs/a.md\n')).toThrow('write it as [text](docs/a.md)');
  });
});
