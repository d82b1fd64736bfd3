/** Where the person is: the folder in which this process was started. A task may go to another one. Internal. */

import path from 'node:path';

/** Undefined where that folder is gone; then no run begins. */
export const here: string | undefined = folderNow();

/** Returns a path as the person would write it, here or in a folder to which a command goes first. */
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
