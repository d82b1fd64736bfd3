/** What the programs written by hand share: workers as processes, each with a unix socket to the master. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Load } from '../load.ts';

/** The path of the master's socket, in a worker. In the master, undefined. */
export const socketPath = process.argv.length > 3 ? process.argv[2] : undefined;

/** The connections to the workers of a master. */
interface Workers {
  readonly sockets: readonly net.Socket[];
  end(): void;
}

/**
 * Starts the workers, and resolves once all of them are connected.
 *
 * program - the module that calls this: the workers run it too.
 */
export async function startWorkers(program: string, load: Load): Promise<Workers> {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-bench-'));
  const path = join(folder, 'socket');
  const server = net.createServer();
  await once(server.listen(path), 'listening');
  for (let worker = 0; worker < load.workers; worker++) fork(fileURLToPath(program), [path, JSON.stringify(load)]);
  const sockets: net.Socket[] = [];
  const connected = Promise.withResolvers<void>();
  server.on('connection', (socket) => {
    if (sockets.push(socket) === load.workers) connected.resolve();
  });
  await connected.promise;
  return {
    sockets,
    end: () => {
      for (const socket of sockets) socket.end();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}
