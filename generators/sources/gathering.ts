/** What a source has, taken in file by file: every kind of source goes through the same checks, before a byte is kept. */

import { createHash } from 'node:crypto';
import { folded, foldersAbove, whyUnsafe } from '../disk/paths.ts';
import { sourceTooLarge, unsafeSource } from './errors.ts';
import { isLeftOver, isOfOtherPrograms } from './leftovers.ts';
import { isUsedIn } from './parts.ts';

/** A file of a source. */
export interface SourceFile {
  /** Relative to the source, with `/`. */
  readonly path: string;
  readonly bytes: Buffer;
  /** Its owner may run it; only where so. */
  readonly isExecutable?: true;
}

const MiB = 1024 * 1024;

/** The most that a source may have. */
export const LIMITS = {
  /** Files and folders. */
  entries: 10_000,
  /** Of one file. */
  fileBytes: 8 * MiB,
  /** Of all files. */
  bytes: 64 * MiB,
  /** Folders inside each other. */
  depth: 32,
  /** Of an archive, as it comes. */
  archiveBytes: 32 * MiB,
  /** What is fetched to get at them, in all. */
  fetchedBytes: 256 * MiB,
  fetchedSeconds: 300,
} as const;

export class Gathering {
  readonly #shown: string;
  readonly #files: SourceFile[] = [];
  /** By the path as a file system may take it: how it is written, and whether it is a file. */
  readonly #seen = new Map<string, { readonly path: string; readonly isFile: boolean }>();
  readonly #setAside: { readonly path: string; readonly reason: string }[] = [];
  #entries = 0;
  #bytes = 0;

  /** shown - the source, for what is refused. */
  constructor(shown: string) {
    this.#shown = shown;
  }

  /**
   * Says that a file comes, before it is read. Returns whether it is to be read and kept.
   *
   * Throws a Refusal with exit code 3 for a path that may not be written, one that is there already or would be to some
   * file system, and where there is more than LIMITS allow.
   */
  announce(path: string, size: number): boolean {
    if (!this.#enter(path, true)) return false;
    if (!(size >= 0 && size <= LIMITS.fileBytes)) {
      throw sourceTooLarge(this.#shown, `${path} is larger than ${LIMITS.fileBytes / MiB} MiB`);
    }
    this.#bytes += size;
    if (this.#bytes > LIMITS.bytes) {
      throw sourceTooLarge(this.#shown, `all files together are larger than ${LIMITS.bytes / MiB} MiB`);
    }
    return true;
  }

  /** Says that a folder comes, '' being the source itself; those of files need not be said. Throws as announce does. */
  announceFolder(path: string): void {
    this.#enter(path, false);
  }

  /**
   * Keeps a file that was announced.
   *
   * mayRun - whether its owner may run it. Only scripts are meant to be: on a disk of Windows everything has that bit.
   */
  keep(path: string, bytes: Buffer, mayRun: boolean): void {
    const isExecutable = mayRun && bytes.toString('latin1', 0, 2) === '#!';
    this.#files.push({ path, bytes, ...(isExecutable && { isExecutable }) });
  }

  /**
   * Leaves out what no template may have. It refuses the source if it is in a template, which is known once everything was
   * announced: a link beside the templates harms nobody, since nothing but templates is read.
   */
  setAside(path: string, reason: string): void {
    this.#count();
    if (!isLeftOver(path)) this.#setAside.push({ path, reason });
  }

  /** Throws what refuses an entry, and with it the source. */
  refuse(path: string, reason: string): never {
    throw unsafeSource(this.#shown, path, reason);
  }

  /**
   * All files, in the order of their code units.
   *
   * Throws a Refusal with exit code 3 where something in a template was set aside.
   */
  files(): readonly SourceFile[] {
    const announced = [...this.#seen.values()].map(({ path }) => path);
    const isUsed = isUsedIn([...announced, ...this.#setAside.map(({ path }) => path)]);
    const wrong = this.#setAside.find(({ path }) => isUsed(path));
    if (wrong !== undefined) this.refuse(wrong.path, wrong.reason);
    return this.#files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Folders in which nothing is: only some kinds of source know of any, so none is handed on. */
  emptyFolders(): string[] {
    const all = [...this.#seen.values()];
    const above = new Set(all.flatMap(({ path }) => foldersAbove([path])));
    return all.filter(({ path, isFile }) => !isFile && !above.has(path)).map(({ path }) => path);
  }

  #count(): void {
    if (++this.#entries > LIMITS.entries) {
      throw sourceTooLarge(this.#shown, `it has more than ${LIMITS.entries} files and folders`);
    }
  }

  /** Returns whether it is one that is kept. */
  #enter(path: string, isFile: boolean): boolean {
    this.#count();
    if (path === '' && !isFile) return false;
    if (isLeftOver(path)) return false;
    const reason = whyUnsafe(path);
    if (reason !== undefined) {
      if (!isOfOtherPrograms(path)) this.refuse(path, reason);
      this.#setAside.push({ path, reason });
      return false;
    }
    const parts = path.split('/');
    if (parts.length > LIMITS.depth) this.refuse(path, `it is in more than ${LIMITS.depth} folders`);
    for (let depth = 1; depth < parts.length; depth++) this.#place(parts.slice(0, depth).join('/'), false);
    this.#place(path, isFile);
    return true;
  }

  #place(path: string, isFile: boolean): void {
    const key = folded(path);
    const other = this.#seen.get(key);
    this.#seen.set(key, { path, isFile });
    if (other === undefined) return;
    if (other.path !== path) this.refuse(path, `it is the same as ${other.path} to some file systems`);
    if (other.isFile !== isFile) this.refuse(path, 'it is a file and a folder');
    if (isFile) this.refuse(path, 'it is there twice');
  }
}

/** Of the bytes of an archive, as a registry writes it. */
export const integrityOf = (bytes: Buffer): string => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;

/** The same of files that are in no archive: over their paths and bytes. */
export function integrityOfFiles(files: readonly SourceFile[]): string {
  const hash = createHash('sha512');
  // The length says where one file ends, so that no two sets of files make the same stream of bytes.
  for (const { path, bytes } of files) hash.update(`${JSON.stringify(path)} ${bytes.length}\n`).update(bytes);
  return `sha512-${hash.digest('base64')}`;
}

/**
 * The files in a folder of a source, by their paths in it; all of them for ''.
 *
 * Throws a Refusal with exit code 2 where there are none.
 */
export function filesWithin(files: readonly SourceFile[], folder: string): readonly SourceFile[] {
  if (folder === '') return files;
  return files.flatMap((file) =>
    file.path.startsWith(`${folder}/`) ? [{ ...file, path: file.path.slice(folder.length + 1) }] : [],
  );
}
