/**
 * Where the socket of a run is: a path that the system can hold, in a folder that can be written. Runs in the master. Internal.
 */

import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {
  noSocketFolder,
  notASocket,
  socketFailed,
  socketFolderMissing,
  socketInUse,
  socketPathTooLong,
} from '../errors.ts';

/** What the system can hold of a path. Node.js 22 cuts a longer one short without a word. */
const PATH_BYTES_MAX = process.platform === 'darwin' ? 103 : 107;

/**
 * Returns where the socket of a run will be: the path that was asked for, or one in a folder that startServer makes.
 * Throws UsageError where there is no place for it.
 */
export function socketPathFor(wanted: string | undefined): string {
  if (wanted === undefined) return freshPath();
  const socketPath = path.resolve(wanted);
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > PATH_BYTES_MAX) throw socketPathTooLong(socketPath, bytes, PATH_BYTES_MAX);
  return socketPath;
}

/** A path of its own in the first place that can be written and whose path is short enough. */
function freshPath(): string {
  const tried: string[] = [];
  for (const parent of new Set([process.env['XDG_RUNTIME_DIR'], os.tmpdir(), '/tmp'])) {
    if (parent === undefined || parent === '') continue;
    const socketPath = path.resolve(
      parent,
      `divvy-${process.pid}-${Math.random().toString(36).slice(2, 10)}`,
      'master.sock',
    );
    if (Buffer.byteLength(socketPath) > PATH_BYTES_MAX) {
      tried.push(`${parent} (its path is too long)`);
      continue;
    }
    try {
      // Whether it can be made shows only when it is: a disk may be full.
      fs.mkdirSync(path.dirname(socketPath), { mode: 0o700 });
      fs.rmdirSync(path.dirname(socketPath));
      return socketPath;
    } catch (error) {
      tried.push(`${parent} (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  throw noSocketFolder(tried);
}

/** Makes the folder of a path that socketPathFor has chosen. */
export function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { mode: 0o700 }); // fails where somebody else has made it
  } catch (error) {
    throw noSocketFolder([`${folder} (${(error as NodeJS.ErrnoException).code})`]);
  }
}

/** A socket that somebody listens on is left alone, and so is any other file; a dead socket is removed. */
export async function makeRoomAt(socketPath: string): Promise<void> {
  const folder = path.dirname(socketPath);
  if (!fs.existsSync(folder)) throw socketFolderMissing(socketPath, folder); // Node.js would call it EACCES
  let there: fs.Stats | undefined;
  try {
    there = fs.lstatSync(socketPath, { throwIfNoEntry: false });
  } catch (error) {
    throw socketFailed(socketPath, error);
  }
  if (!there) return;
  if (!there.isSocket()) throw notASocket(socketPath);
  const alive = await new Promise<boolean>((resolve) => {
    const probe = net.connect(socketPath);
    probe.on('connect', () => {
      probe.destroy();
      resolve(true);
    });
    // ECONNREFUSED: nobody listens. Anything else (a full backlog, no permission) may well be somebody.
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
  if (alive) throw socketInUse(socketPath);
  fs.unlinkSync(socketPath);
}
