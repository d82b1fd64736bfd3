/**
 * The run lock: the same run (same task file, same arguments) can go on only once at a time, even without a journal.
 * Runs in the master. Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { DivvyError } from '../errors.ts';
import { runInUse } from './errors.ts';
import { journalFolder, makeJournalFolder, pathInProject } from './folder.ts';
import { Lock } from './lock.ts';

/** How often to make the folder again when another run, on its end, has removed it as empty. */
const ATTEMPTS = 5;

/** A run lock that is held. */
export interface RunLock {
  release(): void;
}

/**
 * Takes the lock.
 *
 * args - those by which runs differ.
 *
 * Throws DivvyError with exit code 75 if the same run goes on, or may go on. Also throws errors of fs.
 */
export function takeRunLock(taskFile: string, args: readonly string[], takeOver: boolean): RunLock {
  const folder = journalFolder(taskFile);
  const lock = takeIn(folder, `${nameOf(JSON.stringify([pathInProject(taskFile), args]))}.lock`, takeOver);
  return {
    release() {
      lock.release();
      // Without a journal, leave nothing behind.
      removeIfEmpty(folder, []);
      removeIfEmpty(path.dirname(folder), ['.gitignore']);
    },
  };
}

/**
 * FNV-1a with 64 bits, as 16 hex digits: loading node:crypto for a name would delay the first item by some
 * milliseconds.
 */
function nameOf(text: string): string {
  let sum = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  return sum.toString(16).padStart(16, '0');
}

function takeIn(folder: string, name: string, takeOver: boolean): Lock {
  for (let attempt = 1; ; attempt++) {
    try {
      makeJournalFolder(folder);
      return new Lock(path.join(folder, name), { takeOver, refuse: runInUse });
    } catch (error) {
      const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (error instanceof DivvyError || !gone || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Removes a folder that contains nothing but these files. */
function removeIfEmpty(folder: string, but: readonly string[]): void {
  try {
    if (fs.readdirSync(folder).some((name) => !but.includes(name))) return;
    for (const name of but) fs.rmSync(path.join(folder, name), { force: true });
    fs.rmdirSync(folder);
  } catch {
    // Somebody else needs it, or it can't be removed: that does no harm.
  }
}
