/** The user's folder: the one in which this process was started. A task may change to another one. Internal. */

import path from 'node:path';

/** Undefined if that folder is gone; then no run begins. */
export const here: string | undefined = folderNow();

/** Returns a path as the user would write it, here or in a folder to which a command changes first. */
export function fromHere(file: string, folder: string = here ?? ''): string {
  return path.relative(folder, file);
}

function folderNow(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
