/**
 * Compares what a command wants to write with the disk. Writes nothing.
 *
 *   Wanted[] ──survey──▶ Survey ──settle──▶ ChangeSet ──write──▶ files and a record
 *   (rendered)           (checked whole)    (conflicts decided)  (all of them or none)
 */

import { accessSync, constants, lstatSync, readdirSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { type Before, MOUNTED, readBefore, stat } from '../disk/disk.ts';
import { inLineEndsOf, isSameText } from '../disk/line-ends.ts';
import { isOfSystem, mountPoints, whyNotMoved } from '../disk/mounts.ts';
import { folded, foldersAbove, whyUnsafe } from '../disk/paths.ts';
import { badFolder } from '../terminal/errors.ts';
import { changedMeanwhile, unsafePath } from './errors.ts';
import { placesOf, refuseLinks } from './record.ts';

/** A file as a command wants it to be. */
export interface Wanted {
  /** Relative to the project, with `/` between its parts. */
  readonly path: string;
  /** undefined to remove the file. */
  readonly after: Buffer | undefined;
  /** Its permission bits; undefined to leave them as they are, and to use the usual ones for a new file. */
  readonly mode?: number | undefined;
  /**
   * The bytes that this file was made from, if there were any: if somebody saves the file meanwhile, their bytes must
   * stay.
   */
  readonly from?: Buffer | undefined;
}

/** A file that will be written or removed. `before` is undefined if it does not exist yet. */
export interface Change extends Wanted {
  readonly before: Before | undefined;
}

export interface Survey {
  /** The project's folder: absolute, without symbolic links. It need not exist. */
  readonly root: string;
  /** Files that do not exist yet. */
  readonly added: readonly Change[];
  /** Files that exist and differ. */
  readonly differing: readonly (Change & { readonly before: Before })[];
  /** Files that are already as wanted, apart from line ends. */
  readonly unchanged: readonly Wanted[];
}

/** The changes to write: all of them or none. */
export interface ChangeSet {
  readonly root: string;
  readonly changes: readonly Change[];
  /** Folders to remove if they are empty afterwards, inner ones first. */
  readonly goneFolders?: readonly string[];
  /** Set if these changes undo the last command: all of it, or everything except files that were edited since. */
  readonly undoes?: 'all' | 'part';
  /** The paths of changed files that contain work which git does not have and divvy did not make. */
  readonly dirty?: readonly string[];
}

/**
 * The project's folder with all symbolic links in its path resolved. The person named this path, so we follow links in
 * it; inside the project we follow none.
 *
 * Throws a Refusal with exit code 2 if a part of the path is a file, or a link to nothing.
 */
export function realRoot(folder: string): string {
  let state: Stats | undefined;
  try {
    state = stat(folder);
  } catch (error) {
    throw badFolder(folder, (error as Error).message); // For example ENAMETOOLONG.
  }
  if (state === undefined && dirname(folder) !== folder) return join(realRoot(dirname(folder)), basename(folder));
  let real: string;
  try {
    real = realpathSync(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw badFolder(folder, code === 'ENOENT' ? 'it is, or is in, a symbolic link that leads nowhere' : message);
  }
  if (!lstatSync(real).isDirectory()) throw badFolder(folder, 'it is, or is in, a file');
  return real;
}

/**
 * Checks all wanted files, before the first byte is written.
 *
 * root - as realRoot returns it.
 *
 * Throws a Refusal with exit code 3 for a path that leaves the root, that goes through or to a symbolic link, that is
 * not a plain file, or that cannot be written; for a file that has changed since the wanted one was made from it; and
 * for two paths that are one file on a file system that ignores case or Unicode forms.
 */
export function survey(root: string, wanted: readonly Wanted[]): Survey {
  const seen = new Map<string, string>();
  const names = new FolderNames(root);
  refuseReadOnlyRoot(root);
  // In a folder that is still to be made nothing is there, and nothing is mounted.
  const isThere = stat(root) !== undefined;
  const mounts = isThere ? mountPoints() : undefined;
  const added: Change[] = [];
  const differing: (Change & { before: Before })[] = [];
  const unchanged: Wanted[] = [];
  for (const file of wanted) {
    const reason = whyUnsafe(file.path) ?? whyTwice(file.path, seen) ?? names.whyNotThere(file.path);
    if (reason !== undefined) throw unsafePath(file.path, reason);
  }
  const folders = new Set(foldersAbove(wanted.map(({ path }) => folded(path))));
  for (const file of wanted) {
    const { path } = file;
    if (folders.has(folded(path))) {
      throw unsafePath(path, 'it is to be a file and a folder');
    }
    const before = isThere ? readBefore(root, path) : undefined;
    if (isAsWanted(file, before)) {
      unchanged.push({ ...file, after: before?.bytes });
      continue;
    }
    const fixed = mounts && whyNotMoved(root, path, mounts);
    if (fixed !== undefined && file.after !== undefined) throw unsafePath(path, fixed);
    if (file.from !== undefined && before?.bytes.equals(file.from) !== true) throw changedMeanwhile(path);
    else if (before === undefined) added.push({ ...file, before });
    else differing.push({ ...file, before, after: file.after && inLineEndsOf(before.bytes, file.after) });
  }
  return { root, added, differing, unchanged };
}

/** Whether there is nothing to do for a file. */
export function isAsWanted({ after, mode }: Wanted, before: Before | undefined): boolean {
  if (after === undefined || before === undefined) return after === before;
  return isSameText(before.bytes, after) && (mode === undefined || mode === before.mode);
}

/**
 * The present state of a file that a command will edit; undefined if it does not exist.
 *
 * Throws a Refusal like survey does, so that we never read a file that we could not write.
 */
export function lookAt(root: string, path: string): Before | undefined {
  const reason = whyUnsafe(path) ?? whyNotThere(root, path);
  if (reason !== undefined) throw unsafePath(path, reason);
  return readBefore(root, path);
}

/** Why a file cannot be written at this place on the disk; undefined if it can. */
export const whyNotThere = (root: string, path: string): string | undefined => new FolderNames(root).whyNotThere(path);

/**
 * Throws a Refusal if nothing at all can be written: with exit code 2 if no folder can be made, with 1 if `.divvy/` is
 * a link or a file, otherwise with 3.
 */
export function refuseReadOnlyRoot(root: string): void {
  let folder = root;
  while (stat(folder) === undefined) folder = dirname(folder);
  if (folder !== root && isOfSystem(folder)) throw badFolder(root, 'the system makes no folders there');
  for (const name of relative(folder, root).split(sep)) refuseLongName(root, join(folder, name));
  if (!isWritable(folder)) throw unsafePath(root, `${folder} cannot be written`);
  if (folder === root) refuseHome(root);
}

/**
 * Checks each part of the path in its own right: behind a missing folder the system does not say that a name is too
 * long.
 */
function refuseLongName(root: string, path: string): void {
  try {
    stat(path);
  } catch (error) {
    throw badFolder(root, (error as Error).message);
  }
}

/** Everything is first made in `.divvy/`, so it must be writable. */
function refuseHome(root: string): void {
  refuseLinks(root);
  const { home } = placesOf(root);
  if (stat(home) !== undefined && !isWritable(home)) throw unsafePath(root, `${home} cannot be written`);
  if (mountPoints().has(home)) throw unsafePath(root, MOUNTED.folder.replace(/^its folder/, home));
}

function whyTwice(path: string, seen: Map<string, string>): string | undefined {
  const other = seen.get(folded(path));
  seen.set(folded(path), path);
  return other === undefined ? undefined : `it is the same as ${other} to some file systems`;
}

/** The entries of the folders on the way to a file; each folder is read once. */
class FolderNames {
  readonly #root: string;
  readonly #known = new Map<string, readonly string[] | undefined>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Why a file cannot be written at this place on the disk; undefined if it can. */
  whyNotThere(path: string): string | undefined {
    const parts = path.split('/');
    let folder = this.#root;
    for (const [index, name] of parts.entries()) {
      const names = this.#read(folder);
      if (names === undefined) return undefined;
      const twin = names.find((other) => other !== name && folded(other) === folded(name));
      if (twin !== undefined) return `${twin} is there, which is the same name to some file systems`;
      const here = join(folder, name);
      const isLast = index === parts.length - 1;
      const reason = whyNotEntry(here, stat(here), isLast);
      if (reason !== undefined) return reason;
      folder = here;
    }
    return undefined;
  }

  #read(folder: string): readonly string[] | undefined {
    if (!this.#known.has(folder)) this.#known.set(folder, stat(folder) && readdirSync(folder));
    return this.#known.get(folder);
  }
}

function whyNotEntry(path: string, state: Stats | undefined, isLast: boolean): string | undefined {
  if (state === undefined) return isWritable(dirname(path)) ? undefined : `${dirname(path)} cannot be written`;
  if (state.isSymbolicLink()) return `${path} is a symbolic link, and nothing is written through one`;
  if (!isLast) return state.isDirectory() ? undefined : `${path} is not a folder`;
  if (!state.isFile()) return 'something other than a file is there';
  return isWritable(path) && isWritable(dirname(path)) ? undefined : 'it, or its folder, is read-only';
}

/** Whether a file can be written, or files can be added to a folder. */
function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | (stat(path)?.isDirectory() ? constants.X_OK : 0));
    return true;
  } catch {
    return false;
  }
}
