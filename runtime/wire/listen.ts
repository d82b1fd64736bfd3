/** Opens a unix domain socket that only its owner can connect to. Runs in the master. Internal. */

import fs from 'node:fs';
import type net from 'node:net';
import { isMainThread } from 'node:worker_threads';
import { socketFailed, socketInUse } from '../errors.ts';

/** Resolves when the server listens at this path, with mode 0600. Rejects with UsageError. */
export async function listen(server: net.Server, socketPath: string): Promise<void> {
  // bind() happens within this call, and only the umask keeps others out from the first moment. A thread, as in a test
  // runner, can't set the umask: then the folder, or the token, keeps others out until the chmod.
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
