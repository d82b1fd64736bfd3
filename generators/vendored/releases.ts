/**
 * The releases of divvy that this package knows: what each put into a project, and which of them have known faults.
 *
 * `dist/releases.br` has them (release/releases.ts makes it). Of a past release it has the sum of each file, and of a file
 * that this package does not ship a patch from the nearest one that it does. So a release costs a few kilobytes, and what
 * is taken out of it is checked by its sum.
 */

import { brotliDecompressSync } from 'node:zlib';
import { patch } from 'node-diff3';
import type { Migration } from '../codemods/migration.ts';
import { sha256 } from '../disk/line-ends.ts';
import { parseJson } from '../json/parse.ts';
import { readIfThere, version } from '../package.ts';
import { onDemand, vendoredRuntime } from '../project/vendor.ts';
import { projectTemplateFiles } from '../sources/templates.ts';
import { isNewer } from '../versions.ts';

/** One release. `runtime/…` are the vendored files, `project/…` the files of every new project, before they are filled. */
export interface Release {
  readonly version: string;
  /** The sum of each file. */
  readonly files: { readonly [path: string]: string };
  /** Files that this release moved, by their path in the release before. */
  readonly renames: { readonly [path: string]: string };
  /** What it renames in tasks; absent if nothing. */
  readonly migrations?: readonly Migration[];
}

/** A known fault of some releases. */
export interface Advisory {
  readonly id: string;
  /** A range of versions. */
  readonly affected: string;
  /** The first version without it. */
  readonly fixed: string;
  readonly severity: 'low' | 'moderate' | 'high' | 'critical';
  /** What may happen, and to whom, in a sentence. */
  readonly text: string;
}

/** The lines of a shipped file that change, as node-diff3 writes them. */
type LinePatch = Parameters<typeof patch<string>>[1];

/** A file of a past release: a whole text, or a patch from a shipped file. */
export type Content = { readonly text: string } | { readonly from: string; readonly patch: LinePatch };

/** What is in dist/releases.br. */
export interface ReleasesFile {
  readonly format: 1;
  /** From the oldest to the one that is shipped. */
  readonly releases: readonly Release[];
  /** By sum; without the files that are shipped. */
  readonly contents: { readonly [sum: string]: Content };
  readonly advisories: readonly Advisory[];
}

/** Where a project's file stands in a release. */
export const RUNTIME = 'runtime/';
export const PROJECT = 'project/';

/** Every file that this package may put into a project, by its path in a release. */
export function shippedFiles(): Map<string, Buffer> {
  const vendored = [...vendoredRuntime('runtime'), ...onDemand('runtime')];
  const runtime = vendored.map(({ path, after }) => [path, after] as const);
  // The package.json of a project is its owner's from the first minute.
  const project = projectTemplateFiles().filter(({ path }) => path !== '_package.json');
  return new Map([...runtime, ...project.map(({ path, bytes }) => [`${PROJECT}${path}`, bytes] as const)]);
}

export class Releases {
  readonly all: readonly Release[];
  readonly advisories: readonly Advisory[];
  readonly #shipped: ReadonlyMap<string, Buffer>;
  readonly #contents: ReleasesFile['contents'];

  constructor({ releases, contents, advisories }: ReleasesFile, shipped: ReadonlyMap<string, Buffer>) {
    this.all = releases;
    this.advisories = advisories;
    this.#shipped = shipped;
    this.#contents = contents;
  }

  /** A release; undefined if this package does not know it. */
  of(wanted: string): Release | undefined {
    return this.all.find(({ version }) => version === wanted);
  }

  /** The bytes of a file of any release, by its sum; undefined if none has it. */
  contentOf(sum: string): Buffer | undefined {
    for (const bytes of this.#shipped.values()) if (sha256(bytes) === sum) return bytes;
    const content = Object.hasOwn(this.#contents, sum) ? this.#contents[sum] : undefined;
    if (content === undefined) return undefined;
    const bytes = Buffer.from('text' in content ? content.text : this.#patched(content));
    return sha256(bytes) === sum ? bytes : undefined;
  }

  #patched({ from, patch: changes }: Extract<Content, { readonly from: string }>): string {
    const lines = (this.#shipped.get(from)?.toString('utf8') ?? '').split('\n');
    return patch(lines, changes).join('\n');
  }

  /** The releases behind one version up to another, in their order. */
  between(from: string, to: string): Release[] {
    return this.all.filter((release) => isNewer(release.version, from) && !isNewer(release.version, to));
  }
}

let known: Releases | undefined;

/** Run from source, without a build, only the release that is here is known. */
export function releases(): Releases {
  if (known !== undefined) return known;
  const shipped = shippedFiles();
  const packed = readIfThere('dist/releases.br');
  const file =
    packed === undefined
      ? { format: 1 as const, releases: [releaseOf(shipped)], contents: {}, advisories: [] }
      : (parseJson(brotliDecompressSync(packed)) as ReleasesFile);
  known = new Releases(file, shipped);
  return known;
}

/** The release that this package ships. */
export function releaseHere(): Release {
  const here = releases().of(version);
  if (here === undefined) throw new TypeError(`dist/releases.br has no ${version}: build the package again`);
  return here;
}

/** The release that consists of the shipped files. */
export const releaseOf = (
  shipped: ReadonlyMap<string, Buffer>,
  renames: Release['renames'] = {},
  migrations: readonly Migration[] = [],
): Release => ({
  version,
  files: Object.fromEntries([...shipped].map(([path, bytes]) => [path, sha256(bytes)])),
  renames,
  ...(migrations.length > 0 && { migrations }),
});
