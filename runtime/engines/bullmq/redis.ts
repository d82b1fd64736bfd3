/** The connection to Redis, and whether its settings will do. Runs in the dispatcher and in each host. */

import { Redis } from 'ioredis';
import type { QueueOptions } from '../../engine/engine.ts';
import { shownUrl } from '../../engine/shown-url.ts';
import { UsageError } from '../../errors.ts';

/** After a failure, how long to wait before the next try, at most, in milliseconds. */
const TRY_AGAIN_MS = 1000;
/**
 * A server that owes an answer for so long, in milliseconds, is taken for gone: a link can break without a word. Longer than any
 * wait for a chunk.
 */
const SILENT_MS = 12_000;
/** The oldest release that BullMQ recommends. */
const OLDEST = [6, 2] as const;
/** Answers of the server, and faults of the connection, that no other try would mend. */
const REFUSALS: readonly (readonly [RegExp, string])[] = [
  [
    /WRONGPASS|NOAUTH|invalid password/i,
    'it refuses the user name or the password: see to it that the URL has both, as in redis://user:password@host:6379',
  ],
  [/DB index is out of range/i, 'it has no database of the number at the end of the URL'],
  [/NOPERM/i, 'this user may not do what is needed: docs/engine.md has the commands and keys'],
  [
    /wrong version number|packet length too long|EPROTO/i,
    'it does not speak TLS there: use redis:// in place of rediss://',
  ],
  [/altname/i, 'its certificate is for another name than that in the URL'],
  [/certificate required|bad certificate/i, 'it wants a certificate of its clients, which is not supported'],
  [
    /certificate|CERT_|SELF_SIGNED/i,
    'its certificate is not trusted: name the authority with NODE_EXTRA_CA_CERTS=ca.pem',
  ],
];
/** What a server does that wants TLS and gets none, or gets TLS and wants none, as often as it is tried. */
const NO_TLS: readonly (readonly [string, RegExp, string])[] = [
  [
    'redis:',
    /ECONNRESET|Connection is closed/,
    'it closes each connection at once: it may want TLS, with rediss:// in the URL',
  ],
  ['rediss:', /ECONNRESET/, 'it closes each connection at once: it may speak no TLS, with redis:// in the URL'],
];
const NO_TLS_TRIES = 10;

/**
 * Connects, and waits for as long as the server can't be reached.
 *
 * Rejects with UsageError if it refuses the password, or if its settings won't do.
 */
export async function connect({ url, task, reached }: QueueOptions): Promise<Redis> {
  checkUrl(url);
  if (task.includes(':'))
    throw new UsageError(
      `the task file's name, ${task}, has a colon in it, which the queue can't have: give it another name`,
    );
  const shown = shownUrl(url);
  const redis = new Redis(url, {
    lazyConnect: true,
    maxRetriesPerRequest: null,
    socketTimeout: SILENT_MS,
    // Another server is behind the address by now: to say it there.
    reconnectOnError: ({ message }) => (message.includes('READONLY') ? 2 : false),
    retryStrategy: (times) => Math.min(TRY_AGAIN_MS, 50 * times),
  });
  let isAway = false;
  const away = (problem: string): void => {
    if (!isAway) reached(`${shown}: ${problem}`);
    isAway = true;
  };
  redis.on('ready', () => {
    if (isAway) reached(undefined);
    isAway = false;
  });
  let tries = 0;
  let isReady = false;
  const refused = await new Promise<string | undefined>((resolve) => {
    redis.on('error', (error: Error) => {
      const [, , noTls] =
        NO_TLS.find(([protocol, pattern]) => url.startsWith(protocol) && pattern.test(String(error))) ?? [];
      if (noTls !== undefined && !isReady) tries += 1;
      const why = refusalIn(error) ?? (tries >= NO_TLS_TRIES ? noTls : undefined);
      if (why !== undefined && !isReady) resolve(why);
      else away(why ?? awayFor(error, url));
    });
    redis.once('ready', () => {
      isReady = true;
      resolve(whyUnfit(redis));
    });
    redis.connect().catch(() => undefined); // it tries again by itself
  });
  if (refused === undefined) return redis;
  redis.removeAllListeners();
  redis.on('error', () => undefined);
  redis.disconnect();
  throw new UsageError(`the queue at ${shown}: ${refused}`);
}

function refusalIn(error: unknown): string | undefined {
  return REFUSALS.find(([pattern]) => pattern.test(String(error)))?.[1];
}

/** Returns why the server can't be reached now, for the user. */
function awayFor({ message }: Error, url: string): string {
  if (message.startsWith('Socket timeout')) return `no answer for ${SILENT_MS / 1000} s`;
  const isSlow = message.includes('ETIMEDOUT') && url.startsWith('rediss:');
  return isSlow ? `${message}; if there is a server, it may speak no TLS, with redis:// in the URL` : message;
}

/** Returns why this server must not be used; undefined if it may be. */
async function whyUnfit(redis: Redis): Promise<string | undefined> {
  let info: string;
  try {
    info = await redis.info();
  } catch (error) {
    return refusalIn(error) ?? (error as Error).message;
  }
  const [, release = '', major = '', minor = ''] = /^redis_version:((\d+)\.(\d+)\S*)/m.exec(info) ?? [];
  const isOld = Number(major) < OLDEST[0] || (Number(major) === OLDEST[0] && Number(minor) < OLDEST[1]);
  if (isOld) return `it is Redis ${release}: use ${OLDEST.join('.')} or newer`;
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction';
  if (policy === 'noeviction') return undefined;
  return `its maxmemory-policy is ${policy}, so it may throw away chunks: set it to noeviction, with CONFIG SET maxmemory-policy noeviction and in its configuration file`;
}

/** Throws UsageError for a URL that would never work. Its text is not shown: it may be a part of the password. */
function checkUrl(url: string): void {
  const { protocol, hostname, pathname } = new URL(url);
  if (pathname.includes('@'))
    throw new UsageError(
      'the URL of the queue has an @ behind its host: if that belongs to the password, write %2F for each / in it, %23 for #, and %3F for ?',
    );
  if (!/^\/?\d*$/.test(pathname) && hostname !== '')
    throw new UsageError(
      'the URL of the queue must end with the number of a database, or with nothing: redis://host:6379/0',
    );
  if ((protocol !== 'redis:' && protocol !== 'rediss:') || hostname === '')
    throw new UsageError(
      'the URL of the queue must begin with redis:// or rediss://, and name a host: redis://user:password@host:6379',
    );
}
