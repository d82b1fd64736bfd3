// The socket's server by itself: tokens, and what a connection costs.
import { once } from 'node:events';
import net from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { encode, TOKEN_BYTES } from '../../../runtime/wire/frames.ts';
import type { ToMaster } from '../../../runtime/wire/messages.ts';
import { type Peer, type Server, startServer } from '../../../runtime/wire/server.ts';
import { socketPathFor } from '../../../runtime/wire/socket-path.ts';

async function serve(): Promise<Server> {
  const server = await startServer(socketPathFor(undefined), true, 64 * 1024 * 1024);
  onTestFinished(() => server.stopServer());
  return server;
}

/** Invites somebody; resolves with what is said once the connection is closed. */
function invite(server: Server): {
  token: Buffer;
  connected: Promise<void>;
  closed: Promise<{ said: ToMaster[]; why: string | undefined }>;
} {
  const said: ToMaster[] = [];
  const connected = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<{ said: ToMaster[]; why: string | undefined }>();
  let why: string | undefined;
  const peer: Peer = {
    connected: () => connected.resolve(),
    said: (message) => said.push(message),
    backpressure: () => {},
    broke: (broken) => {
      why = broken;
    },
    disconnected: () => closed.resolve({ said, why }),
  };
  return { token: server.invite(peer), connected: connected.promise, closed: closed.promise };
}

function connect(server: Server, ...chunks: Buffer[]): net.Socket {
  const socket = net
    .connect(server.path)
    .on('error', () => {})
    .resume();
  for (const chunk of chunks) socket.write(chunk);
  return socket;
}
const hello = (token: Buffer): Buffer => Buffer.concat(encode({ kind: 'hello', token }));

test('a token is good for one connection, and each is another', async () => {
  const server = await serve();
  const [one, two] = [invite(server), invite(server)];
  expect(one.token).toHaveLength(TOKEN_BYTES);
  expect(one.token.equals(two.token)).toBe(false);
  const first = connect(server, hello(one.token));
  await one.connected;
  const second = connect(server, hello(one.token));
  await once(second, 'close');
  first.end(Buffer.concat(encode({ kind: 'ready' })));
  expect(await one.closed).toEqual({ said: [{ kind: 'ready' }], why: undefined });
});

test('a token that was taken back is good no more', async () => {
  const server = await serve();
  const { token } = invite(server);
  server.disinvite(token);
  await once(connect(server, hello(token)), 'close');
});

test('whoever has shown its token may be silent for as long as it likes', async () => {
  const server = await serve();
  const { token, connected, closed } = invite(server);
  const socket = connect(server, hello(token));
  await connected;
  await once(connect(server), 'close'); // the two seconds for a token are over
  socket.end(Buffer.concat(encode({ kind: 'leaving' })));
  expect(await closed).toEqual({ said: [{ kind: 'leaving' }], why: undefined });
});

test('a worker that breaks the protocol is disconnected, with the reason', async () => {
  const server = await serve();
  const { token, connected, closed } = invite(server);
  const socket = connect(server, hello(token));
  await connected;
  socket.write(Buffer.from('nonsense'));
  expect((await closed).why).toMatch(/^a frame of \d+ bytes came, where at most 68157440 are accepted$/);
});
