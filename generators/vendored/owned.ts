/** The files of a project that are divvy's, as a release made them: the runtime, and what every new project gets. */

import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type Before, readBefore, stat } from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import type { Lock } from '../project/lock.ts';
import type { Manifest } from '../project/manifest.ts';
import { partOf, partsIn } from '../project/parts.ts';
import { unhidden } from '../sources/hidden.ts';
import { PROJECT, type Releases, RUNTIME } from './releases.ts';

/** Where a project is, and what it says of itself. */
export interface Home {
  /** Absolute, without symbolic links. */
  readonly root: string;
  readonly manifest: Manifest;
  readonly lock: Lock;
}

/** A file of divvy's. */
export interface Owned {
  /** In the project. */
  readonly path: string;
  /** In a release. */
  readonly inRelease: string;
  /** Its sum as released. */
  readonly sum: string;
}

/** The files that say what was released: they are written anew, whatever is in them. */
export const isStatement = (inRelease: string): boolean =>
  [`${RUNTIME}SHA256SUMS`, `${RUNTIME}VERSION`].includes(inRelease);

/** The path in a project of a file of a release; undefined if this project gets no such file. */
export function placeOf(inRelease: string, { manifest, lock }: Home): string | undefined {
  if (inRelease.startsWith(RUNTIME)) {
    const file = inRelease.slice(RUNTIME.length);
    const part = partOf(file);
    return part === undefined || partsIn(lock, manifest.runtime).includes(part)
      ? `${manifest.runtime}/${file}`
      : undefined;
  }
  // A package that was there before has such files of its own.
  return lock.made === undefined ? undefined : unhidden(inRelease.slice(PROJECT.length));
}

/** The files of divvy's that the lock knows, by their path in the project. */
export function ownedFiles(home: Home, { all }: Releases): Map<string, Owned> {
  const { manifest, lock } = home;
  const ofTasks = new Set(Object.values(lock.tasks).flatMap(({ files = [] }) => files));
  const ofProjects = new Map<string, string>();
  for (const { files } of all) {
    for (const inRelease of Object.keys(files)) {
      const path = inRelease.startsWith(PROJECT) ? placeOf(inRelease, home) : undefined;
      if (path !== undefined && !ofTasks.has(path)) ofProjects.set(path, inRelease);
    }
  }
  const runtime = `${manifest.runtime}/`;
  return new Map(
    Object.entries(lock.files).flatMap(([path, sum]) => {
      const isVendored = path.startsWith(runtime);
      const inRelease = isVendored ? `${RUNTIME}${path.slice(runtime.length)}` : ofProjects.get(path);
      return inRelease === undefined ? [] : [[path, { path, inRelease, sum }] as const];
    }),
  );
}

/** How a file stands beside its release. `line-ends`: it differs in these alone, which is no edit. */
export type Standing = 'released' | 'line-ends' | 'edited' | 'missing' | 'no-file';

/** How a file stands, and its bytes if it is there. */
export function standingOf(root: string, { path, sum }: Owned): { standing: Standing; before?: Before } {
  const before = readBefore(root, path);
  if (before === undefined) return { standing: stat(join(root, path)) === undefined ? 'missing' : 'no-file' };
  if (sumOf(before.bytes) !== sum) return { standing: 'edited', before };
  return { standing: before.bytes.includes('\r\n') ? 'line-ends' : 'released', before };
}

/** The files in the runtime's folder that divvy did not put there. Follows no links. */
export function addedFiles({ root, manifest: { runtime } }: Home, owned: ReadonlyMap<string, Owned>): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    if (stat(join(root, folder))?.isDirectory() !== true) return;
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (!owned.has(path)) found.push(path);
    }
  };
  walk(runtime);
  return found.sort();
}
