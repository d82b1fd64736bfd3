/** Tells whether two streams lead to one place, as stdout and stderr often do. Runs in the master. Internal. */

import fs from 'node:fs';
import type { Writable } from 'node:stream';

/** A stream as far as it says where it leads. */
type Leading = Writable & { readonly isTTY?: boolean; readonly fd?: unknown };

/** What `/dev/tty` is on Linux: whichever terminal the process has. */
const OWN_TERMINAL = 0x500n;

/** Returns whether both streams are one terminal; if nobody can tell, whether both are terminals. */
export function isSameTerminal(one: Leading, other: Leading): boolean {
  if (!one.isTTY || !other.isTTY) return false;
  const [device, second] = [one, other].map((stream) => statsOf(stream)?.rdev ?? OWN_TERMINAL);
  return device === second || device === OWN_TERMINAL || second === OWN_TERMINAL;
}

/** Returns whether both streams lead to one terminal, file or pipe; of the last two, if nobody can tell, they do not. */
export function isSamePlace(one: Leading, other: Leading): boolean {
  if (one.isTTY || other.isTTY) return isSameTerminal(one, other);
  const [first, second] = [one, other].map(statsOf);
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino;
}

function statsOf({ fd }: Leading): fs.BigIntStats | undefined {
  try {
    return typeof fd === 'number' ? fs.fstatSync(fd, { bigint: true }) : undefined;
  } catch {
    return undefined; // it is closed
  }
}
