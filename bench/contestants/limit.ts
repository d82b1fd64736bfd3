/**
 * The limit: a program written by hand for the same kind of socket. It only moves items: it has no keys, no journal, no
 * leases and no retries, and it never ends if a worker dies. A runtime that promises more can only come close to it.
 * This file is the master and the worker.
 *
 * A frame is a JSON text of up to 64 items and a line feed, which JSON.stringify never writes. A worker answers each
 * frame with one byte: how many items it has done. Each frame and each answer is a write of its own. Joining several of
 * them would be faster still, but that is the same as larger batches.
 */

import net from 'node:net';
import { itemsOf, loadOfArguments } from '../load.ts';
import { socketPath, startWorkers } from './by-hand.ts';
import { report } from './measure.ts';
import { works } from './work.ts';

const BATCH = 64;
const LINE_FEED = 10;
/** As much as the system's socket buffer holds. */
const CHUNK_BYTES = 256 * 1024;

const load = loadOfArguments();
if (load.work !== 'nothing') throw new Error(`limit.ts awaits no promise of the work, so it can't do '${load.work}'`);
if (socketPath === undefined) await runMaster();
else runWorker(socketPath);

async function runMaster(): Promise<void> {
  const workers = await startWorkers(import.meta.url, load);

  const began = performance.now();
  const items = itemsOf(load);
  const finished = Promise.withResolvers<void>();
  let done = 0;
  for (const socket of workers.sockets) {
    const send = (frames: number): void => {
      for (let frame = 0; frame < frames; frame++) {
        const batch = nextBatch(items);
        if (batch.length > 0) socket.write(`${JSON.stringify(batch)}\n`);
      }
    };
    socket.on('data', (answers: Uint8Array) => {
      for (const count of answers) done += count;
      if (done === load.count) finished.resolve();
      else send(answers.length);
    });
    send(Math.ceil(load.inFlight / BATCH));
  }
  await finished.promise;
  report(done, performance.now() - began);
  workers.end();
}

/** The batch is smaller, or empty, when the items run out. */
function nextBatch(items: Iterator<unknown>): unknown[] {
  const batch: unknown[] = [];
  while (batch.length < BATCH) {
    const { value, done } = items.next();
    if (done) break;
    batch.push(value);
  }
  return batch;
}

function runWorker(path: string): void {
  const work = works.nothing;
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  /** The first part of a frame whose end has not arrived. */
  let begun = Buffer.alloc(0);
  const read = (bytes: number): boolean => {
    const arrived = chunk.subarray(0, bytes);
    const frames = begun.length > 0 ? Buffer.concat([begun, arrived]) : arrived;
    let at = 0;
    for (let end = frames.indexOf(LINE_FEED); end >= 0; end = frames.indexOf(LINE_FEED, at)) {
      const batch = JSON.parse(frames.toString('utf8', at, end)) as unknown[];
      for (const item of batch) work(item);
      socket.write(Uint8Array.of(batch.length));
      at = end + 1;
    }
    begun = Buffer.from(frames.subarray(at)); // a copy: the next read overwrites the chunk
    return true;
  };
  const socket = net.connect({ path, onread: { buffer: chunk, callback: read } });
}
