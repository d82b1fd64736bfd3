/**
 * The control socket of a run: through it the run is paused, stopped or asked from another terminal. Only the owner can
 * open it: its folder is 0700, the socket 0600. Each connection asks one thing, in one line of JSON, and gets one line
 * back. Whatever is not understood is refused. Runs in the master. Internal.
 */

import net from 'node:net';
import { listen } from '../wire/listen.ts';
import { type ControlAnswer, type ControlRequest, LINE_BYTES_MAX, requestIn } from './messages.ts';

/** How long a peer may take to ask, and to read the answer, in milliseconds. */
const PATIENCE_MS = 5000;
/** How long the end of the run waits for whoever reads an answer, in milliseconds. */
const READ_WITHIN_MS = 200;
const CONNECTIONS_MAX = 32;

const REFUSED: ControlAnswer = {
  ok: false,
  text: 'this release understands one line of JSON: {"do":"pause"}, {"do":"continue"}, {"do":"status"}, {"do":"workers","workers":8}, {"do":"cancel","key":"…"} or {"do":"stop","now":false}',
};

/**
 * Opens the socket at a path that nobody has, in a folder that exists.
 *
 * answer - does what is asked; called once for each connection that has asked.
 *
 * Resolves with a function that closes it and cuts off whoever is connected. Rejects if the socket can't be made.
 */
export async function startControl(
  socketPath: string,
  answer: (request: ControlRequest) => ControlAnswer,
): Promise<() => Promise<void>> {
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    hear(socket, answer);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, socketPath);
  return async () => {
    for (const socket of open) if (!socket.writableEnded) socket.destroy();
    // Answers that were given are read at once, or not at all.
    const deadline = setTimeout(() => {
      for (const socket of open) socket.destroy();
    }, READ_WITHIN_MS);
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    clearTimeout(deadline);
  };
}

function hear(socket: net.Socket, answer: (request: ControlRequest) => ControlAnswer): void {
  let text = '';
  let isAnswered = false;
  const say = (given: ControlAnswer): void => {
    if (isAnswered) return;
    isAnswered = true;
    socket.end(`${JSON.stringify(given)}\n`);
    socket.resume();
  };
  socket.setEncoding('utf8');
  // From its beginning, not from its last byte: otherwise a byte now and then would keep a place for ever.
  const deadline = setTimeout(() => socket.destroy(), PATIENCE_MS);
  socket.on('error', () => {}); // 'close' follows
  socket.on('close', () => clearTimeout(deadline));
  socket.on('data', (chunk: string) => {
    if (isAnswered) return;
    text += chunk;
    const end = text.indexOf('\n');
    if (end < 0 && text.length <= LINE_BYTES_MAX) return;
    const request = end >= 0 && end === text.length - 1 ? requestIn(text.slice(0, end)) : undefined;
    say(request ? answer(request) : REFUSED);
  });
  socket.on('end', () => say(REFUSED)); // it has no newline
}
