/**
 * Writes messages on a connection, into memory that is used again once it has been written: fresh memory costs the system
 * more than the copy does. Runs in both processes. Internal.
 */

import type net from 'node:net';
import { encode } from './frames.ts';
import type { ToMaster, ToWorker } from './messages.ts';

/** Memory is taken so much at a time, or as much as a larger frame needs. */
const SLAB_BYTES = 256 * 1024;
/** How much of it is kept for what comes next. */
const KEPT_BYTES = 4 * 1024 * 1024;

interface Slab {
  readonly bytes: Buffer;
  /** Up to where it is filled. */
  used: number;
  /** The last message that has bytes in it. */
  message: number;
}

/** What writes on one connection. */
export class Sender {
  readonly #socket: net.Socket;
  readonly #written: () => void;
  #slabs: Slab[] = [];
  /** The one that is being filled. */
  #slab: Slab | undefined;
  /** How many messages there have been, and how many of them have left this process. */
  #sent = 0;
  #gone = 0;

  /** written - is told when something has left this process that had to wait. */
  constructor(socket: net.Socket, written: () => void) {
    this.#socket = socket;
    this.#written = written;
  }

  /** What waits to leave this process, in bytes. */
  get waiting(): number {
    return this.#socket.writableLength;
  }

  send(message: ToMaster | ToWorker): void {
    const socket = this.#socket;
    if (this.waiting === 0) {
      this.#gone = this.#sent;
      if (this.#slab) this.#slab.used = 0;
    }
    this.#sent += 1;
    const sent = this.#sent;
    const pieces = encode(message, this.#room);
    if (pieces.length > 1) socket.cork();
    for (const piece of pieces) socket.write(piece);
    if (pieces.length > 1) socket.uncork();
    if (this.waiting > 0)
      socket.write('', () => {
        this.#gone = sent;
        this.#written();
      });
  }

  readonly #room = (bytes: number): Buffer => {
    let slab = this.#slab;
    if (!slab || slab.used + bytes > slab.bytes.length) slab = this.#emptySlab(bytes);
    this.#slab = slab;
    slab.message = this.#sent;
    slab.used += bytes;
    return slab.bytes.subarray(slab.used - bytes, slab.used);
  };

  #emptySlab(bytes: number): Slab {
    let slab = this.#slabs.find((one) => one.message <= this.#gone && one.bytes.length >= bytes);
    if (!slab) {
      slab = { bytes: Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes)), used: 0, message: 0 };
      if (this.#slabs.reduce((sum, one) => sum + one.bytes.length, 0) > KEPT_BYTES) this.#slabs = [];
      this.#slabs.push(slab);
    }
    slab.used = 0;
    return slab;
  }
}
