/** Where the person is: the folder in which this process was started. A task may go to another one. Internal. */

import path from 'node:path';

/** Undefined where that folder is gone; then no run begins. */
const here = folderNow();

/** Returns a path as the person would write it. */
export function fromHere(file: string): string {
  return path.relative(here ?? '', file);
}

function folderNow(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
