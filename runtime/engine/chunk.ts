/**
 * Chunks and outcomes as texts, for the queue. The dispatcher writes a chunk and reads its outcomes; a host reads the chunk and
 * writes them. Runs in both.
 */

import { ProtocolError } from '../errors.ts';
import type { Place } from '../parallelizable.ts';
import { type Body, Text } from '../wire/codec.ts';

/** An item in a chunk. */
export interface ChunkItem {
  /** Its number in the dispatcher. */
  readonly number: number;
  /** Its key; undefined for the default key, which anybody can make from the item. */
  readonly key: string | undefined;
  readonly occurrence: number;
  /** Where it is, if the task has a cursor. */
  readonly place: Place | undefined;
  readonly body: Body;
}

/** How an item has ended. */
export interface ItemOutcome {
  readonly isDone: boolean;
  readonly attempts: number;
  readonly crashes: number;
  readonly durationMs: number;
  /** The result, encoded, or the error, as JSON; empty if nobody wants the result. */
  readonly body: Buffer;
}

/** How consecutive items of a chunk have ended. */
export interface ChunkOutcome extends ItemOutcome {
  /** The position of the first one in the chunk, from 0, and how many there are. */
  readonly at: number;
  readonly count: number;
}

/** What a host says of a chunk: how its items have ended so far. */
export interface ChunkReport {
  /** The name of the host that has ended them. */
  readonly host: string;
  readonly outcomes: readonly ChunkOutcome[];
  /** The item that the host runs alone, as nothing else is in progress there; undefined if it runs more than one. */
  readonly alone: number | undefined;
  /** How often each item, alone, has taken its host with it: the position in the chunk, and the count. */
  readonly deaths: readonly (readonly [at: number, count: number])[];
}

/** The first line of a chunk's text. Lists that say nothing new are left out. */
interface Head {
  /** The number of the first item, or of each. */
  readonly n: number | readonly number[];
  readonly k?: readonly string[];
  readonly o?: readonly number[];
  readonly p?: readonly Place[];
}

/** What a line begins with that is no JSON of an item: a string, and bytes. */
const STRING = '~t';
const BYTES = '~x';

/** Returns the chunk as text: a line about all items, and one for each. JSON that the codec made has no line break in it. */
export function textOf(items: readonly ChunkItem[]): string {
  const [{ number: first = 0, key = undefined, place = undefined } = {}] = items;
  const isInRow = items.every(({ number }, at) => number === first + at);
  const head: Head = {
    n: isInRow ? first : items.map(({ number }) => number),
    ...(key !== undefined && { k: items.map((item) => item.key ?? '') }),
    ...(items.some(({ occurrence }) => occurrence > 1) && { o: items.map(({ occurrence }) => occurrence) }),
    ...(place !== undefined && { p: items.map((item) => item.place ?? '') }),
  };
  return `${JSON.stringify(head)}\n${items.map(({ body }) => lineOf(body)).join('\n')}`;
}

function lineOf(body: Body): string {
  if (typeof body === 'string') return body;
  return body instanceof Text ? STRING + JSON.stringify(body.text) : BYTES + body.toString('base64');
}

/** Throws ProtocolError if the text is no chunk of this release's. */
export function itemsIn(text: string): ChunkItem[] {
  try {
    const [head = '', ...lines] = text.split('\n');
    const { n, k, o, p } = JSON.parse(head) as Head;
    wholeNumber(typeof n === 'number' ? n : n[0]);
    return lines.map((line, at) => ({
      number: wholeNumber(typeof n === 'number' ? n + at : n[at]),
      key: k?.[at],
      occurrence: o?.[at] ?? 1,
      place: p?.[at],
      body: bodyIn(line),
    }));
  } catch (error) {
    throw new ProtocolError(`what the queue has as a chunk is none of this release's: ${(error as Error).message}`);
  }
}

function bodyIn(line: string): Body {
  if (line.startsWith(STRING)) return new Text(String(JSON.parse(line.slice(STRING.length))));
  return line.startsWith(BYTES) ? Buffer.from(line.slice(BYTES.length), 'base64') : line;
}

function wholeNumber(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Error(`${String(value)} is no item's number`);
  return value as number;
}

type OutcomeText = readonly [
  at: number,
  count: number,
  isDone: 0 | 1,
  attempts: number,
  crashes: number,
  ms: number,
  body?: string,
];

interface ReportText {
  readonly h: string;
  readonly o: readonly OutcomeText[];
  readonly a?: number;
  readonly d?: ChunkReport['deaths'];
}

/** Returns the report as text. `outcomes` has one for each item of the chunk, undefined for those that have not ended. */
export function reportText(
  { host, alone, deaths }: Omit<ChunkReport, 'outcomes'>,
  outcomes: readonly (ItemOutcome | undefined)[],
): string {
  const text: ReportText = {
    h: host,
    o: [...inRows(outcomes)],
    ...(alone !== undefined && { a: alone }),
    ...(deaths.length > 0 && { d: deaths }),
  };
  return JSON.stringify(text);
}

/** Consecutive items that were done at once, and of which nobody wants a result, say the same but for their times. */
function* inRows(outcomes: readonly (ItemOutcome | undefined)[]): Generator<OutcomeText> {
  for (let at = 0, to = 0; at < outcomes.length; at = to) {
    const outcome = outcomes[at];
    to = at + 1;
    if (!outcome) continue;
    const { isDone, attempts, crashes, body } = outcome;
    let ms = outcome.durationMs;
    if (isPlain(outcome))
      for (let next = outcomes[to]; next && isPlain(next); next = outcomes[to]) {
        ms += next.durationMs;
        to += 1;
      }
    const count = to - at;
    const row = [at, count, isDone ? 1 : 0, attempts, crashes, Number((ms / count).toPrecision(3))] as const;
    yield body.length > 0 ? [...row, body.toString('base64')] : row;
  }
}

const isPlain = ({ isDone, attempts, crashes, body }: ItemOutcome): boolean =>
  isDone && attempts === 1 && crashes === 0 && body.length === 0;

/** Throws ProtocolError if the text is no report of this release's. */
export function reportIn(text: string): ChunkReport {
  try {
    const { h, o, a, d = [] } = JSON.parse(text) as ReportText;
    const outcomes = o.map(([at, count, isDone, attempts, crashes, durationMs, body = '']) => ({
      at: wholeNumber(at),
      count: wholeNumber(count),
      isDone: isDone === 1,
      attempts: wholeNumber(attempts),
      crashes: wholeNumber(crashes),
      durationMs: Number(durationMs),
      body: Buffer.from(body, 'base64'),
    }));
    return { host: String(h), outcomes, alone: a, deaths: d };
  } catch (error) {
    throw new ProtocolError(`what the queue has as outcomes is none of this release's: ${(error as Error).message}`);
  }
}
