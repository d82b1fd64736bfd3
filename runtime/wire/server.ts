/**
 * The unix domain socket that workers connect to. Runs in the master. Internal.
 *
 * Only the owner can open it (its folder is 0700, the socket 0600). A peer must first show, within 2 s, a token that
 * only the workers got. Any other peer is cut off, and the run goes on.
 */

import net from 'node:net';
import path from 'node:path';
import { ProtocolError } from '../errors.ts';
import { FrameReader, TOKEN_BYTES } from './frames.ts';
import { listen } from './listen.ts';
import type { FromMaster, ToMaster, ToWorker } from './messages.ts';
import { Sender } from './sender.ts';
import { makeFolder, makeRoomAt, removePlace } from './socket-path.ts';

const HELLO_WITHIN_MS = 2000;
/** Above so many connections without a token, the oldest is cut off, so that a flood keeps no worker out. */
const UNKNOWN_MAX = 512;

/**
 * With more bytes than this queued for its socket, a worker gets no more items. The queue empties as soon as there is
 * room, so the worker goes on while the master prepares the next items.
 */
const QUEUED_BYTES = 1024 * 1024;

/** The process that got a token. */
export interface Peer {
  /** It has shown its token; `link` is the connection to it. */
  connected(link: Link): void;
  /** It sent a message. */
  said(message: ToMaster): void;
  /** Its socket is full, or has room again. */
  backpressure(isOn: boolean): void;
  /** It broke the protocol and is about to be cut off. */
  broke(why: string): void;
  /** All its messages have been read, and no more will come. */
  disconnected(): void;
}

/** A connection to a worker. */
export interface Link {
  send(message: ToWorker): void;
  /** Closes the connection at once. */
  destroy(): void;
}

/** The socket of one run. */
export class Server {
  readonly path: string;
  /** Its folder was made for it and is removed with it. */
  readonly #isFresh: boolean;
  readonly #maxItemBytes: number;
  readonly #server: net.Server;
  /** Peers that have not connected yet, by token. */
  readonly #peers = new Map<string, Peer>();
  readonly #open = new Set<net.Socket>();
  /** Open connections that have not shown a token yet. */
  readonly #unknown = new Set<net.Socket>();

  /** Internal: call startServer instead. */
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
    // The task may end this process: by process.exit() in its dispatch, or by an uncaught error.
    process.on('exit', this.#remove);
  }

  /** Returns a token for one connection, which identifies `peer`. */
  invite(peer: Peer): Buffer {
    // Loaded here, while the process that gets the token boots.
    const token = process.getBuiltinModule('node:crypto').randomBytes(TOKEN_BYTES);
    this.#peers.set(token.toString('hex'), peer);
    return token;
  }

  /** How many tokens have not been shown yet. */
  get awaited(): number {
    return this.#peers.size;
  }

  /** Makes the token invalid; an open connection stays. */
  disinvite(token: Buffer): void {
    this.#peers.delete(token.toString('hex'));
  }

  /** Closes all connections and removes the socket, and its folder if that was made for it. */
  async stopServer(): Promise<void> {
    this.#peers.clear();
    for (const socket of this.#open) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve())); // close removes the socket's file
    process.off('exit', this.#remove);
    if (this.#isFresh) this.#remove(); // a path that the user named may belong to another run by now
  }

  #connected(socket: net.Socket): void {
    this.#open.add(socket);
    socket.on('error', () => {}); // 'close' follows, and handles the loss
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
    // If the master was busy, it reads the hello first.
    const deadline = setTimeout(() => setImmediate(() => peer ?? socket.destroy()), HELLO_WITHIN_MS);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (let message = reader.read(chunk); message && !socket.destroyed; message = reader.read()) {
          // Treat it as a worker's message, whatever kind it claims to be.
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

  /**
   * Returns the peer whose token the first message shows. If it shows none, cuts the connection off and returns
   * undefined.
   */
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

  readonly #remove = (): void => removePlace(this.#isFresh ? path.dirname(this.path) : this.path);
}

/**
 * Opens the socket.
 *
 * socketPath   - the path that socketPathFor returned.
 * isFresh      - whether its folder is new: it is made here and removed with the socket.
 * maxItemBytes - the largest item or result to accept, in bytes.
 *
 * Throws UsageError if the socket can't be made or is in use.
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
      if (!socket.writable) return; // it is closing; 'close' tells the peer
      sender.send(message);
      look();
    },
    destroy() {
      socket.destroy();
    },
  };
}
