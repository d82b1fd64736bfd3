/**
 * Writes messages on a connection, into memory that is used again once it has been written: fresh memory costs the system
 * more than the copy does. Runs in both processes. Internal.
 */

import type net from 'node:net';
import { encode, type ToMaster, type ToWorker } from './protocol.ts';

/** Memory is taken so much at a time, or as much as a larger frame needs. */
const SLAB_BYTES = 256 * 1024;
/** What of it is kept for what comes next. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** What writes on one connection. */
export class Sender {
  readonly #socket: net.Socket;
  #slabs: Buffer[] = [];
  /** Which of them is being filled, and up to where. */
  #slab = 0;
  #at = 0;

  constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  /** Returns whether there is room for more; where there is none, the socket's `drain` says when there is again. */
  send(message: ToMaster | ToWorker): boolean {
    const socket = this.#socket;
    if (socket.writableLength === 0) this.#useAgain();
    const pieces = encode(message, this.#room);
    let room = true;
    if (pieces.length > 1) socket.cork();
    for (const piece of pieces) room = socket.write(piece);
    if (pieces.length > 1) socket.uncork();
    return room || socket.writableLength === 0;
  }

  /** All that was written has left this process. */
  #useAgain(): void {
    this.#slab = 0;
    this.#at = 0;
    if (this.#slabs.reduce((sum, { length }) => sum + length, 0) > KEPT_BYTES) this.#slabs = [];
  }

  readonly #room = (bytes: number): Buffer => {
    for (; this.#slab < this.#slabs.length; this.#slab++, this.#at = 0) {
      const from = this.#at;
      const slab = this.#slabs[this.#slab];
      if (!slab || from + bytes > slab.length) continue;
      this.#at += bytes;
      return slab.subarray(from, this.#at);
    }
    const slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
    this.#slabs.push(slab);
    this.#at = bytes;
    return slab.subarray(0, bytes);
  };
}
