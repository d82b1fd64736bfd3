/**
 * --tag: puts `[w3 user-812] ` before each line that a worker writes: its number, and the key of the item that wrote it.
 * Runs in a worker, and is loaded only with --tag. Internal.
 *
 * Several items may be in progress. So each call of `process` runs in an async context that knows its item, and a write
 * finds the item by the context in which it is called. Outside of an item in progress it gets `[w3] `.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { ItemContext } from '../parallelizable.ts';
import type { AnyTask } from '../task/task.ts';
import { shortKey } from '../text/failures.ts';
import type { ReceivedItem } from '../wire/messages.ts';

const NEWLINE = 0x0a;

/** The tag of one attempt at an item, or of everything else that a worker writes. */
export class Tag {
  /** The attempt has ended: what it still writes belongs to no item. */
  isOver = false;
  readonly #makeText: () => string;
  #text: string | undefined;

  constructor(makeText: () => string) {
    this.#makeText = makeText;
  }

  /** Made at the first write: most items may write nothing. */
  get text(): string {
    this.#text ??= this.#makeText();
    return this.#text;
  }
}

/** Gives the lines of one worker their tags. */
export class Tags {
  readonly #worker: number;
  readonly #current = new AsyncLocalStorage<Tag>();
  readonly #otherwise: Tag;
  /** For each stream, whose line is open. */
  readonly #open: (Tag | undefined)[] = [];

  constructor(worker: number) {
    this.#worker = worker;
    this.#otherwise = new Tag(() => `[w${worker}] `);
  }

  /** Returns the tag of an attempt at this item. Without a recorded key, it has the item's number. */
  of({ key, number }: ReceivedItem, task: AnyTask): Tag {
    const name = (): string => (key === '' ? `#${number}` : shortKey(key, task.key ? 'own' : 'hashed'));
    return new Tag(() => `[w${this.#worker} ${name()}] `);
  }

  /** Returns the task with a `process` in which each line gets this tag. */
  around(task: AnyTask, tag: Tag): Pick<AnyTask, 'process'> {
    return {
      process: (item: unknown, context: ItemContext) => this.#current.run(tag, () => task.process(item, context)),
    };
  }

  /**
   * Returns what to write in place of a chunk that is not empty: a tag at the start of each line. If somebody else has
   * left a line open, that line is ended first, and its rest gets a tag again: so whole lines stay whole.
   *
   * index - which stream it is written to.
   */
  tagged(index: number, chunk: string | Uint8Array, encoding: unknown): string | Buffer {
    const current = this.#current.getStore();
    const tag = current && !current.isOver ? current : this.#otherwise;
    const open = this.#open[index];
    const first = open === tag ? '' : `${open ? '\n' : ''}${tag.text}`;
    const isText = typeof chunk === 'string' && (typeof encoding !== 'string' || /^utf-?8$/i.test(encoding));
    const bytes = isText ? undefined : bytesOf(chunk, encoding);
    const isWhole = bytes ? bytes.at(-1) === NEWLINE : chunk.at(-1) === '\n';
    this.#open[index] = isWhole ? undefined : tag;
    if (bytes) return taggedBytes(bytes, first, tag.text);
    const lines = (chunk as string).split('\n');
    const last = isWhole ? lines.pop() : undefined;
    return `${first}${lines.join(`\n${tag.text}`)}${last === undefined ? '' : '\n'}`;
  }
}

function bytesOf(chunk: string | Uint8Array, encoding: unknown): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding as BufferEncoding);
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** The bytes need not be text: they stay as they are. */
function taggedBytes(bytes: Buffer, first: string, text: string): Buffer {
  const tag = Buffer.from(text);
  const pieces: Uint8Array[] = [Buffer.from(first)];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, from) + 1 || bytes.length;
    if (from > 0) pieces.push(tag);
    pieces.push(bytes.subarray(from, end));
    from = end;
  }
  return Buffer.concat(pieces);
}
