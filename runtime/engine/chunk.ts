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

/** JSON as it is; a long string in `t`, bytes in `x`, both so that nothing has to be escaped twice. */
type Carried = string | { readonly t: string } | { readonly x: string };

/** Lists that say nothing new are left out. */
interface ChunkText {
  /** The number of the first item, or of each. */
  readonly n: number | readonly number[];
  readonly b: readonly Carried[];
  readonly k?: readonly string[];
  readonly o?: readonly number[];
  readonly p?: readonly Place[];
}

export function textOf(items: readonly ChunkItem[]): string {
  const [{ number: first = 0, key = undefined, place = undefined } = {}] = items;
  const isInRow = items.every(({ number }, at) => number === first + at);
  const text: ChunkText = {
    n: isInRow ? first : items.map(({ number }) => number),
    b: items.map(({ body }) => carried(body)),
    ...(key !== undefined && { k: items.map((item) => item.key ?? '') }),
    ...(items.some(({ occurrence }) => occurrence > 1) && { o: items.map(({ occurrence }) => occurrence) }),
    ...(place !== undefined && { p: items.map((item) => item.place ?? '') }),
  };
  return JSON.stringify(text);
}

function carried(body: Body): Carried {
  if (typeof body === 'string') return body;
  return body instanceof Text ? { t: body.text } : { x: body.toString('base64') };
}

/** Throws ProtocolError if the text is no chunk of this release's. */
export function itemsIn(text: string): ChunkItem[] {
  try {
    const { n, b, k, o, p } = JSON.parse(text) as ChunkText;
    return b.map((body, at) => ({
      number: wholeNumber(typeof n === 'number' ? n + at : n[at]),
      key: k?.[at],
      occurrence: o?.[at] ?? 1,
      place: p?.[at],
      body: bodyIn(body),
    }));
  } catch (error) {
    throw new ProtocolError(`what the queue has as a chunk is none of this release's: ${(error as Error).message}`);
  }
}

function bodyIn(body: Carried): Body {
  if (typeof body === 'string') return body;
  return 't' in body ? new Text(body.t) : Buffer.from(body.x, 'base64');
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
