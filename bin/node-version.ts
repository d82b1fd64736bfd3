/**
 * Both commands do this first: they say so if this Node.js is too old.
 *
 * This file imports nothing, and the two commands import only this file at first. None of them uses syntax newer than
 * ES2020, so that an old Node.js gets as far as the message.
 */

/** The same range as `engines.node` in package.json. */
const NEEDED = '^22.18 || ^24.11 || >=26';

/** Whether divvy runs on this version of Node.js, such as `22.18.0`. */
export function isSupported(version: string): boolean {
  const parts = version.split('.');
  const major = Number(parts[0]);
  const minor = Number(parts[1]);
  return (major === 22 && minor >= 18) || (major === 24 && minor >= 11) || major >= 26;
}

/** The message on stderr if it does not: the present version, the needed one, and how to get it. */
export function whatIsNeeded(command: string, version: string): string {
  return (
    `${command}: this is Node.js ${version}; it needs ${NEEDED}.\n` +
    `With a newer one, for this once:\n` +
    `  npx -p node@24 -p create-divvy-task ${command} …\n`
  );
}
