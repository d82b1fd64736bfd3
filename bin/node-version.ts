/**
 * The first thing that either command does: say so where this Node.js is too old.
 *
 * This file and the two commands import nothing, and use no syntax newer than ES2020, so that an old Node.js gets as
 * far as the message.
 */

/** As `engines.node` in package.json. */
const NEEDED = '^22.18 || ^24.11 || >=26';

/** Whether a Node.js of this version, such as `22.18.0`, is one that divvy runs on. */
export function isSupported(version: string): boolean {
  const parts = version.split('.');
  const major = Number(parts[0]);
  const minor = Number(parts[1]);
  return (major === 22 && minor >= 18) || (major === 24 && minor >= 11) || major >= 26;
}

/** What to say, on stderr, where it is not: which runs, which is needed, and how to get it. */
export function whatIsNeeded(command: string, version: string): string {
  return (
    `${command}: this is Node.js ${version}; it needs ${NEEDED}.\n` +
    `With a newer one, for this once:\n` +
    `  npx -p node@24 -p create-divvy-task ${command} …\n`
  );
}
