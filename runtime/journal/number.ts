/**
 * The numbers of runs, which give the order in which they began: the clock may go backwards. Runs in the master.
 * Internal.
 */

import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DivvyError } from '../errors.ts';
import { folderInUse } from './errors.ts';
import { makeJournalFolder, standingsIn } from './folder.ts';
import { Lock, type LockRequest } from './lock.ts';
import type { Standing } from './standing.ts';

/** How long to wait while another run holds the folder, in milliseconds; normally it does for a moment. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 10;

/**
 * Gives a run its number: one more than the highest in the folder. Meanwhile no other run gets one.
 *
 * folder - the folder of the task's journals.
 * needed - false if the run has its journal elsewhere: it then begins even if this folder does not exist or can't be
 *          written.
 * act    - writes the `run` line. It gets the number, and the state of the runs in the folder, the newest first.
 *
 * Rejects with DivvyError with exit code 75 if another run holds the folder for too long, and with errors of fs and
 * `act`.
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
    return act(1, []); // the run has nothing in that folder
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
    // Only the end of our own children is reported, so look again.
    await sleep(LOOK_MS);
  }
}
