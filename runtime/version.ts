/** Which release of the runtime this is. Internal. */

import fs from 'node:fs';

/** Returns the version of this release; `unreleased` in the repository that makes it. */
export function version(): string {
  try {
    return fs.readFileSync(new URL('VERSION', import.meta.url), 'utf8').trim();
  } catch {
    return 'unreleased';
  }
}
