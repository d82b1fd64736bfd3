/** `~`, which a shell replaces only where it is not quoted, and nobody does where a question is answered. */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { homeOfAnother } from './errors.ts';

/**
 * A path in which `~` at its front is the home folder, as its author meant it. A folder that is called so is `./~`.
 *
 * Throws a Refusal with exit code 2 for the home of somebody else, which only a shell knows.
 */
export function withHome(path: string): string {
  const reason = whyNoHome(path);
  if (reason !== undefined) throw homeOfAnother(path, reason);
  return /^~(?=$|[\\/])/.test(path) ? join(homedir(), path.slice(1)) : path;
}

/** Why it is not known what folder is meant; undefined where it is. */
export const whyNoHome = (path: string): string | undefined =>
  /^~[^\\/]/.test(path) ? 'only a shell knows whose home that is' : undefined;
