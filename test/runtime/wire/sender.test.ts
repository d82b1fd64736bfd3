// What is written arrives as it was, though the memory that it is written from is used again.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { encodeValue } from '../../../runtime/wire/codec.ts';
import { FrameReader } from '../../../runtime/wire/frames.ts';
import type { FromMaster, ToWorker } from '../../../runtime/wire/messages.ts';
import { Sender } from '../../../runtime/wire/sender.ts';
import { told } from './frames.ts';

test('items of all sizes arrive, of a connection that is read late and of one that is read at once', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'divvy-sender-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const socketPath = path.join(folder, 's');
  const messages = Array.from({ length: 60 }, (_, index): ToWorker => {
    const letter = String.fromCharCode(97 + (index % 26));
    const values = [index, letter.repeat(600 + 5000 * index), Buffer.alloc(1 + 3000 * index, letter), new Date(index)];
    const payloads = values.map((value) => ({ key: letter, body: encodeValue(value, 'it', Infinity) }));
    return { kind: 'items', batchAcks: false, runs: [{ number: 1, attempt: 1, hasKeys: true, payloads }] };
  });
  const accepted = Promise.withResolvers<net.Socket>();
  const server = net.createServer((socket) => accepted.resolve(socket)).listen(socketPath);
  const client = net.connect(socketPath);
  const sender = new Sender(await accepted.promise, () => {});
  const reader = new FrameReader(0);
  reader.allowItems(Infinity);
  const read: FromMaster[] = [];
  const readUpTo = async (count: number): Promise<void> => {
    const items = (): number => read.reduce((sum, message) => sum + ('items' in message ? message.items.length : 0), 0);
    while (items() < count) {
      const chunk: Buffer | null = client.read();
      if (!chunk) await once(client, 'readable');
      else for (let next = reader.read(chunk); next; next = reader.read()) read.push(next as FromMaster);
    }
  };
  for (const message of messages) sender.send(message);
  await readUpTo(240);
  for (const [index, message] of messages.entries()) {
    sender.send(message);
    await readUpTo(240 + 4 * (index + 1));
  }
  expect(isDeepStrictEqual(told(read), told([...messages, ...messages]))).toBe(true); // what differs would fill a book
  client.destroy();
  server.close();
});
