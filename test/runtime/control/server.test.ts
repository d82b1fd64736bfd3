// The control socket by itself: one line of JSON each way, and whatever is not understood is refused.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ask } from '../../../runtime/control/ask.ts';
import { type ControlRequest, LINE_BYTES_MAX, requestIn } from '../../../runtime/control/messages.ts';
import { startControl } from '../../../runtime/control/server.ts';

const REQUESTS: readonly ControlRequest[] = [
  { do: 'pause' },
  { do: 'continue' },
  { do: 'status' },
  { do: 'workers', workers: 8 },
  { do: 'cancel', key: 'a key\n“with” 32 bits: 😀' },
  { do: 'stop', now: true },
  { do: 'stop', now: false },
];

async function serve(): Promise<{ path: string; asked: ControlRequest[]; close: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-control-'));
  const path = join(folder, 'control.sock');
  const asked: ControlRequest[] = [];
  const close = await startControl(path, (request) => {
    asked.push(request);
    return { ok: true, text: request.do };
  });
  onTestFinished(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { path, asked, close };
}

/** Resolves with what comes back for these pieces; `isOpen`: nothing says that there are no more. */
async function answer(path: string, pieces: readonly (string | Buffer)[], isOpen = false): Promise<string> {
  const socket = net.connect(path).on('error', () => {});
  for (const piece of pieces) socket.write(piece);
  if (!isOpen) socket.end();
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += chunk;
  return text;
}

test.each(REQUESTS)('%j is asked and answered', async (request) => {
  const { path, asked } = await serve();
  expect(await ask(path, request)).toEqual({ ok: true, text: request.do });
  expect(asked).toEqual([request]);
});

test('a line may come in pieces, also within a character', async () => {
  const { path, asked } = await serve();
  const line = Buffer.from(`${JSON.stringify(REQUESTS[4])}\n`);
  const pieces = Array.from(line, (byte) => Buffer.from([byte]));
  expect(await answer(path, pieces, true)).toBe('{"ok":true,"text":"cancel"}\n');
  expect(asked).toEqual([REQUESTS[4]]);
});

test.each([
  ['nothing', ''],
  ['no newline', '{"do":"pause"}'],
  ['no JSON', 'pause\n'],
  ['two lines', '{"do":"pause"}\n{"do":"stop","now":true}\n'],
  ['bytes behind the line', '{"do":"pause"}\n '],
  ['a line without an end', 'x'.repeat(LINE_BYTES_MAX + 1)],
  ['HTTP', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
])('%s is refused, and nothing is done', async (_, text) => {
  const { path, asked } = await serve();
  const [line = '', ...rest] = (await answer(path, [text])).split('\n');
  expect(JSON.parse(line)).toEqual({ ok: false, text: expect.stringContaining('one line of JSON: {"do":"pause"}') });
  expect(rest).toEqual(['']);
  expect(asked).toEqual([]);
});

test('only what it says is understood: no other word, no field more or less, no other type', () => {
  for (const request of REQUESTS) expect(requestIn(JSON.stringify(request))).toEqual(request);
  const wrong = [
    ...['null', '3', '"pause"', '[]', '{}', '{"do":1}', '{"do":"Pause"}', '{"do":"pause","now":true}'],
    ...['{"do":"workers"}', '{"do":"workers","workers":"8"}', '{"do":"cancel","key":""}', '{"do":"cancel","key":1}'],
    ...['{"do":"stop"}', '{"do":"stop","now":1}', '{"do":"stop","now":true,"key":"a"}', '{"do":"toString"}'],
  ];
  for (const line of wrong) expect(requestIn(line), line).toBe(undefined);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      expect(requestIn(line)).toBe(undefined);
    }),
  );
});

test('whoever says nothing for five seconds is cut off; whoever waits at the end, too', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const { path, close } = await serve();
  const silent = net.connect(path).resume();
  await once(silent, 'connect');
  while (vi.getTimerCount() === 0) await new Promise(setImmediate); // the server has it
  vi.advanceTimersByTime(4999);
  expect(silent.destroyed).toBe(false);
  vi.advanceTimersByTime(1);
  await once(silent, 'close');
  const waiting = net.connect(path).resume();
  await once(waiting, 'connect');
  while (vi.getTimerCount() === 0) await new Promise(setImmediate);
  const closed = once(waiting, 'close');
  await close();
  await closed;
  expect(vi.getTimerCount()).toBe(0);
});

test('a socket on which nobody listens yet is tried again for a while', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'divvy-control-')), 'control.sock');
  const left = `require('node:net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', left]);
  const asked = ask(file, { do: 'pause' });
  const refused = net.connect(file);
  await expect(once(refused, 'connect')).rejects.toThrow('ECONNREFUSED');
  rmSync(file);
  const close = await startControl(file, () => ({ ok: true, text: 'Paused.' }));
  expect(await asked).toEqual({ ok: true, text: 'Paused.' });
  await close();
});
