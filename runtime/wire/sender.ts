/**
 * Writes messages on a connection. Reuses its memory once a message has been written: new memory costs more than the
 * copy. Runs in both processes. Internal.
 */

import type net from 'node:net';
import { encode } from './frames.ts';
import type { ToMaster, ToWorker } from './messages.ts';

/** Allocate so many bytes at a time, or more if a frame is larger. */
const SLAB_BYTES = 256 * 1024;
/** How much memory is kept for later messages, in bytes. */
const KEPT_BYTES = 4 * 1024 * 1024;

interface Slab {
  readonly bytes: Buffer;
  /** How many bytes are filled. */
  used: number;
  /** The number of the last message with bytes in this slab. */
  message: number;
}

/** The sender of one connection. */
export class Sender {
  readonly #socket: net.Socket;
  readonly #written: () => void;
  #slabs: Slab[] = [];
  /** The slab that is being filled. */
  #slab: Slab | undefined;
  /** How many messages were sent, and how many of them have left this process. */
  #sent = 0;
  #gone = 0;

  /** written - called when a message that had to wait has left this process. */
  constructor(socket: net.Socket, written: () => void) {
    this.#socket = socket;
    this.#written = written;
  }

  /** Bytes that wait to leave this process. */
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
