/**
 * Fetches a source of templates. Keeps nothing between two commands: each fetches again, so nothing outdated is ever
 * used.
 *
 *   text ──parseSource──▶ Source ──fetchSource──▶ Fetched ──templatesIn──▶ Template[]
 *   (as written)          (checked)               (resolved)               (by their manifests)
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
  /**
   * The source as the lock writes it, relative to `recordedIn`: together with `resolved` it gives exactly the same
   * files again.
   */
  readonly exact: string;
  /** The source as the record of trust writes it: without a relative path. */
  readonly identity: string;
  /** A commit id, or an integrity hash as registries write it (`sha512-…`). */
  readonly resolved: string;
  /** With their paths inside the chosen folder. */
  readonly files: readonly SourceFile[];
}

export interface Fetching {
  /** Absolute: relative paths start here. */
  readonly cwd: string;
  /** Absolute: relative paths in `exact` start here. Without it they stay as they were written. */
  readonly recordedIn?: string | undefined;
  readonly environment: NodeJS.ProcessEnv;
  /** `--ref`: a branch, a tag or a whole commit id. Only for git. */
  readonly ref?: string | undefined;
  /** What the source must resolve to, according to the lock; from a repository, exactly this commit is fetched. */
  readonly expected?: string | undefined;
  /** Tells the person what divvy is waiting for. */
  readonly note?: (text: string) => void;
}

/** What divvy waits for, by kind of source. */
const FETCHERS: Readonly<Record<Source['kind'], string>> = {
  folder: 'the disk',
  git: 'git',
  npm: 'npm',
  tarball: 'the archive',
};

/**
 * Fetches a source and resolves it to its present state.
 *
 * Rejects with a Refusal: with exit code 1 if divvy cannot get the source, with 2 for a ref or a folder that does not
 * exist, with 3 if the source is not as expected, is broken, or contains something that no template may have.
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
  // For a repository, only this folder of its tree was read.
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

/**
 * The source as written, with a local path rewritten so that it starts from another folder: the lock is read from
 * there.
 */
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

/** The source as written, with a local path replaced by its real absolute path. */
function identityOf(source: Source, cwd: string): string {
  const path = pathOf(source);
  return path === undefined ? source.shown : realpathSync(resolve(cwd, path)) + source.shown.slice(path.length);
}
