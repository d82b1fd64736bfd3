/** A folder that nobody else can look into, for as long as something is fetched. */

import { type Dirent, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { LIMITS } from './gathering.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const LOOK_EVERY_MS = 200;

/** A folder, and a signal that is aborted once what is in it is larger than LIMITS allow. */
export interface PrivateFolder {
  readonly path: string;
  readonly isTooLarge: AbortSignal;
}

/** Does something with a folder that is there for nothing else, and is gone afterwards, also where a signal ends this. */
export async function inPrivateFolder<Result>(act: (folder: PrivateFolder) => Promise<Result>): Promise<Result> {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'divvy-source-')));
  // What is made in it may be read-only, and on Windows be in use for a moment.
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

/** Of all files below a folder; what goes meanwhile counts nothing. */
function sizeOf(folder: string): number {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return 0; // It was there a moment ago.
  }
  return entries.reduce((size, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return size + sizeOf(path);
    return entry.isFile() ? size + (stat(path)?.size ?? 0) : size;
  }, 0);
}
