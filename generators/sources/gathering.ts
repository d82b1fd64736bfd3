/** What a source has, taken in file by file: every kind of source goes through the same checks, before a byte is kept. */

import { createHash } from 'node:crypto';
import { folded, whyUnsafe } from '../change-set/paths.ts';
import { sourceTooLarge, unsafeSource } from '../errors.ts';

/** A file of a source. */
export interface SourceFile {
  /** Relative to the source, with `/`. */
  readonly path: string;
  readonly bytes: Buffer;
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
  #entries = 0;
  #bytes = 0;

  /** shown - the source, for what is refused. */
  constructor(shown: string) {
    this.#shown = shown;
  }

  /**
   * Says that a file comes, before it is read.
   *
   * Throws a Refusal with exit code 3 for a path that may not be written, one that is there already or would be to some
   * file system, and where there is more than LIMITS allow.
   */
  announce(path: string, size: number): void {
    this.#enter(path, true);
    if (!(size >= 0 && size <= LIMITS.fileBytes)) {
      throw sourceTooLarge(this.#shown, `${path} is larger than ${LIMITS.fileBytes / MiB} MiB`);
    }
    this.#bytes += size;
    if (this.#bytes > LIMITS.bytes) {
      throw sourceTooLarge(this.#shown, `all files together are larger than ${LIMITS.bytes / MiB} MiB`);
    }
  }

  /** Says that a folder comes, '' being the source itself; those of files need not be said. Throws as announce does. */
  announceFolder(path: string): void {
    this.#enter(path, false);
  }

  /** Keeps a file that was announced. */
  keep(path: string, bytes: Buffer): void {
    this.#files.push({ path, bytes });
  }

  /** Throws what refuses an entry. */
  refuse(path: string, reason: string): never {
    throw unsafeSource(this.#shown, path, reason);
  }

  /** All files, in the order of their code units. */
  files(): readonly SourceFile[] {
    return this.#files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  #enter(path: string, isFile: boolean): void {
    if (++this.#entries > LIMITS.entries) {
      throw sourceTooLarge(this.#shown, `it has more than ${LIMITS.entries} files and folders`);
    }
    if (path === '' && !isFile) return;
    const reason = whyUnsafe(path);
    if (reason !== undefined) this.refuse(path, reason);
    const parts = path.split('/');
    if (parts.length > LIMITS.depth) this.refuse(path, `it is in more than ${LIMITS.depth} folders`);
    for (let depth = 1; depth < parts.length; depth++) this.#place(parts.slice(0, depth).join('/'), false);
    this.#place(path, isFile);
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
  return files.flatMap(({ path, bytes }) =>
    path.startsWith(`${folder}/`) ? [{ path: path.slice(folder.length + 1), bytes }] : [],
  );
}
