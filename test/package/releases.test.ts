// What a release brings so that projects can be upgraded: dist/releases.br, with moved files and known faults.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { sha256 } from '../../generators/disk/line-ends.ts';
import { version } from '../../generators/package.ts';
import { Releases, type ReleasesFile, releaseOf, shippedFiles } from '../../generators/vendored/releases.ts';
import {
  type Past,
  packed,
  past,
  pastFile,
  type Told,
  told,
  whyNotReleased,
  withThis,
} from '../../release/releases.ts';

const home = join(import.meta.dirname, '../..');
const NOTHING: Told = { renames: {}, removed: {}, migrations: {}, advisories: [] };

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-releases-'));
  execFileSync('tar', ['xzf', inject('tarball'), '-C', folder]);
});

afterAll(() => rmSync(folder, { recursive: true }));

const read = (bytes: Buffer): ReleasesFile => JSON.parse(brotliDecompressSync(bytes).toString());

test('the package knows the release that it is, with the sum of each file', () => {
  const { releases } = read(readFileSync(join(folder, 'package/dist/releases.br')));
  const here = releases.at(-1);
  expect(here?.version).toBe(version);
  const files = Object.entries(here?.files ?? {});
  expect(files.length).toBeGreaterThan(100);
  const made = ['VERSION', 'package.json', '.gitattributes', 'SHA256SUMS', 'LICENSE'].map((name) => `runtime/${name}`);
  for (const [path, sum] of files.filter(([path]) => !made.includes(path))) {
    const file = path.replace(/^project\//, 'templates/_project/');
    expect(sha256(readFileSync(join(folder, 'package', file))), path).toBe(sum);
  }
});

test('this release may go out: what was published is in release/past.br, and what it moved is told', () => {
  expect(whyNotReleased(readFileSync(join(home, 'CHANGELOG.md'), 'utf8'), shippedFiles(), past(), told())).toEqual([]);
});

describe('a release is refused', () => {
  const shipped = shippedFiles();
  const why = (changelog: string, before: Past, told: Partial<Told> = {}) =>
    whyNotReleased(changelog, shipped, before, { ...NOTHING, ...told });
  const none: Past = { releases: [], texts: {} };
  const other = (of: string, files: object): Past => ({
    releases: [{ ...releaseOf(shipped), version: of, files: { ...releaseOf(shipped).files, ...files } }],
    texts: {},
  });

  test('if a published one was not kept', () => {
    expect(why('## 0.0.1 (2026-01-02)\n', none)).toEqual([
      expect.stringContaining('0.0.1 was published and is not in release/past.br'),
    ]);
    expect(why('## 0.0.1 (unreleased)\n', none)).toEqual([]);
  });

  test('if its version was published with other files', () => {
    expect(why('', other(version, { 'runtime/index.ts': 'x' }))).toEqual([
      expect.stringContaining('give this release another version'),
    ]);
  });

  test('if a file is gone, and nobody says that it was moved or removed', () => {
    const before = other('0.0.1', { 'runtime/old.ts': 'x' });
    expect(why('', before)).toEqual([expect.stringContaining('runtime/old.ts was in 0.0.1 and is not here')]);
    expect(why('', before, { renames: { [version]: { 'runtime/old.ts': 'runtime/index.ts' } } })).toEqual([]);
    expect(why('', before, { removed: { [version]: ['runtime/old.ts'] } })).toEqual([]);
    expect(why('', before, { renames: { [version]: { 'runtime/old.ts': 'runtime/nowhere.ts' } } })).toEqual([
      expect.stringContaining('runtime/old.ts → runtime/nowhere.ts'),
    ]);
  });

  test('if an advisory lacks what people need to know', () => {
    const advisory = {
      id: 'X',
      affected: '<1.0.0',
      fixed: '1.0.0',
      severity: 'high',
      text: 'A line may be lost.',
    } as const;
    expect(why('', none, { advisories: [advisory] })).toEqual([]);
    for (const name of ['affected', 'fixed', 'text', 'severity'])
      expect(why('', none, { advisories: [{ ...advisory, [name]: '' } as never] })).toHaveLength(1);
    expect(why('', none, { advisories: [{ ...advisory, affected: 'all' }] })).toHaveLength(1);
    expect(why('', none, { advisories: [{ ...advisory, fixed: 'soon' }] })).toHaveLength(1);
  });
});

test('a past release comes out of the package as it was, and costs a few kilobytes', () => {
  const shipped = shippedFiles();
  const before = new Map(
    [...shipped].map(([path, bytes], index) => {
      const text = bytes.toString('utf8');
      const edited = index % 4 === 0 ? text.replace('\n', '\n// of an earlier release\n') : text;
      return [path === 'runtime/key.ts' ? 'runtime/keys.ts' : path, Buffer.from(edited)] as const;
    }),
  );
  const earlier: Past = {
    releases: [{ ...releaseOf(before), version: '0.0.1' }],
    texts: Object.fromEntries([...before.values()].map((bytes) => [sha256(bytes), bytes.toString('utf8')])),
  };
  const told = { ...NOTHING, renames: { [version]: { 'runtime/keys.ts': 'runtime/key.ts' } } };
  const bytes = packed(earlier, told, shipped);
  expect(bytes.length - packed({ releases: [], texts: {} }, NOTHING, shipped).length).toBeLessThan(6000);
  const known = new Releases(read(bytes), shipped);
  const [release] = known.all;
  for (const [path, sum] of Object.entries(release?.files ?? {}))
    expect(known.contentOf(sum), path).toEqual(before.get(path));
});

test('what was published is kept once, whole, and under its version', () => {
  const shipped = shippedFiles();
  const kept = withThis({ releases: [], texts: {} }, NOTHING, shipped);
  expect(kept.releases.map((release) => release.version)).toEqual([version]);
  expect(JSON.parse(brotliDecompressSync(pastFile(kept)).toString())).toEqual(kept);
  for (const [path, bytes] of shipped)
    expect(kept.texts[kept.releases[0]?.files[path] ?? '']).toBe(bytes.toString('utf8'));
  expect(() => withThis(kept, NOTHING, shipped)).toThrow(`release/past.br has ${version} already`);
});
