/**
 * A lock: a file that names the process which holds it. A journal has one, and so have the same run (run-lock.ts) and, for a moment,
 * the folder of a task's journals (number.ts). Runs in the master. Internal.
 */

import fs from 'node:fs';
import type { DivvyError } from '../errors.ts';
import { canLookInto, lives, placeHere, startOf } from './processes.ts';
import type { Place, ProcessName } from './records.ts';

/** Who holds a lock, and since when. */
export interface Holder extends ProcessName, Place {
  /** When it took the lock, as ISO 8601 says it: for people. */
  readonly at: string;
}

/** How a lock is asked for. */
export interface LockRequest {
  /** Take a lock whose holder cannot be looked into, too: the person knows that its run has ended. */
  readonly takeOver: boolean;
  /** Words the refusal; `known`: the holder lives, and not just may live. */
  refuse(holder: Holder, known: boolean): DivvyError;
}

/** Locks that this process holds. A task may end the process in the middle of a run. */
const held = new Set<Lock>();
const releaseAll = (): void => {
  for (const lock of held) lock.release();
};

/** A lock that this process holds. */
export class Lock {
  readonly #file: string;
  readonly #text: string;

  /**
   * Takes the lock; it appears whole, by link(). The lock of a process that is gone is nobody's, and is removed. Only one of
   * those that find it so may do that: a second would remove what the first has taken.
   *
   *   - The right to remove a dead lock is a file too, called after that very lock. Whoever makes it has the right; where that
   *     process is gone, whoever makes the next one.
   *   - Whoever has the right removes the lock if it is still that one, and then the rights to it.
   *
   * So nobody waits: a lock, or a right, whose process lives, even suspended, is refused at once.
   *
   * Throws what `refuse` words, and what fs throws.
   */
  constructor(file: string, request: LockRequest) {
    this.#file = file;
    const self: Holder = {
      pid: process.pid,
      started: startOf(process.pid) ?? '',
      ...placeHere(),
      at: new Date().toISOString(),
    };
    this.#text = JSON.stringify(self);
    while (!claim(file, this.#text)) {
      const free = lookAtFree(file, request);
      if (!free) continue; // it has been released meanwhile
      const rights = [`${file}.${free.id}.1`];
      while (!claim(rights.at(-1) ?? '', this.#text)) {
        if (lookAtFree(rights.at(-1) ?? '', request)) rights.push(`${file}.${free.id}.${rights.length + 1}`);
      }
      try {
        if (lookAtFree(file, request)?.id === free.id) fs.rmSync(file, { force: true });
      } finally {
        for (const right of rights) fs.rmSync(right, { force: true });
      }
    }
    if (held.size === 0) process.on('exit', releaseAll);
    held.add(this);
  }

  /** Lets go of it. One that somebody has taken over meanwhile is theirs. */
  release(): void {
    if (!held.delete(this)) return;
    if (held.size === 0) process.off('exit', releaseAll);
    try {
      if (fs.readFileSync(this.#file, 'utf8') === this.#text) fs.rmSync(this.#file, { force: true });
    } catch {
      // A lock that stays is nobody's.
    }
  }
}

/** Returns who holds the lock, and lives, or may live; undefined where it is free. */
export function holderOf(file: string): Holder | undefined {
  const holder = lookAt(file)?.holder;
  return holder && (!canLookInto(holder) || lives(holder)) ? holder : undefined;
}

/** Returns whether the lock has become this process's. */
function claim(lock: string, text: string): boolean {
  // Another host or container may have a process of the same id.
  const whole = `${lock}.${process.pid}-${Math.random().toString(36).slice(2, 10)}`;
  try {
    fs.writeFileSync(whole, text, { mode: 0o600 });
    fs.linkSync(whole, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  } finally {
    fs.rmSync(whole, { force: true });
  }
}

interface Found {
  /** Tells this lock from any other that is, or was, at the same path. */
  readonly id: string;
  /** Undefined where that cannot be read: what a power cut may leave of a lock. */
  readonly holder: Holder | undefined;
}

/** Returns the lock; undefined where there is none. */
function lookAt(lock: string): Found | undefined {
  let descriptor: number;
  try {
    descriptor = fs.openSync(lock, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
  try {
    const { ino, mtimeNs } = fs.fstatSync(descriptor, { bigint: true });
    return { id: `${ino}-${mtimeNs}`, holder: holderIn(fs.readFileSync(descriptor, 'utf8')) };
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Likewise. Throws the refusal where its holder lives, or may live and is not to be taken over. */
function lookAtFree(lock: string, { takeOver, refuse }: LockRequest): Found | undefined {
  const found = lookAt(lock);
  if (!found?.holder) return found;
  const known = canLookInto(found.holder);
  if (known ? lives(found.holder) : !takeOver) throw refuse(found.holder, known);
  return found;
}

function holderIn(text: string): Holder | undefined {
  try {
    const holder = Object(JSON.parse(text)) as { [Key in keyof Holder]?: unknown };
    const fits =
      Number.isSafeInteger(holder.pid) && typeof holder.started === 'string' && typeof holder.host === 'string';
    return fits ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}
