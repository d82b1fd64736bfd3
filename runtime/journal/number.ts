/** The numbers of runs, which say in which order they began: the clock may go backwards. Runs in the master. Internal. */

import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DivvyError, folderInUse } from '../errors.ts';
import { makeJournalFolder, standingsIn } from './folder.ts';
import { Lock, type LockRequest } from './lock.ts';
import type { Standing } from './standing.ts';

/** How long another run may hold the folder, in milliseconds: it does for a moment. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 10;

/**
 * Gives a run its number, which is one more than the highest in the folder. Meanwhile no other run is given one.
 *
 * folder - of the task's journals.
 * needed - false: the run has its journal elsewhere, and begins also where there is no such folder, or it cannot be written.
 * act    - writes the `run` line. It is told the number, and how the runs in the folder stand, the newest first.
 *
 * Rejects with DivvyError with exit code 75 where another run holds the folder for too long, and with what fs and `act` throw.
 */
export async function numbered<T>(
  folder: string,
  { takeOver, needed }: { takeOver: boolean; needed: boolean },
  act: (number: number, standings: readonly Standing[]) => T | Promise<T>,
): Promise<T> {
  if (!needed && !fs.existsSync(folder)) return act(1, []);
  let lock: Lock | undefined;
  let standings: readonly Standing[] = [];
  try {
    lock = await lockFolder(folder, takeOver);
    standings = standingsIn(folder);
  } catch (error) {
    lock?.release();
    if (needed) throw error;
    return act(1, []); // nothing of it is in that folder
  }
  try {
    return await act((standings[0]?.number ?? 0) + 1, standings);
  } finally {
    lock.release();
  }
}

async function lockFolder(folder: string, takeOver: boolean): Promise<Lock> {
  makeJournalFolder(folder);
  let isKnown = true;
  const refuse: LockRequest['refuse'] = (holder, known) => {
    isKnown = known;
    return folderInUse(folder)(holder, known);
  };
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    try {
      return new Lock(path.join(folder, 'folder.lock'), { takeOver, refuse });
    } catch (error) {
      if (!(error instanceof DivvyError) || !isKnown || performance.now() > end) throw error;
    }
    // Nobody tells of the end of a process that is not ours.
    await sleep(LOOK_MS);
  }
}
