/**
 * What this release and those before it put into projects: dist/releases.br, from which `divvy upgrade` takes the base of a
 * merge. The build makes it. `node release/releases.ts --keep` adds the version that was published to past.br.
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { diffPatch } from 'node-diff3';
import type { Migration } from '../generators/codemods/migration.ts';
import { sha256 } from '../generators/disk/line-ends.ts';
import { version } from '../generators/package.ts';
import {
  type Advisory,
  type Content,
  PROJECT,
  type Release,
  type ReleasesFile,
  RUNTIME,
  releaseOf,
  shippedFiles,
} from '../generators/vendored/releases.ts';
import { isRange, isVersion } from '../generators/versions.ts';

/** What was published, whole: release/past.br. */
export interface Past {
  readonly releases: readonly Release[];
  /** Each file of these releases, by its sum. */
  readonly texts: { readonly [sum: string]: string };
}

/** What people write about releases: release/releases.json. */
export interface Told {
  /** By version: the files of the runtime that it moved, by their path in the release before. */
  readonly renames: { readonly [version: string]: { readonly [path: string]: string } };
  /** By version: the files that it removed, so that none of them was forgotten among the moved ones. */
  readonly removed: { readonly [version: string]: readonly string[] };
  /** By version: what it renamed in tasks. */
  readonly migrations: { readonly [version: string]: readonly Migration[] };
  readonly advisories: readonly Advisory[];
}

const here = import.meta.dirname;
const PAST = join(here, 'past.br');
const NOTHING: Past = { releases: [], texts: {} };

/** The releases that were published, without the one that is here. */
export const past = (): Past =>
  existsSync(PAST) ? (JSON.parse(brotliDecompressSync(readFileSync(PAST)).toString()) as Past) : NOTHING;

export const told = (): Told => JSON.parse(readFileSync(join(here, 'releases.json'), 'utf8')) as Told;

/**
 * Why this release may not go out; empty if it may.
 *
 * changelog - the text of CHANGELOG.md: a version with a date was published.
 */
