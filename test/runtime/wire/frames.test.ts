// The frames on the socket: whatever the bytes are, a FrameReader gives messages or throws ProtocolError.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProtocolError } from '../../../runtime/errors.ts';
import { encodeValue } from '../../../runtime/wire/codec.ts';
import { encode, FrameReader, TOKEN_BYTES } from '../../../runtime/wire/frames.ts';
import { message, readAll, readCut, reader, readMutated, told } from './frames.ts';

test('10,000 frames, messages cut in two at every byte, are read again', () => {
  readCut(10_000);
});

test('10,000 frames with bytes changed, inserted or left out end in messages or in a ProtocolError', () => {
  readMutated(10_000);
});

test('what is encoded is read again, one byte at a time', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), (messages) => {
      const frames = reader();
      const read = [...Buffer.concat(messages.flatMap((each) => encode(each)))].flatMap((byte) =>
        readAll(frames, Buffer.of(byte)),
      );
      expect(told(read)).toEqual(told(messages));
    }),
  );
});

test('what was read stays as it is when the bytes it came in are used again', () => {
  fc.assert(
    fc.property(message, message, (one, other) => {
      const frames = reader();
      const [first, second] = [one, other].map((said) => Buffer.concat(encode(said))) as [Buffer, Buffer];
      const buffer = Buffer.alloc(Math.max(first.length, second.length));
      const read = readAll(frames, buffer.subarray(0, first.copy(buffer)));
      const then = readAll(frames, buffer.subarray(0, second.copy(buffer)));
      expect(told([...read, ...then])).toEqual(told([one, other]));
    }),
  );
});

test('a batch larger than a frame is read again', () => {
  const payloads = Array.from({ length: 500 }, (_, index) => ({
    key: '',
    body: encodeValue(Buffer.alloc(1000, index), 'it', Infinity),
  }));
  const message = {
    kind: 'items',
    batchAcks: false,
    runs: [{ number: 1, attempt: 1, hasKeys: false, payloads }],
  } as const;
  const frames = encode(message);
  expect(frames.length).toBeGreaterThan(1);
  const read = readAll(reader(), Buffer.concat(frames));
  expect(told(read)).toEqual(told([message]));
});

test('a declared length over the cap is refused with its header, before anything is allocated for it', () => {
  const header = Buffer.alloc(5);
  header.writeUInt32LE(0xffff_ffff, 0);
  const before = process.memoryUsage().arrayBuffers;
  expect(() => reader().read(header)).toThrow('a frame of 4294967295 bytes came, where at most');
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
});

test('a declared length of nothing is refused', () => {
  expect(() => reader().read(Buffer.alloc(5))).toThrow(ProtocolError);
});

describe('before the token', () => {
  test('is read a hello, and nothing else', () => {
    const token = Buffer.alloc(TOKEN_BYTES, 1);
    expect(new FrameReader(TOKEN_BYTES).read(Buffer.concat(encode({ kind: 'hello', token })))).toEqual({
      kind: 'hello',
      token,
    });
    for (const other of [{ kind: 'ready' }, { kind: 'drain' }] as const) {
      expect(() => new FrameReader(TOKEN_BYTES).read(Buffer.concat(encode(other)))).toThrow(ProtocolError);
    }
  });

  test('is not read more bytes than a hello has', () => {
    const token = Buffer.alloc(TOKEN_BYTES + 1, 1);
    expect(() => new FrameReader(TOKEN_BYTES).read(Buffer.concat(encode({ kind: 'hello', token })))).toThrow(
      ProtocolError,
    );
  });
});

describe('what is no message is refused', () => {
  const deep = 100_000;
  const cause = '{"name":"E","message":"m","cause":';
  const json = (value: unknown): string => JSON.stringify(value);
  const texts: [string, string][] = [
    ['no JSON', 'ready'],
    ['half of it', '{"kind":"ready"'],
    ['an error of more causes than can be looked at', `${cause.repeat(deep)}null${'}'.repeat(deep)}`],
  ];
  const values: [string, unknown][] = [
    ['nothing', null],
    ['a number', 7],
    ['an object without a kind', {}],
    ['a hello without a token', { kind: 'hello' }],
    ['outcomes that are no list', { kind: 'outcomes', outcomes: 5 }],
    ['numbers that are none', { kind: 'nack', numbers: ['1'] }],
    ['numbers of no item', { kind: 'nack', numbers: [1.5] }],
    ['no numbers', { kind: 'nack' }],
    ['a failure without an error', { kind: 'boot failed' }],
    ['an error without a name', { kind: 'hook failed', hook: 'beforeExit', error: { message: '' } }],
    ['an error with a stack that is no text', { kind: 'boot failed', error: { name: 'E', message: 'm', stack: 5 } }],
  ];
  for (const [what, value] of values) texts.push([what, json(value)]);
  test.each(texts)('%s', (what, text) => {
    const isError = what.includes('more causes');
    const content = Buffer.from(isError ? `{"kind":"boot failed","error":${text}}` : text);
    const header = Buffer.alloc(5);
    header.writeUInt32LE(content.length + 1, 0);
    header.writeUInt8(encode({ kind: 'ready' })[0]?.[4] ?? 0, 4); // as JSON
    expect(() => reader().read(Buffer.concat([header, content]))).toThrow(ProtocolError);
  });

  test('a failure whose body is no error, and an outcome of several items that is no ack', () => {
    for (const outcome of [
      { number: 1, count: 1, durationMs: 1, how: 'threw', body: Buffer.from('"no"') },
      { number: 1, count: 0, durationMs: 1, how: 'done', body: Buffer.alloc(0) },
      ...[Number.NaN, 1.5, 0, -1, 2 ** 53, Infinity].map((number) => ({
        ...{ number, count: 1, durationMs: 1, how: 'done' as const, body: Buffer.alloc(0) },
      })),
      ...[Number.NaN, -1, Infinity].map((durationMs) => ({
        ...{ number: 1, count: 1, durationMs, how: 'done' as const, body: Buffer.alloc(0) },
      })),
      { number: 1, count: 2, durationMs: 1, how: 'done', body: Buffer.from('"a result"') },
      { number: 1, count: 2, durationMs: 1, how: 'threw', body: Buffer.from('{"name":"E","message":"m"}') },
    ] as const) {
      const bytes = Buffer.concat(encode({ kind: 'outcomes', outcomes: [outcome] }));
      expect(() => readAll(reader(), bytes)).toThrow(ProtocolError);
    }
  });
});
