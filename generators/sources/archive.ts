/** A .tgz, unpacked in memory. The one owner of the package tar. */

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ReadEntry } from 'tar/read-entry';
import { brokenArchive, Refusal, sourceTooLarge } from '../errors.ts';
import { Gathering, LIMITS, type SourceFile } from './gathering.ts';

/** The files together, and what an archive has around each. */
const UNPACKED = LIMITS.bytes + LIMITS.entries * 2048;
/** What an archive may say of a file beside its header, such as its name. */
const LONGEST_META = 64 * 1024;

const FILES: readonly string[] = ['File', 'OldFile', 'ContiguousFile'];
/** What the kinds of entry are called that no template has. */
const KINDS: Readonly<Record<string, string>> = {
  SymbolicLink: 'it is a symbolic link',
  Link: 'it is a hard link',
  CharacterDevice: 'it is a device',
  BlockDevice: 'it is a device',
  FIFO: 'it is a pipe',
};

/**
 * The files of an archive. The one folder that all of them are in, where there is one, is left out of their paths.
 *
 * shown - the source, for what is refused.
 *
 * Rejects with a Refusal with exit code 3 for what is no archive, a broken one, one that unpacks to more than LIMITS
 * allow, and any entry that is not a plain file or folder in it.
 */
export async function readArchive(bytes: Buffer, shown: string): Promise<readonly SourceFile[]> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw brokenArchive(shown, 'it is not compressed with gzip');
  let unpacked: Buffer;
  try {
    unpacked = await promisify(gunzip)(bytes, { maxOutputLength: UNPACKED });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw sourceTooLarge(shown, `it unpacks to more than ${UNPACKED} bytes`);
    throw brokenArchive(shown, message);
  }
  return withoutTopFolder(await entriesOf(unpacked, shown));
}

async function entriesOf(unpacked: Buffer, shown: string): Promise<readonly SourceFile[]> {
  // The reader would unpack once more, without our limit, what is compressed twice: the name of a file cannot begin so.
  if (unpacked[0] === 0x1f || unpacked.toString('latin1', 257, 262) !== 'ustar') {
    throw brokenArchive(shown, 'there is no tar archive in it');
  }
  const { Parser } = await import('tar/parse');
  const gathering = new Gathering(shown);
  return new Promise((resolve, reject) => {
    const parser = new Parser({ strict: true, zstd: false, maxMetaEntrySize: LONGEST_META });
    parser.on('error', (error: Error) =>
      reject(error instanceof Refusal ? error : brokenArchive(shown, error.message)),
    );
    parser.on('ignoredEntry', (entry: ReadEntry) => gathering.refuse(entry.path, 'it is of an unknown kind'));
    parser.on('entry', (entry: ReadEntry) => take(entry, gathering));
    parser.on('end', () => resolve(gathering.files()));
    try {
      parser.end(unpacked);
    } catch (error) {
      parser.emit('error', error);
    }
  });
}

function take(entry: ReadEntry, gathering: Gathering): void {
  const path = entry.path.replace(/^\.\//, '');
  if (entry.type === 'Directory') {
    gathering.announceFolder(path.replace(/^\.$|\/$/, ''));
    entry.resume();
    return;
  }
  if (!FILES.includes(entry.type)) gathering.refuse(path, KINDS[entry.type] ?? `it is of the kind ${entry.type}`);
  gathering.announce(path, entry.size);
  const chunks: Buffer[] = [];
  entry.on('data', (chunk: Buffer) => chunks.push(chunk));
  entry.on('end', () => gathering.keep(path, Buffer.concat(chunks)));
}

function withoutTopFolder(files: readonly SourceFile[]): readonly SourceFile[] {
  const top = /^[^/]+\//.exec(files[0]?.path ?? '')?.[0];
  if (top === undefined || !files.every(({ path }) => path.startsWith(top))) return files;
  return files.map(({ path, bytes }) => ({ path: path.slice(top.length), bytes }));
}
