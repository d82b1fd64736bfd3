/** `~`: a shell replaces it only where it is not quoted, and nothing replaces it in the answer to a question. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { homeOfAnother } from './errors.ts';

/**
 * Replaces a leading `~` with the home folder. For a folder whose name really is `~`, write `./~`.
 *
 * Throws a Refusal with exit code 2 for somebody else's home (`~name`), which only a shell knows.
 */
export function withHome(path: string): string {
  const reason = whyNoHome(path);
  if (reason !== undefined) throw homeOfAnother(path, reason);
  return /^~(?=$|[\\/])/.test(path) ? join(homedir(), path.slice(1)) : path;
}

/** Why divvy cannot tell which folder is meant; undefined if it can. */
export const whyNoHome = (path: string): string | undefined =>
  /^~[^\\/]/.test(path) ? 'only a shell knows whose home that is' : undefined;
