/** The changes that an upgrade writes: files, the version in package.json, and the lock. */

import { type ChangeSet, survey, type Wanted } from '../change-set/survey.ts';
import { LOCK, PACKAGE_JSON } from '../disk/file-names.ts';
import { inLineEndsOf, sumOf } from '../disk/line-ends.ts';
import { foldersAbove } from '../disk/paths.ts';
import { HostFiles } from '../host/host-files.ts';
import { type Lock, textOf } from '../project/lock.ts';
import { withHost } from '../rendering/lock-edits.ts';
import { type Home, ownedFiles } from '../vendored/owned.ts';
import { type Release, releases } from '../vendored/releases.ts';
import type { Outcome } from '../vendored/three-way.ts';
import { type Migrations, sumsAfter } from './migrations.ts';

/**
 * Works out and checks what will be written.
 *
 * migrations - what releases rename in tasks.
 * isUntried - whether the lock has to say that nobody has tried the runtime.
 *
 * Throws a Refusal with exit code 3 for a file that must not be written, such as a link or a read-only one.
 */
export function changesOf(
  home: Home,
  target: Release,
  settled: readonly Outcome[],
  migrations: Migrations,
  isUntried: boolean,
): ChangeSet {
  const { root, lock } = home;
  const host = new HostFiles(root, lock);
  renewScript(host, target.version);
  const wanted = [...wantedOf(settled, host), ...migrations.wanted];
  // A runtime that was not tried stays marked until an upgrade tries it.
  const isOther = wanted.length > 0 || lock.runtime !== target.version || lock.unverified === true;
  return changeSetOf(root, wanted, lockAfter(home, target, settled, migrations, isUntried && isOther), host);
}

/** The files of the outcomes, and those of the host that were edited. */
export function wantedOf(settled: readonly Outcome[], host: HostFiles): Wanted[] {
  const edits = host.edited().map(({ path, bytes, before }) => ({ path, after: bytes, from: before.bytes }));
  return [...settled.flatMap(wantedFor), ...edits];
}

/** Checks everything that is to be written, together with the new lock. Throws a Refusal like survey. */
export function changeSetOf(root: string, wanted: readonly Wanted[], lock: Lock, host: HostFiles): ChangeSet {
  const text = textOf(withHost(lock, host.forLock()));
  const { added, differing } = survey(root, [...wanted, { path: LOCK, after: Buffer.from(text) }]);
  const changes = [...added, ...differing];
  const gone = changes.filter((change) => change.after === undefined).map(({ path }) => path);
  // Only folders of divvy's own files can have become empty.
  const goneFolders = foldersAbove(gone).sort((a, b) => b.split('/').length - a.split('/').length || (a < b ? -1 : 1));
  return { root, changes, goneFolders };
}

function wantedFor({ path, movedFrom, kind, mine, after }: Outcome): Wanted[] {
  if (movedFrom !== undefined && mine !== undefined) {
    return [
      { path, after: after && inLineEndsOf(mine.bytes, after), mode: mine.mode },
      { path: movedFrom, after: undefined, from: mine.bytes },
    ];
  }
  if (kind === 'same' || kind === 'mine' || kind === 'gone') return [];
  return [{ path, after, ...(mine !== undefined && { from: mine.bytes }) }];
}

/** The script that runs divvy names the version that the project is of. */
function renewScript(host: HostFiles, version: string): void {
  const file = host.open(PACKAGE_JSON, 'json');
  const there = file?.value(['scripts', 'divvy']);
  const ours = /^(npx --yes --package=create-divvy-task@)[\w.+-]+( divvy)$/;
  if (typeof there !== 'string' || !ours.test(there)) return;
  const wanted = there.replace(ours, `$1${version}$2`);
  if (wanted !== there) file?.setValue(['scripts', 'divvy'], wanted);
}

/** The lock has the sums of the release, also of files that were merged: so they are still known to be edited. */
function lockAfter(
  home: Home,
  target: Release,
  settled: readonly Outcome[],
  migrations: Migrations,
  isUntried: boolean,
): Lock {
  const { lock } = home;
  const { unverified: _, ...rest } = lock;
  const files = { ...lock.files, ...sumsAfter(lock, migrations) };
  for (const path of ownedFiles(home, releases()).keys()) delete files[path];
  for (const { path, movedFrom = path, theirs, kind } of settled) {
    const isTheirOwners = kind === 'mine' && lock.files[movedFrom] === undefined;
    if (theirs !== undefined && !isTheirOwners) files[path] = sumOf(theirs);
  }
  return { ...rest, runtime: target.version, files, ...(isUntried && { unverified: true }) };
}
