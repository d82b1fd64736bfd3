/**
 * A lock: a file that names the process which holds it. Locks protect a journal, a run (run-lock.ts) and, for a moment,
 * the folder of a task's journals (number.ts). Runs in the master. Internal.
 */

import fs from 'node:fs';
import type { DivvyError } from '../errors.ts';
import { canLookInto, lives, machineHere, startOf } from './processes.ts';
import type { Machine, ProcessName } from './records.ts';

/** Who holds a lock, and since when. */
export interface Holder extends ProcessName, Machine {
  /** When it took the lock, in ISO 8601: for people to read. */
  readonly at: string;
}

/** How to ask for a lock. */
export interface LockRequest {
  /** Also take a lock whose holder can't be checked from here: the user knows that its run has ended. */
  readonly takeOver: boolean;
  /** Makes the error for a refusal; `known` is true if the holder is alive, false if it only may be. */
  refuse(holder: Holder, known: boolean): DivvyError;
}

/** Locks that this process holds, to be released even if the task ends the process in the middle of a run. */
const held = new Set<Lock>();
const releaseAll = (): void => {
  for (const lock of held) lock.release();
};

/** A lock that this process holds. */
export class Lock {
  readonly #file: string;
  readonly #text: string;

  /**
   * Takes the lock. link() makes it appear complete. The lock of a dead process belongs to nobody and is removed.
   * Several processes may find it dead, but only one of them may remove it: a second one would remove the lock that the
   * first has just taken.
   *
   *   - The right to remove a dead lock is a file, too, named after that very lock. The process that makes it has the
   *     right; if that process dies, the one that makes the next file has it.
   *   - The process with the right removes the lock if it is still the same one, and then the files of the rights.
   *
   * So nobody waits: if the process of a lock or of a right is alive, even suspended, the request is refused at once.
   *
   * Throws the error that `refuse` makes, and errors of fs.
   */
  constructor(file: string, request: LockRequest) {
    this.#file = file;
    const self: Holder = {
      pid: process.pid,
      started: startOf(process.pid) ?? '',
      ...machineHere(),
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

  /** Releases the lock. If somebody has taken it over meanwhile, leaves it to them. */
  release(): void {
    if (!held.delete(this)) return;
    if (held.size === 0) process.off('exit', releaseAll);
    try {
      if (fs.readFileSync(this.#file, 'utf8') === this.#text) fs.rmSync(this.#file, { force: true });
    } catch {
      // The lock stays, but its process will be dead, so it belongs to nobody.
    }
  }
}

/** Returns the holder of the lock if it is alive, or may be; undefined if the lock is free. */
export function holderOf(file: string): Holder | undefined {
  const holder = lookAt(file)?.holder;
  return holder && (!canLookInto(holder) || lives(holder)) ? holder : undefined;
}

/** Returns whether this process got the lock. */
function claim(lock: string, text: string): boolean {
  // Another host or container may have a process with the same id.
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
  /** Tells this lock from any other one that is, or was, at the same path. */
  readonly id: string;
  /** Undefined if it can't be read: a power cut may leave a broken lock. */
  readonly holder: Holder | undefined;
}

/** Returns the lock; undefined if there is none. */
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

/** Returns the same as lookAt. Throws the refusal if the holder is alive, or may be and must not be taken over. */
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
