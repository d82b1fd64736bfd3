/** Versions, and ranges of them. Only this file uses semver. */

import leastIn from 'semver/functions/coerce.js';
import compare from 'semver/functions/compare.js';
import satisfies from 'semver/functions/satisfies.js';
import valid from 'semver/functions/valid.js';
import intersects from 'semver/ranges/intersects.js';
import validRange from 'semver/ranges/valid.js';

export const isVersion = (text: string): boolean => valid(text) !== null;

export const isRange = (text: string): boolean => validRange(text) !== null;

/** Whether one version is newer than another. */
export const isNewer = (version: string, than: string): boolean => compare(version, than) > 0;

/** Whether a version is in a range; one before a release counts as that release. */
export const isIn = (version: string, range: string): boolean => satisfies(version, range, { includePrerelease: true });

/** Whether some version is in both ranges. */
export const doMeet = (one: string, other: string): boolean => intersects(one, other);

/** What a file such as .nvmrc asks for, as a version: `22` and `22.x` are the newest 22. undefined if it names none. */
export function versionAskedFor(text: string): string | undefined {
  if (!/^v?\d/.test(text)) return undefined;
  const [, major] = /^v?(\d+)(?:\.[x*])*$/i.exec(text) ?? [];
  return leastIn(major === undefined ? text : `${major}.999.0`)?.version;
}
