/** A folder that nobody else can look into, while something is fetched. */

import { type Dirent, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { LIMITS } from './gathering.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const LOOK_EVERY_MS = 200;

/** A folder, and a signal that is aborted when its contents exceed LIMITS. */
export interface PrivateFolder {
  readonly path: string;
  readonly isTooLarge: AbortSignal;
}

/** Runs `act` with a new folder, and removes the folder afterwards, even if a signal ends this process. */
export async function inPrivateFolder<Result>(act: (folder: PrivateFolder) => Promise<Result>): Promise<Result> {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'divvy-source-')));
  // Its contents may be read-only, and on Windows they may be in use for a moment.
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  const end = (signal: NodeJS.Signals) => {
    remove();
    for (const name of ENDING) process.off(name, end);
    process.kill(process.pid, signal);
  };
  for (const name of ENDING) process.on(name, end);
  const tooLarge = new AbortController();
  const watch = setInterval(() => {
    if (sizeOf(path) > LIMITS.fetchedBytes) tooLarge.abort();
  }, LOOK_EVERY_MS);
  try {
    return await act({ path, isTooLarge: tooLarge.signal });
  } finally {
    clearInterval(watch);
    for (const name of ENDING) process.off(name, end);
    remove();
  }
}

/** The size of all files below a folder; files that disappear meanwhile do not count. */
function sizeOf(folder: string): number {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return 0; // It disappeared just now.
  }
  return entries.reduce((size, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return size + sizeOf(path);
    return entry.isFile() ? size + (stat(path)?.size ?? 0) : size;
  }, 0);
}
