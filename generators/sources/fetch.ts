/**
 * Fetches a source of templates. Nothing is kept between two commands: each fetches anew, so nothing stale is ever used.
 *
 *   text ──parseSource──▶ Source ──fetchSource──▶ Fetched ──templatesIn──▶ Template[]
 *   (as written)          (told apart)            (resolved, checked)       (by their manifests)
 */

import { realpathSync } from 'node:fs';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { saying } from '../terminal/waiting.ts';
import { badRef, nothingWithin, sourceMoved } from './errors.ts';
import { readFolder } from './folder.ts';
import { filesWithin, type SourceFile } from './gathering.ts';
import { readRepository } from './git.ts';
import { readPackage } from './npm.ts';
import type { Source } from './source.ts';
import { readTarball } from './tarball.ts';

export interface Fetched {
  /** The source as the lock has it, from `recordedIn`: with `resolved` it brings the very same again. */
  readonly exact: string;
  /** The source as the memory of what is trusted has it: without a relative path. */
  readonly identity: string;
  /** A commit id, or an integrity hash as registries write it (`sha512-…`). */
  readonly resolved: string;
  /** By their paths in the folder that is meant. */
  readonly files: readonly SourceFile[];
}

/** Where and how to fetch. */
export interface Fetching {
  /** Absolute: what relative paths start from. */
  readonly cwd: string;
  /** Absolute: what relative paths in `exact` start from; without it, as those that were written. */
  readonly recordedIn?: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** `--ref`: a branch, a tag or a whole commit id. For git only. */
  readonly ref?: string | undefined;
  /** What it has to resolve to, as the lock has it; of a repository this very commit is fetched. */
  readonly expected?: string | undefined;
  /** Tells the person what is waited for. */
  readonly note?: (text: string) => void;
}

/** Who is waited for. */
const FETCHERS: Readonly<Record<Source['kind'], string>> = {
  folder: 'the disk',
  git: 'git',
  npm: 'npm',
  tarball: 'the archive',
};

/**
 * Fetches a source, and resolves what it is now.
 *
 * Rejects with a Refusal: with exit code 1 where it cannot be had, 2 for a ref or a folder that is not there, 3 where it
 * is not as expected, is broken, or has what no template may have.
 */
export async function fetchSource(source: Source, fetching: Fetching): Promise<Fetched> {
  const { cwd, recordedIn = cwd, expected } = fetching;
  if (fetching.ref !== undefined && source.kind !== 'git') throw badRef(fetching.ref, 'only a source in git has refs');
  const {
    resolved,
    files,
    exact = shownIn(recordedIn, source, cwd),
  } = await saying(fetching.note, `Still fetching ${source.shown}: waiting for ${FETCHERS[source.kind]}.`, () =>
    read(source, fetching),
  );
  if (expected !== undefined && resolved !== expected) throw sourceMoved(source.shown, expected, resolved);
  // A repository's tree was read from there on.
  const within = source.kind === 'git' ? '' : source.within;
  const found = filesWithin(files, within);
  if (found.length === 0 && source.within !== '') throw nothingWithin(source.shown, source.within, false);
  return { exact, identity: identityOf(source, cwd), resolved, files: found };
}

interface Read {
  readonly resolved: string;
  readonly files: readonly SourceFile[];
  readonly exact?: string;
}

async function read(source: Source, { cwd, environment, ref, expected }: Fetching): Promise<Read> {
  switch (source.kind) {
    case 'folder':
      return readFolder(source, cwd);
    case 'git':
      return readRepository(source, expected ?? ref, environment);
    case 'tarball':
      return readTarball(source, cwd);
    case 'npm': {
      const { version, ...found } = await readPackage(source, cwd, environment);
      const within = source.within === '' ? '' : `#${source.within}`;
      return { ...found, exact: `npm:${source.name}@${version}${within}` };
    }
  }
}

/** Of a path on this machine that was written from one folder: the same from another, since the lock is read from there. */
function shownIn(folder: string, source: Source, cwd: string): string {
  const path = pathOf(source);
  if (path === undefined || isAbsolute(path) || folder === cwd) return source.shown;
  const other = relative(folder, resolve(cwd, path)).replaceAll(sep, '/');
  const isToldApart = isAbsolute(other) || other.startsWith('../') || other === '..';
  return `${isToldApart ? other : `./${other}`}${source.shown.slice(path.length)}`;
}

const pathOf = (source: Source): string | undefined => {
  if (source.kind === 'folder') return source.path;
  return source.kind === 'tarball' && typeof source.from === 'string' ? source.from : undefined;
};

/** Of a place on this machine: what it really is, wherever it is named from. */
function identityOf(source: Source, cwd: string): string {
  const path = pathOf(source);
  return path === undefined ? source.shown : realpathSync(resolve(cwd, path)) + source.shown.slice(path.length);
}
