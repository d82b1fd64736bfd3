/** An archive as a source: a file on this machine, or one from an https address. */

import { createReadStream, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { Refusal } from '../terminal/refusal.ts';
import { readArchive } from './archive.ts';
import { sourceNotFetched, sourceTooLarge } from './errors.ts';
import { integrityOf, LIMITS, type SourceFile } from './gathering.ts';
import { type Credentials, type TarballSource, withoutSecrets } from './source.ts';

const MOST_REDIRECTS = 5;

/**
 * Reads an archive.
 *
 * Rejects with a Refusal: with exit code 1 if divvy cannot get it, with 3 like readArchive.
 */
export async function readTarball(
  { from, shown }: TarballSource,
  cwd: string,
): Promise<{ resolved: string; files: readonly SourceFile[] }> {
  const stream = typeof from === 'string' ? ofFile(resolve(cwd, from), shown) : await ofAddress(from, shown);
  const bytes = await allOf(stream, shown, typeof from === 'string' ? undefined : from.credentials);
  return { resolved: integrityOf(bytes), files: await readArchive(bytes, shown) };
}

function ofFile(path: string, shown: string): AsyncIterable<Uint8Array> {
  try {
    // Reading a pipe or a device may never end.
    if (statSync(path).isFile()) return createReadStream(path);
  } catch (error) {
    throw sourceNotFetched(shown, (error as Error).message, 'Name a file that is there.');
  }
  throw sourceNotFetched(shown, 'it is no plain file', 'Name a file.');
}

/** Follows redirects itself: only to https, and without sending the credentials to another host. */
async function ofAddress(
  { url, credentials }: { readonly url: string; readonly credentials?: Credentials },
  shown: string,
): Promise<AsyncIterable<Uint8Array>> {
  const signal = AbortSignal.timeout(LIMITS.fetchedSeconds * 1000);
  let at = new URL(url);
  const { origin } = at;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const headers = credentials && at.origin === origin ? { authorization: basic(credentials) } : undefined;
    let response: Response;
    try {
      response = await fetch(at, { redirect: 'manual', signal, ...(headers && { headers }) });
    } catch (error) {
      throw notFetched(shown, reasonOf(error), credentials);
    }
    if (response.ok && response.body) return response.body;
    await response.body?.cancel();
    const location = response.headers.get('location');
    if (response.status < 300 || response.status > 399 || location === null) {
      throw notFetched(shown, `the server answers ${response.status}`, credentials);
    }
    if (!URL.canParse(location, at.href)) throw notFetched(shown, 'it leads to what is no address', credentials);
    at = new URL(location, at);
    if (at.protocol !== 'https:') throw notFetched(shown, 'it leads to an address that is not https', credentials);
    if (at.username !== '' || at.password !== '') throw notFetched(shown, 'it leads to an address with a password');
  }
  throw notFetched(shown, `it leads on more than ${MOST_REDIRECTS} times`);
}

async function allOf(
  stream: AsyncIterable<Uint8Array>,
  shown: string,
  credentials: Credentials | undefined,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of stream) {
      size += chunk.length;
      // Leaving the loop cancels the stream.
      if (size > LIMITS.archiveBytes) throw sourceTooLarge(shown, `it is larger than ${LIMITS.archiveBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof Refusal ? error : notFetched(shown, reasonOf(error), credentials);
  }
  return Buffer.concat(chunks);
}

const basic = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** `fetch failed` explains nothing; its cause does. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? cause.message : message;
}

const notFetched = (shown: string, reason: string, credentials?: Credentials): Refusal =>
  sourceNotFetched(
    shown,
    withoutSecrets(reason, credentials),
    'Look whether the address is right, and can be reached.',
  );
