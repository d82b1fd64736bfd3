/**
 * The unix domain socket that workers connect to. Runs in the master. Internal.
 *
 * Only the owner may open it (its folder is 0700, the socket 0600), and whoever connects must show, within two seconds
 * and as the first thing it says, a token that only the workers were given. Anybody else is cut off, and the run goes on.
 */

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { ProtocolError, socketFailed, socketInUse } from '../errors.ts';
import { FrameReader, TOKEN_BYTES } from './frames.ts';
import type { FromMaster, ToMaster, ToWorker } from './messages.ts';
import { Sender } from './sender.ts';
import { makeFolder, makeRoomAt } from './socket-path.ts';

const HELLO_WITHIN_MS = 2000;
/** Connections without a token yet: past so many the oldest is cut off, so that a flood keeps no worker out. */
const UNKNOWN_MAX = 512;

/**
 * Past so many bytes that wait for room in a worker's socket it gets no more items. What waits leaves as soon as there is room,
 * so that the worker goes on while the next are made ready.
 */
const QUEUED_BYTES = 1024 * 1024;

/** What a token stands for: the process that was given it. */
export interface Peer {
  /** It has shown its token; from now on this is how it is spoken to. */
  connected(link: Link): void;
  /** It said something. */
  said(message: ToMaster): void;
  /** Its socket is full, or has room again. */
  backpressure(isOn: boolean): void;
  /** It broke the protocol, so: it is about to be cut off. */
  broke(why: string): void;
  /** All that it said has been read, and it will say nothing more. */
  disconnected(): void;
}

/** A connection to a worker. */
export interface Link {
  send(message: ToWorker): void;
  /** Ends it at once. */
  destroy(): void;
}

/** The socket of one run. */
export class Server {
  readonly path: string;
  /** Its folder was made for it, and is removed with it. */
  readonly #isFresh: boolean;
  readonly #maxItemBytes: number;
  readonly #server: net.Server;
  /** By the token that each has still to show. */
  readonly #peers = new Map<string, Peer>();
  readonly #open = new Set<net.Socket>();
  /** Those of them that have shown no token yet. */
  readonly #unknown = new Set<net.Socket>();

  /** Internal: startServer makes one. */
  constructor(socketPath: string, isFresh: boolean, maxItemBytes: number) {
    this.path = socketPath;
    this.#isFresh = isFresh;
    this.#maxItemBytes = maxItemBytes;
    this.#server = net.createServer((socket) => this.#connected(socket));
  }

  /** Internal: called once, by startServer. */
  async listen(): Promise<void> {
    await listen(this.#server, this.path).catch((error: unknown) => {
      if (this.#isFresh) this.#remove();
      throw error;
    });
    // The task may end this process, by process.exit() in its dispatch or by what nobody catches.
    process.on('exit', this.#remove);
  }

  /** Returns a token, good for one connection, by which `peer` will be known. */
  invite(peer: Peer): Buffer {
    // Loaded here, while the process boots that the token is for.
    const token = process.getBuiltinModule('node:crypto').randomBytes(TOKEN_BYTES);
    this.#peers.set(token.toString('hex'), peer);
    return token;
  }

  /** How many tokens have still to be shown. */
  get awaited(): number {
    return this.#peers.size;
  }

  /** The token is good no more; a connection that is there stays. */
  disinvite(token: Buffer): void {
    this.#peers.delete(token.toString('hex'));
  }

  /** Ends what is open and removes the socket, and its folder where that was made for it. */
  async stopServer(): Promise<void> {
    this.#peers.clear();
    for (const socket of this.#open) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve())); // close removes the socket's file
    process.off('exit', this.#remove);
    if (this.#isFresh) this.#remove(); // another's path may be another run's by now
  }

  #connected(socket: net.Socket): void {
    this.#open.add(socket);
    socket.on('error', () => {}); // what is lost with a connection shows in its end
    socket.on('close', () => this.#open.delete(socket));
    this.#unknown.add(socket);
    const [oldest] = this.#unknown;
    if (oldest && this.#unknown.size > UNKNOWN_MAX) {
      this.#unknown.delete(oldest);
      oldest.destroy();
    }
    this.#receive(socket);
  }

  #receive(socket: net.Socket): void {
    const reader = new FrameReader(TOKEN_BYTES);
    let peer: Peer | undefined;
    // Where it was the master that was busy, the hello is read first.
    const deadline = setTimeout(() => setImmediate(() => peer ?? socket.destroy()), HELLO_WITHIN_MS);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (let message = reader.read(chunk); message && !socket.destroyed; message = reader.read()) {
          // Whatever kind it claims to be, what a worker says is only looked at as what a worker may say.
          if (peer) peer.said(message as ToMaster);
          else {
            peer = this.#admit(socket, message, reader);
            if (peer) clearTimeout(deadline);
          }
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        peer?.broke(error.message);
        socket.destroy();
      }
    });
    socket.on('close', () => {
      clearTimeout(deadline);
      this.#unknown.delete(socket);
      peer?.disconnected();
    });
  }

  /** Returns whose token the first message shows; where it shows none, the connection is cut off. */
  #admit(socket: net.Socket, message: ToMaster | FromMaster, reader: FrameReader): Peer | undefined {
    const token = message.kind === 'hello' ? message.token.toString('hex') : '';
    const peer = this.#peers.get(token);
    if (!peer) {
      socket.destroy();
      return undefined;
    }
    this.#peers.delete(token);
    this.#unknown.delete(socket);
    reader.allowItems(this.#maxItemBytes);
    peer.connected(linkTo(socket, peer));
    return peer;
  }

  readonly #remove = (): void => {
    try {
      fs.rmSync(this.#isFresh ? path.dirname(this.path) : this.path, { recursive: true, force: true });
    } catch {
      // What stays harms nobody.
    }
  };
}

/**
 * Opens the socket.
 *
 * socketPath   - what socketPathFor returned.
 * isFresh      - its folder is to be made for it, and removed with it.
 * maxItemBytes - the largest item or result that is carried, in bytes.
 *
 * Throws UsageError where it cannot be made, or is in use.
 */
export async function startServer(socketPath: string, isFresh: boolean, maxItemBytes: number): Promise<Server> {
  if (isFresh) makeFolder(path.dirname(socketPath));
  else await makeRoomAt(socketPath);
  const server = new Server(socketPath, isFresh, maxItemBytes);
  await server.listen();
  return server;
}

function linkTo(socket: net.Socket, peer: Peer): Link {
  let isFull = false;
  const look = (): void => {
    if (isFull === sender.waiting >= QUEUED_BYTES) return;
    isFull = !isFull;
    peer.backpressure(isFull);
  };
  const sender = new Sender(socket, look);
  return {
    send(message) {
      if (!socket.writable) return; // its end is on its way, and says what became of it
      sender.send(message);
      look();
    },
    destroy() {
      socket.destroy();
    },
  };
}

async function listen(server: net.Server, socketPath: string): Promise<void> {
  // bind() happens within this call, and only the umask can keep others out from the first moment on. A thread, as of a test
  // runner, cannot set it: there the token keeps them out until the chmod.
  const setMask = (mask: number): number => (isMainThread ? process.umask(mask) : mask);
  const before = setMask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.on('error', (error: NodeJS.ErrnoException) =>
        reject(error.code === 'EADDRINUSE' ? socketInUse(socketPath) : socketFailed(socketPath, error)),
      );
      server.listen({ path: socketPath, backlog: 511 }, resolve);
      setMask(before);
    });
    if (!isMainThread) fs.chmodSync(socketPath, 0o600);
  } finally {
    setMask(before);
  }
}
