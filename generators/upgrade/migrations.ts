/** Runs the migrations of releases on the tasks of a project and their tests. */

import { readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Wanted } from '../change-set/survey.ts';
import type { ByHand, Migration } from '../codemods/migration.ts';
import { readBefore, stat } from '../disk/disk.ts';
import { sumOf } from '../disk/line-ends.ts';
import type { Lock } from '../project/lock.ts';
import type { Home } from '../vendored/owned.ts';
import type { Release } from '../vendored/releases.ts';

export interface Migrations {
  readonly wanted: readonly (Wanted & { readonly after: Buffer; readonly from: Buffer })[];
  /** What was renamed, and what its owner has to write: a line each. */
  readonly notes: readonly string[];
}

/** Works out what the migrations of some releases change. Loads the compiler only if there are any. */
export async function migrationsOf({ root, manifest }: Home, releases: readonly Release[]): Promise<Migrations> {
  const all = releases.flatMap(({ version, migrations = [] }) => migrations.map((each) => ({ ...each, version })));
  if (all.length === 0) return { wanted: [], notes: [] };
  const { migrate } = await import('../codemods/migration.ts');
  const wanted: Migrations['wanted'][number][] = [];
  const notes: string[] = [];
  for (const path of [manifest.tasks, manifest.tests].flatMap((folder) => sourcesBelow(root, folder))) {
    const before = readBefore(root, path)?.bytes;
    const source = before?.toString('utf8') ?? '';
    if (before === undefined || !Buffer.from(source).equals(before)) continue;
    let text = source;
    for (const migration of all) {
      const { text: next, byHand } = migrate(text, path, migration);
      if (next !== text) notes.push(`${path}: ${inWords(migration)}`);
      notes.push(...byHand.map((each) => told(path, each)));
      text = next;
    }
    if (text !== source) wanted.push({ path, after: Buffer.from(text), from: before });
  }
  return { wanted: [...new Map(wanted.map((each) => [each.path, each])).values()], notes };
}

const inWords = (migration: Migration & { readonly version: string }): string =>
  `${'export' in migration ? migration.export : migration.member} is called ${migration.to} since divvy ${migration.version}, and was renamed (${migration.name})`;

const told = (path: string, { line, reason, write }: ByHand): string => `${path}:${line}: ${reason}. Write: ${write}`;

function sourcesBelow(root: string, folder: string): string[] {
  if (stat(join(root, folder))?.isDirectory() !== true) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourcesBelow(root, path);
      return entry.isFile() && /\.m?ts$/.test(entry.name) ? [path] : [];
    })
    .sort();
}

/** The sums of the files that were as divvy wrote them, as they are now. */
export function sumsAfter(lock: Lock, { wanted }: Migrations): { readonly [path: string]: string } {
  return Object.fromEntries(
    wanted.flatMap(({ path, from, after }) => (lock.files[path] === sumOf(from) ? [[path, sumOf(after)]] : [])),
  );
}
