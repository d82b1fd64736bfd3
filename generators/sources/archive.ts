/** Unpacks a .tgz in memory. Only this file uses the package tar. */

import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Header, type HeaderData } from 'tar/header';
import { Pax } from 'tar/pax';
import { Refusal } from '../terminal/refusal.ts';
import { brokenArchive, sourceTooLarge } from './errors.ts';
import { Gathering, LIMITS, type SourceFile } from './gathering.ts';

/** The most bytes an archive may unpack to: all files, and what the archive adds around each. */
const UNPACKED = LIMITS.bytes + LIMITS.entries * 2048;
/** The most bytes that an archive may add to an entry's header, such as a long name. */
const LONGEST_META = 64 * 1024;
const META = /ExtendedHeader$|Long(Link)?[pP]ath$/;
const BLOCK = 512;

const FILES: readonly string[] = ['File', 'OldFile', 'ContiguousFile'];
/** What to call the kinds of entry that no template may have. */
const KINDS: Readonly<Record<string, string>> = {
  SymbolicLink: 'it is a symbolic link',
  Link: 'it is a hard link',
  CharacterDevice: 'it is a device',
  BlockDevice: 'it is a device',
  FIFO: 'it is a pipe',
  GNUDumpDir: 'it is of the kind GNUDumpDir',
};

/**
 * The files of an archive. If all of them are in one folder, their paths leave that folder out.
 *
 * shown - the source, as refusals name it.
 *
 * Rejects with a Refusal with exit code 3 for something that is no archive, for a broken archive, for one that unpacks
 * to more than LIMITS allow, and for an entry of a template that is not a plain file or folder.
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
  const gathering = new Gathering(shown);
  try {
    gather(unpacked, gathering);
  } catch (error) {
    throw error instanceof Refusal ? error : brokenArchive(shown, (error as Error).message);
  }
  return withoutTopFolder(gathering.files());
}

/** Goes from header to header. The package tar reads each header and the metadata before it. */
function gather(unpacked: Buffer, gathering: Gathering): void {
  if (unpacked.toString('latin1', 257, 262) !== 'ustar') throw new Error('there is no tar archive in it');
  let said: HeaderData | undefined;
  let saidOfAll: HeaderData | undefined;
  // Two blocks of zeros end the archive.
  for (let at = 0, zeros = 0; at < unpacked.length && zeros < 2; ) {
    if (at + BLOCK > unpacked.length) throw new Error('it is cut off');
    const header = new Header(unpacked, at, said, saidOfAll);
    at += BLOCK;
    zeros = header.nullBlock ? zeros + 1 : 0;
    if (header.nullBlock) continue;
    const { type, size = 0 } = header;
    const isMeta = META.test(type);
    const written = (isMeta ? undefined : said?.path) ?? header.path ?? '';
    if (!header.cksumValid || written === '') throw new Error('a header in it is broken');
    const path = written.replace(/^\.\//, '');
    if (isMeta && size > LONGEST_META) gathering.refuse(path, 'it says more of a file than a name can be');
    const isKept = !isMeta && announce(path, header, gathering);
    const bytes = unpacked.subarray(at, at + size);
    at += Math.ceil(size / BLOCK) * BLOCK;
    if (at > unpacked.length) throw new Error('it is cut off');
    if (isKept) gathering.keep(path, bytes, ((header.mode ?? 0) & 0o100) !== 0);
    if (type === 'GlobalExtendedHeader') saidOfAll = Pax.parse(bytes.toString(), saidOfAll, true);
    else if (type.endsWith('ExtendedHeader')) said = Pax.parse(bytes.toString(), said);
    else if (/LongPath$/.test(type)) said = { ...said, path: bytes.toString().replace(/\0.*/, '') };
    else if (!isMeta) said = undefined;
  }
}

/** Returns whether to keep the entry's bytes: it is a file that is kept. */
function announce(path: string, { type, size = 0, linkpath }: Header, gathering: Gathering): boolean {
  if (type === 'Directory') gathering.announceFolder(path.replace(/^\.$|\/$/, ''));
  else if (!FILES.includes(type)) gathering.setAside(path, KINDS[type] ?? 'it is of an unknown kind');
  else if (linkpath) gathering.setAside(path, 'it is a link and something else');
  else return gathering.announce(path, size);
  return false;
}

function withoutTopFolder(files: readonly SourceFile[]): readonly SourceFile[] {
  const top = /^[^/]+\//.exec(files[0]?.path ?? '')?.[0];
  if (top === undefined || !files.every(({ path }) => path.startsWith(top))) return files;
  return files.map((file) => ({ ...file, path: file.path.slice(top.length) }));
}
