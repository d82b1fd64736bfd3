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
import { FrameReader, type FromMaster, TOKEN_BYTES, type ToMaster, type ToWorker } from './protocol.ts';
import { Sender } from './sender.ts';
import { makeFolder, makeRoomAt } from './socket-path.ts';

const HELLO_WITHIN_MS = 2000;
/** Connections without a token yet: past so many the oldest is cut off, so that a flood keeps no worker out. */
const STRANGERS_MAX = 512;

/**
 * Past so many bytes that wait for room in a worker's socket it gets no more items. What waits leaves as soon as there is room,
 * so that the worker goes on while the next are made ready.
 */
const QUEUED_BYTES = 1024 * 1024;

/** What a token stands for: the process that was given it. */
export interface Guest {
  /** It has shown its token; from now on this is how it is spoken to. */
  connected(link: Link): void;
  /** It said something. */
  said(message: ToMaster): void;
  /** Its socket is full, or has room again. */
  clogged(clogged: boolean): void;
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
export interface Server {
  readonly path: string;
  /** Returns a token, good for one connection, by which `guest` will be known. */
  invite(guest: Guest): Buffer;
  /** How many tokens have still to be shown. */
  readonly awaited: number;
  /** The token is good no more; a connection that is there stays. */
  disinvite(token: Buffer): void;
  /** Ends what is open and removes the socket, and its folder where that was made for it. */
  stopServer(): Promise<void>;
}

/**
 * Opens the socket.
 *
 * socketPath   - what socketPathFor returned.
 * fresh        - its folder is to be made for it, and removed with it.
 * maxItemBytes - the largest item or result that is carried, in bytes.
 *
 * Throws UsageError where it cannot be made, or is in use.
 */
export async function startServer(socketPath: string, fresh: boolean, maxItemBytes: number): Promise<Server> {
  if (fresh) makeFolder(path.dirname(socketPath));
  else await makeRoomAt(socketPath);

  const guests = new Map<string, Guest>();
  const open = new Set<net.Socket>();
  const strangers = new Set<net.Socket>();

  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}); // what is lost with a connection shows in its end
    socket.on('close', () => open.delete(socket));
    strangers.add(socket);
    const [oldest] = strangers;
    if (oldest && strangers.size > STRANGERS_MAX) {
      strangers.delete(oldest);
      oldest.destroy();
    }
    receive(socket);
  });

  function receive(socket: net.Socket): void {
    const reader = new FrameReader(TOKEN_BYTES);
    let guest: Guest | undefined;
    // Where it was the master that was busy, the hello is read first.
    const deadline = setTimeout(() => setImmediate(() => guest ?? socket.destroy()), HELLO_WITHIN_MS);

    const admit = (message: ToMaster | FromMaster): void => {
      const key = message.kind === 'hello' ? message.token.toString('hex') : '';
      guest = guests.get(key);
      if (!guest) {
        socket.destroy();
        return;
      }
      guests.delete(key);
      clearTimeout(deadline);
      strangers.delete(socket);
      reader.allowItems(maxItemBytes);
      guest.connected(linkTo(socket, guest));
    };

    socket.on('data', (chunk: Buffer) => {
      try {
        for (let message = reader.read(chunk); message && !socket.destroyed; message = reader.read()) {
          // Whatever kind it claims to be, what a worker says is only looked at as what a worker may say.
          if (guest) guest.said(message as ToMaster);
          else admit(message);
        }
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        guest?.broke(error.message);
        socket.destroy();
      }
    });
    socket.on('close', () => {
      clearTimeout(deadline);
      strangers.delete(socket);
      guest?.disconnected();
    });
  }

  const remove = (): void => {
    try {
      fs.rmSync(fresh ? path.dirname(socketPath) : socketPath, { recursive: true, force: true });
    } catch {
      // What stays harms nobody.
    }
  };
  await listen(server, socketPath).catch((error: unknown) => {
    if (fresh) remove();
    throw error;
  });
  // The task may end this process, by process.exit() in its dispatch or by what nobody catches.
  process.on('exit', remove);
  return {
    path: socketPath,
    invite(guest) {
      // Loaded here, while the process boots that the token is for.
      const token = process.getBuiltinModule('node:crypto').randomBytes(TOKEN_BYTES);
      guests.set(token.toString('hex'), guest);
      return token;
    },
    get awaited() {
      return guests.size;
    },
    disinvite(token) {
      guests.delete(token.toString('hex'));
    },
    async stopServer() {
      guests.clear();
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve())); // close removes the socket's file
      process.off('exit', remove);
      if (fresh) remove(); // another's path may be another run's by now
    },
  };
}

function linkTo(socket: net.Socket, guest: Guest): Link {
  let clogged = false;
  const look = (): void => {
    if (clogged === sender.waiting >= QUEUED_BYTES) return;
    clogged = !clogged;
    guest.clogged(clogged);
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
