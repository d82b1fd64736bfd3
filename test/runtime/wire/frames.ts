/** Frames as they are, cut in two, and with other bytes. What is tried comes from a seed, which is printed. */

import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, onTestFinished, vi } from 'vitest';
import { ProtocolError } from '../../../runtime/errors.ts';
import { type Body, decodeValue, encodeValue } from '../../../runtime/wire/codec.ts';
import { encode, FrameReader, TOKEN_BYTES } from '../../../runtime/wire/frames.ts';
import type { FromMaster, ToMaster, ToWorker } from '../../../runtime/wire/messages.ts';

const MAX_ITEM_BYTES = 1024;
/** The largest frame that is accepted: an item of the largest size, and what FRAME_ALLOWANCE of protocol.ts leaves beside it. */
const CAP = MAX_ITEM_BYTES + 1024 * 1024;

const error = {
  name: 'TypeError',
  message: 'no',
  stack: 'at x',
  code: 'E_NO',
  cause: { name: 'Error', message: 'why' },
};
const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
const value = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary', maxLength: 900 }), body, fc.date(), fc.bigInt());
const carried: fc.Arbitrary<Body> = value.map((any) => encodeValue(any, 'it', Infinity));
const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

/** Any message. */
export const message: fc.Arbitrary<ToMaster | ToWorker> = fc.oneof(
  fc.record({
    kind: fc.constant('items' as const),
    batchAcks: fc.boolean(),
    runs: fc.array(
      fc.record({
        number: fc.integer({ min: 1, max: 2 ** 40 }),
        attempt: fc.oneof(fc.constant(1), fc.nat(2 ** 31)),
        hasKeys: fc.boolean(),
        payloads: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 100 }), body: carried }), {
          minLength: 1,
          maxLength: 5,
        }),
      }),
      { minLength: 1 },
    ),
  }),
  fc.record({
    kind: fc.constant('outcomes' as const),
    outcomes: fc.array(
      fc.oneof(
        fc.record({
          number,
          count: fc.constant(1),
          durationMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
          how: fc.constant('done' as const),
          body,
        }),
        fc.record({
          number,
          count: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
          durationMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
          how: fc.constant('done' as const),
          body: fc.constant(Buffer.alloc(0)),
        }),
        fc.record({
          number,
          count: fc.constant(1),
          durationMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
          how: fc.constantFrom('threw' as const, 'threw for good' as const),
          body: fc.constant(Buffer.from(JSON.stringify(error))),
        }),
      ),
      { minLength: 1 },
    ),
  }),
  fc.record({ kind: fc.constant('nack' as const), numbers: fc.array(number) }),
  fc.constantFrom<ToMaster | ToWorker>(
    { kind: 'ready' },
    { kind: 'leaving' },
    { kind: 'drain' },
    { kind: 'forget' },
    { kind: 'abort', reason: 'SIGTERM' },
    { kind: 'boot failed', error },
    { kind: 'hook failed', hook: 'beforeExit', error },
  ),
);

export function reader(): FrameReader {
  const frames = new FrameReader(TOKEN_BYTES);
  frames.allowItems(MAX_ITEM_BYTES);
  return frames;
}

/** What was said, in one form on both sides: each item by itself, and its value read twice. */
export function told(messages: readonly (ToMaster | ToWorker | FromMaster)[]): unknown[] {
  return messages.flatMap((message): unknown[] => {
    if (message.kind !== 'items') return [message];
    if ('items' in message)
      return message.items.map((item) => {
        const { number, attempt, key, batchAcks } = item;
        return { number, attempt, key, batchAcks, values: [item.value(), item.value()] };
      });
    return message.runs.flatMap(({ number, attempt, hasKeys, payloads }) =>
      payloads.map(({ key, body }, index) => ({
        number: number + index,
        attempt,
        key: hasKeys ? key : '',
        batchAcks: message.batchAcks,
        values: [decodeValue(body), decodeValue(body)],
      })),
    );
  });
}

export function readAll(frames: FrameReader, chunk: Buffer): (ToMaster | FromMaster)[] {
  const messages: (ToMaster | FromMaster)[] = [];
  for (let next = frames.read(chunk); next; next = frames.read()) messages.push(next);
  return messages;
}

/** `DIVVY_SEED=17` for a seed of one's own; said before anything is tried, in case nothing can be said any more. */
function seedFor(what: string): number {
  const seed = Number(process.env['DIVVY_SEED'] ?? Date.now() % 2 ** 31);
  console.log(`${what}: DIVVY_SEED=${seed}`);
  return seed;
}

/** Sees to it that so many frames at least, each cut in two at every byte of it, are read as what they were. */
export function readCut(atLeast: number): void {
  const seed = seedFor('frames cut in two');
  let cuts = 0;
  for (let round = 0; cuts < atLeast; round++) {
    fc.assert(
      fc.property(message, (original) => {
        const bytes = Buffer.concat(encode(original));
        const said = told([original]);
        for (let at = 0; at <= bytes.length; at++, cuts++) {
          const frames = reader();
          const read = told([...readAll(frames, bytes.subarray(0, at)), ...readAll(frames, bytes.subarray(at))]);
          if (!isDeepStrictEqual(read, said)) expect(read).toEqual(said); // which says what differs, and takes its time
        }
      }),
      { numRuns: 10, seed: seed + round },
    );
  }
}

/** Sees to it that so many frames, some bytes of which are changed, inserted or left out, are read as something, or refused. */
export function readMutated(count: number): void {
  const edit = fc.record({ at: fc.nat(), how: fc.constantFrom('change', 'insert', 'remove'), byte: fc.nat(255) });
  let refused = 0;
  const allocated = largestAllocation();
  fc.assert(
    fc.property(message, fc.array(edit, { minLength: 1, maxLength: 4 }), (original, edits) => {
      const bytes = [...Buffer.concat(encode(original))];
      for (const { at, how, byte } of edits) {
        const index = at % (bytes.length || 1);
        if (how === 'change') bytes[index] = byte;
        else bytes.splice(index, how === 'remove' ? 1 : 0, ...(how === 'insert' ? [byte] : []));
      }
      const held = process.memoryUsage().arrayBuffers;
      try {
        const read = readAll(reader(), Buffer.from(bytes));
        expect(read.length).toBeLessThan(bytes.length);
      } catch (thrown) {
        if (!(thrown instanceof ProtocolError)) throw thrown;
        refused += 1;
      }
      // What v8.deserialize allocates is seen here; collected at once it cannot be.
      expect(process.memoryUsage().arrayBuffers - held).toBeLessThanOrEqual(2 * CAP);
      expect(allocated()).toBeLessThanOrEqual(CAP);
    }),
    { numRuns: count, seed: seedFor('frames with other bytes') },
  );
  expect(refused).toBeGreaterThan(count / 10);
}

/** Returns what says how large the largest buffer was that has been made since, in bytes. */
function largestAllocation(): () => number {
  let largest = 0;
  for (const make of ['alloc', 'allocUnsafe'] as const) {
    const real = Buffer[make];
    const spy = vi.spyOn(Buffer, make).mockImplementation((size: number) => {
      largest = Math.max(largest, size);
      return real(size);
    });
    onTestFinished(() => spy.mockRestore());
  }
  return () => largest;
}
