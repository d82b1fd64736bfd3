/**
 * Chooses the path of a run's socket: short enough for the system, and in a folder that can be written. Runs in the
 * master. Internal.
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

/** The longest socket path that the system allows, in bytes. Node.js 22 silently cuts off a longer one. */
const PATH_BYTES_MAX = process.platform === 'darwin' ? 103 : 107;

/**
 * Returns the path of a run's socket: the wanted path, or one in a new folder that startServer makes. Throws UsageError
 * if there is no place for it.
 */
export function socketPathFor(wanted: string | undefined): string {
  if (wanted === undefined) return freshPath();
  const socketPath = path.resolve(wanted);
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > PATH_BYTES_MAX) throw socketPathTooLong(socketPath, bytes, PATH_BYTES_MAX);
  return socketPath;
}

/** Returns a new path in the first folder that can be written and whose path is short enough. */
function freshPath(): string {
  const tried: string[] = [];
  for (const parent of new Set([process.env['XDG_RUNTIME_DIR'], os.tmpdir(), '/tmp'])) {
    if (parent === undefined || parent === '') continue;
    const folder = path.resolve(parent, `divvy-${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
    const socketPath = path.join(folder, 'master.sock');
    if (Buffer.byteLength(controlBeside(socketPath)) > PATH_BYTES_MAX) {
      tried.push(`${parent} (its path is too long)`);
      continue;
    }
    try {
      // Try to make it: only that shows whether it works, as the disk may be full.
      fs.mkdirSync(folder, { mode: 0o700 });
      fs.rmdirSync(folder);
      return socketPath;
    } catch (error) {
      tried.push(`${parent} (${(error as NodeJS.ErrnoException).code})`);
    }
  }
  throw noSocketFolder(tried);
}

/** Returns the path of the control socket in the same folder. */
export function controlBeside(socketPath: string): string {
  return path.join(path.dirname(socketPath), 'control.sock');
}

/** Makes the folder of a path that socketPathFor has chosen. Throws UsageError if that fails. */
export function makeFolder(folder: string): void {
  try {
    fs.mkdirSync(folder, { mode: 0o700 }); // fails if somebody else has made it
  } catch (error) {
    throw noSocketFolder([`${folder} (${(error as NodeJS.ErrnoException).code})`]);
  }
}

/** Removes a folder that was made so, with all that is in it, or a socket. */
export function removePlace(place: string): void {
  try {
    fs.rmSync(place, { recursive: true, force: true });
  } catch {
    // A leftover does no harm.
  }
}

/**
 * Removes a dead socket at this path. Throws UsageError if a process listens on it, if it is any other file, or if it
 * can't be looked at.
 */
export async function makeRoomAt(socketPath: string): Promise<void> {
  const folder = path.dirname(socketPath);
  if (!fs.existsSync(folder)) throw socketFolderMissing(socketPath, folder); // Node.js would report EACCES
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
    // ECONNREFUSED: nobody listens. With any other error (a full backlog, no permission) somebody may listen.
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
  if (alive) throw socketInUse(socketPath);
  fs.unlinkSync(socketPath);
}
