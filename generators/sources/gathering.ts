/**
 * Collects the files of a source one by one: every kind of source goes through the same checks before a byte is kept.
 */

import { createHash } from 'node:crypto';
import { folded, foldersAbove, whyUnsafe } from '../disk/paths.ts';
import { sourceTooLarge, unsafeSource } from './errors.ts';
import { isLeftOver, isOfOtherPrograms } from './leftovers.ts';
import { isUsedIn } from './parts.ts';

export interface SourceFile {
  /** Relative to the source, with `/`. */
  readonly path: string;
  readonly bytes: Buffer;
  /** Set only if its owner may run it. */
  readonly isExecutable?: true;
}

const MiB = 1024 * 1024;

/** The limits of a source. */
export const LIMITS = {
  /** Files and folders. */
  entries: 10_000,
  /** Bytes of one file. */
  fileBytes: 8 * MiB,
  /** Bytes of all files together. */
  bytes: 64 * MiB,
  /** How deep folders may be nested. */
  depth: 32,
  /** Bytes of an archive before it is unpacked. */
  archiveBytes: 32 * MiB,
  /** All bytes that are fetched for a source. */
  fetchedBytes: 256 * MiB,
  fetchedSeconds: 300,
} as const;

export class Gathering {
  readonly #shown: string;
  readonly #files: SourceFile[] = [];
  /** The entries so far, by the path as a file system may see it: how the path is written, and whether it is a file. */
  readonly #seen = new Map<string, { readonly path: string; readonly isFile: boolean }>();
  readonly #setAside: { readonly path: string; readonly reason: string }[] = [];
  #entries = 0;
  #bytes = 0;

  /** shown - the source, as refusals name it. */
  constructor(shown: string) {
    this.#shown = shown;
  }

  /**
   * Announces a file before it is read. Returns whether to read and keep it.
   *
   * Throws a Refusal with exit code 3 for a path that must not be written, for one that exists already or that some
   * file system would take for another one, and if LIMITS are exceeded.
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

  /**
   * Announces a folder; '' is the source itself. Folders of announced files need not be announced. Throws like
   * announce.
   */
  announceFolder(path: string): void {
    this.#enter(path, false);
  }

  /**
   * Keeps a file that was announced.
   *
   * mayRun - whether its owner may run it. Only counts for scripts: on a Windows disk every file has that bit.
   */
  keep(path: string, bytes: Buffer, mayRun: boolean): void {
    const isExecutable = mayRun && bytes.toString('latin1', 0, 2) === '#!';
    this.#files.push({ path, bytes, ...(isExecutable && { isExecutable }) });
  }

  /**
   * Leaves out an entry that no template may have. If it turns out to be in a template, files() refuses the source;
   * only after everything was announced can we know that. A link beside the templates does no harm, because only
   * templates are read.
   */
  setAside(path: string, reason: string): void {
    this.#count();
    if (!isLeftOver(path)) this.#setAside.push({ path, reason });
  }

  /** Refuses an entry, and with it the whole source. */
  refuse(path: string, reason: string): never {
    throw unsafeSource(this.#shown, path, reason);
  }

  /**
   * All files, sorted by code units.
   *
   * Throws a Refusal with exit code 3 if an entry of a template was set aside.
   */
  files(): readonly SourceFile[] {
    const announced = [...this.#seen.values()].map(({ path }) => path);
    const isUsed = isUsedIn([...announced, ...this.#setAside.map(({ path }) => path)]);
    const wrong = this.#setAside.find(({ path }) => isUsed(path));
    if (wrong !== undefined) this.refuse(wrong.path, wrong.reason);
    return this.#files.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Folders without files. Only some kinds of source know of them, so they are not part of the files. */
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

  /** Returns whether the entry is kept. */
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

/** The integrity hash of an archive's bytes, in the format of registries. */
export const integrityOf = (bytes: Buffer): string => `sha512-${createHash('sha512').update(bytes).digest('base64')}`;

/** The same for files that are in no archive: over their paths and bytes. */
export function integrityOfFiles(files: readonly SourceFile[]): string {
  const hash = createHash('sha512');
  // The length marks where a file ends, so that two different sets of files never give the same stream of bytes.
  for (const { path, bytes } of files) hash.update(`${JSON.stringify(path)} ${bytes.length}\n`).update(bytes);
  return `sha512-${hash.digest('base64')}`;
}

/** The files in a folder of a source, with their paths inside it; all files for ''. May be empty. */
export function filesWithin(files: readonly SourceFile[], folder: string): readonly SourceFile[] {
  if (folder === '') return files;
  return files.flatMap((file) =>
    file.path.startsWith(`${folder}/`) ? [{ ...file, path: file.path.slice(folder.length + 1) }] : [],
  );
}
