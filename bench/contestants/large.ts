/**
 * A program written by hand that moves large Buffers as this runtime does: the master copies each Buffer, since the
 * program may change its own, and sends it over a unix socket to a process that reads it into fresh memory and answers.
 * It has nothing else. Each worker has one Buffer in flight. This file is the master and the worker.
 *
 * A frame is the length in four bytes, and the Buffer. The answer is one byte.
 */

import net from 'node:net';
import { itemsOf, loadOfArguments } from '../load.ts';
import { socketPath, startWorkers } from './by-hand.ts';
import { report } from './measure.ts';
import { works } from './work.ts';

const LENGTH_BYTES = 4;

const load = loadOfArguments();
if (load.items !== 'buffers') throw new Error(`large.ts sends only Buffers, so it can't send '${load.items}'`);
if (load.work !== 'nothing') throw new Error(`large.ts awaits no promise of the work, so it can't do '${load.work}'`);
if (socketPath === undefined) await runMaster();
else runWorker(socketPath);

async function runMaster(): Promise<void> {
  const workers = await startWorkers(import.meta.url, load);

  const began = performance.now();
  const items = itemsOf(load) as Iterator<Buffer, undefined>;
  const finished = Promise.withResolvers<void>();
  let done = 0;
  for (const socket of workers.sockets) {
    /** Memory for the copy, used again for each item: the answer to the last one says that it was read. */
    let frame = Buffer.alloc(LENGTH_BYTES);
    const send = (): void => {
      const { value: item, done: none } = items.next();
      if (none) return;
      const bytes = LENGTH_BYTES + item.length;
      if (frame.length < bytes) frame = Buffer.allocUnsafeSlow(bytes);
      frame.writeUInt32LE(item.length);
      item.copy(frame, LENGTH_BYTES);
      socket.write(frame.subarray(0, bytes));
    };
    socket.on('data', () => {
      done++;
      if (done === load.count) finished.resolve();
      else send();
    });
    send();
  }
  await finished.promise;
  report(done, performance.now() - began);
  workers.end();
}

function runWorker(path: string): void {
  const work = works.nothing;
  const length = new Uint8Array(LENGTH_BYTES);
  let item: Buffer<ArrayBuffer> | undefined;
  /** What of the length or of the item has not arrived yet: the socket reads straight into it. */
  let rest: Uint8Array<ArrayBuffer> = length;
  const read = (bytes: number): boolean => {
    rest = rest.subarray(bytes);
    if (rest.length > 0) return true;
    if (item === undefined) {
      item = Buffer.allocUnsafeSlow(new DataView(length.buffer).getUint32(0, true));
      rest = item;
    } else {
      work(item);
      item = undefined;
      rest = length;
      socket.write(Uint8Array.of(1));
    }
    return true;
  };
  const socket = net.connect({ path, onread: { buffer: () => rest, callback: read } });
}