export function whyNotReleased(
  changelog: string,
  shipped: ReadonlyMap<string, Buffer>,
  before: Past,
  { renames, removed, advisories }: Told,
): string[] {
  const known = before.releases.map((release) => release.version);
  const published = [...changelog.matchAll(/^## (\d+\.\d+\.\d+\S*) \(\d{4}-\d\d-\d\d\)/gm)].map(([, it = '']) => it);
  const forgotten = published
    .filter((it) => it !== version && !known.includes(it))
    .map(
      (it) =>
        `${it} was published and is not in release/past.br: check it out, and run node release/releases.ts --keep`,
    );
  const same = before.releases.find((release) => release.version === version);
  const isOther = same !== undefined && JSON.stringify(same.files) !== JSON.stringify(releaseOf(shipped).files);
  const last = before.releases.findLast((release) => release.version !== version);
  const explained = [...Object.keys(renames[version] ?? {}), ...(removed[version] ?? [])];
  const gone = Object.keys(last?.files ?? {})
    .filter((path) => !shipped.has(path) && !explained.includes(path))
    .map(
      (path) =>
        `${path} was in ${last?.version} and is not here: name it in release/releases.json, under renames or removed`,
    );
  const nowhere = Object.entries(renames[version] ?? {})
    .filter(([from, to]) => !shipped.has(to) || last?.files[from] === undefined)
    .map(([from, to]) => `renames has ${from} → ${to}, and one of them is in no release`);
  return [
    ...forgotten,
    ...(isOther ? [`${version} was published with other files: give this release another version`] : []),
    ...gone,
    ...nowhere,
    ...advisories.flatMap(whyNotAdvisory),
  ];
}

const whyNotAdvisory = ({ id, affected, fixed, severity, text }: Advisory): string[] =>
  [id, text].every((it) => typeof it === 'string' && it !== '') &&
  isRange(affected) &&
  affected !== '' &&
  isVersion(fixed) &&
  ['low', 'moderate', 'high', 'critical'].includes(severity)
    ? []
    : [
        `the advisory ${id || '(without an id)'} lacks its id, a range of versions (affected), a version (fixed), a severity or a text`,
      ];

/** The bytes of dist/releases.br. */
export function packed(
  before: Past = past(),
  { renames, migrations, advisories }: Told = told(),
  shipped: ReadonlyMap<string, Buffer> = shippedFiles(),
): Buffer {
  const earlier = before.releases.filter((release) => release.version !== version);
  const file: ReleasesFile = {
    format: 1,
    releases: [...earlier, releaseOf(shipped, renames[version], migrations[version])],
    contents: contentsOf(earlier, before.texts, shipped, renames[version] ?? {}),
    advisories,
  };
  return pressed(file);
}

function contentsOf(
  releases: readonly Release[],
  texts: Past['texts'],
  shipped: ReadonlyMap<string, Buffer>,
  now: Release['renames'],
): ReleasesFile['contents'] {
  const there = new Set([...shipped.values()].map(sha256));
  const contents: { [sum: string]: Content } = {};
  for (const [index, { files }] of releases.entries()) {
    // A file that was moved since is nearest to what it is called now.
    const moved: Release['renames'] = Object.assign(
      {},
      ...releases.slice(index + 1).map(({ renames }) => renames),
      now,
    );
    for (const [path, sum] of Object.entries(files)) {
      const text = texts[sum];
      if (there.has(sum) || text === undefined) continue;
      contents[sum] = patchOf(text, nowOf(path, moved), shipped);
    }
  }
  return contents;
}

function nowOf(path: string, moved: Release['renames']): string {
  const to = moved[path];
  return to === undefined ? path : nowOf(to, moved);
}

function patchOf(text: string, from: string, shipped: ReadonlyMap<string, Buffer>): Content {
  const near = shipped.get(from)?.toString('utf8');
  if (near === undefined) return { text };
  // What the shipped file has in these places is not needed to apply a patch.
  const changes = diffPatch(near.split('\n'), text.split('\n'));
  return { from, patch: changes.map(({ buffer1, buffer2 }) => ({ buffer1: { ...buffer1, chunk: [] }, buffer2 })) };
}

const pressed = (value: unknown): Buffer => {
  const bytes = Buffer.from(JSON.stringify(value));
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  const params = { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return brotliCompressSync(bytes, { params });
};

/** The past with the release that is here. Throws if its version is there already. */
export function withThis(before: Past, { renames, migrations }: Told, shipped: ReadonlyMap<string, Buffer>): Past {
  if (before.releases.some((release) => release.version === version)) {
    throw new Error(`release/past.br has ${version} already. After a release the next version goes into package.json.`);
  }
  const texts = Object.fromEntries([...shipped.values()].map((bytes) => [sha256(bytes), bytes.toString('utf8')]));
  return {
    releases: [...before.releases, releaseOf(shipped, renames[version], migrations[version])],
    texts: { ...before.texts, ...texts },
  };
}

/** The bytes of release/past.br. */
export const pastFile = (all: Past): Buffer => pressed(all);

/** How many files of each kind a release has. */
const countOf = (kind: string, { files }: Release): number =>
  Object.keys(files).filter((path) => path.startsWith(kind)).length;

if (process.argv[1] === import.meta.filename) {
  const [, , what, file] = process.argv;
  if (what === '--packed' && file !== undefined) writeFileSync(file, packed());
  else if (what !== '--keep') {
    console.error(
      'Write: node release/releases.ts --keep, once this version is published; or --packed FILE, for what the build makes.',
    );
    process.exitCode = 2;
  } else {
    const all = withThis(past(), told(), shippedFiles());
    writeFileSync(PAST, pastFile(all));
    for (const release of all.releases) {
      console.log(
        `${release.version}: ${countOf(RUNTIME, release)} files of the runtime, ${countOf(PROJECT, release)} of projects`,
      );
    }
  }
}
