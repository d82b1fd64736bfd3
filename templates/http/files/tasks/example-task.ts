import { hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import {
  type ItemContext,
  type ItemError,
  type Outcome,
  type Parallelizable,
  PermanentError,
  RateLimited,
  taskArguments,
} from '#divvy';

type Url = string;

const args = taskArguments({
  urls: { type: 'words', required: true, doc: 'URLs, files with one in each line, or - for such lines on stdin' },
});

/** What is wanted of an answer. */
type Answer = { readonly status: number; readonly bytes: number; readonly type: string | null };

/** The largest body that is read, in bytes. */
const LARGEST_BODY = 10 * 1024 * 1024;
/** How long to wait after a 429 that does not say it, and how long at most, in milliseconds. */
const USUAL_WAIT_MS = 5000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** Says who asks. Let it name a page or an address where you can be reached. */
const HEADERS = { 'user-agent': 'example-task/1.0' };

/**
 * Fetches a list of URLs. A fetch does little but wait, so one worker has many in progress:
 *
 *   node vendor/divvy/run.mjs tasks/example-task.ts -n 1 -c 20 --retries 3 --timeout 10s urls.txt > answers.ndjson
 *
 * These are all the requests at once, to however few hosts; --rate 10/s also limits how many begin in a second. Without --timeout it is fetch that gives up, after five
 * minutes. To go on with a run that was stopped: the same with --resume, and `>>` in place of `>`. (In place of `node …`
 * up to the options, `npm start --` does it too; but npm prints lines of its own on stdout.)
 */
export default class ExampleTask implements Parallelizable<Url, Answer> {
  /**
   * Runs in the master, once. The task's arguments are URLs, or files with one in each line, or - for such lines on
   * stdin. Empty lines and those that begin with # are none.
   */
  async *dispatch(): AsyncGenerator<Url> {
    for (const word of args.urls) {
      if (word === '-') yield* urlsIn(createInterface({ input: process.stdin }));
      else if (isUrl(word)) yield word;
      else yield* urlsIn((await open(word)).readLines());
    }
  }

  /** Runs in the master. The URL is the item's name: failures show it, and the journal holds it. A name has 512 bytes at most. */
  key(url: Url): string {
    return Buffer.byteLength(url) <= 512 ? url : `sha256:${hash('sha256', url)}`;
  }

  /**
   * Runs in a worker, for each URL, and again with --retries if it throws. What cannot be otherwise the next time is a
   * PermanentError. After a 429 (too many requests) nothing is fetched for as long as the answer says, and that was no
   * attempt. `context.signal` is aborted at the --timeout: it ends the request, and the reading of the body too.
   */
  async process(url: Url, context: ItemContext): Promise<Answer> {
    if (!isUrl(url)) throw new PermanentError('it is no URL of http or https');
    const response = await fetch(url, { headers: HEADERS, signal: context.signal });
    const { status, statusText, headers } = response;
    if (!response.ok) {
      await response.body?.cancel(); // else the connection waits for somebody to read it
      const text = `HTTP ${status} ${statusText}`;
      const waitMs = waitOf(headers.get('retry-after'));
      if (waitMs !== undefined && waitMs > LONGEST_WAIT_MS) {
        throw new PermanentError(`${text}, and it asks to wait for ${Math.round(waitMs / 60_000)} minutes`);
      }
      if (status === 429) throw new RateLimited(Math.max(waitMs ?? USUAL_WAIT_MS, 1000));
      if (status < 500 && status !== 408) throw new PermanentError(text);
      // With --retries it is tried again after `retryAfterMs`, or after the --backoff.
      throw Object.assign(new Error(text), waitMs !== undefined && { retryAfterMs: waitMs });
    }
    let bytes = 0;
    for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > LARGEST_BODY) throw new PermanentError(`its body is larger than ${LARGEST_BODY} bytes`);
    }
    return { status, bytes, type: headers.get('content-type') };
  }

  /**
   * Runs in the master, and only when it returns is the URL recorded as done. So what a resume skips has had its line. After
   * a crash a URL may have two lines, and after --retry-failed it has: the last one holds.
   */
  async afterProcess(url: Url, answer: Answer, outcome: Outcome): Promise<void> {
    await print({ url, ...answer, ...effort(outcome) });
  }

  /** Runs in the master, when a URL is given up. */
  async afterFailure(url: Url, error: ItemError, outcome: Outcome): Promise<void> {
    // Of a connection that failed fetch says only that, and its cause says why.
    await print({ url, error: error.cause?.message ?? error.message, ...effort(outcome) });
  }
}

const effort = ({ durationMs, attempts }: Outcome) => ({ ms: Math.round(durationMs), attempts });

/** Prints a line, and waits until the system has it, however slowly it is read. */
function print(line: object): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(`${JSON.stringify(line)}\n`, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

/** Returns how long a Retry-After header asks to wait, in milliseconds. It has seconds, or a date. */
export function waitOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

function isUrl(text: string): boolean {
  return /^https?:/i.test(text) && URL.canParse(text);
}

/** Yields what the lines name, without white space around it. */
export async function* urlsIn(lines: AsyncIterable<string>): AsyncGenerator<Url> {
  for await (const line of lines) {
    const url = line.trim();
    if (url !== '' && !url.startsWith('#')) yield url;
  }
}
