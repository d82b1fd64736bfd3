/** The workers of masters that were killed, as far as they can be looked for from here. Runs in the master. Internal. */

import { DivvyError } from '../errors.ts';
import { isInUse } from './folder.ts';
import { canLookInto } from './processes.ts';
import { type JournalRecord, type ProcessName, readJournal } from './records.ts';
import type { Standing } from './standing.ts';

/** Gathers the workers that a journal leaves, while it is read. */
export class Orphans {
  readonly #workers = new Map<number, ProcessName>();
  #isHere = false;

  see(record: JournalRecord): void {
    if (record.type === 'run') this.#isHere = canLookInto(record);
    // Elsewhere a process id is somebody else's: --take-over says that nobody is left there.
    else if (record.type === 'worker' && this.#isHere) this.#workers.set(record.pid, record);
    else if (record.type === 'worker exited') this.#workers.delete(record.pid);
    else if (record.type === 'end') this.#workers.clear();
  }

  get workers(): ProcessName[] {
    return [...this.#workers.values()];
  }
}

/** Returns the workers of those runs which were killed before any item had an outcome: no resume goes on with these. */
export function orphansWithoutOutcomes(standings: readonly Standing[]): ProcessName[] {
  return standings
    .filter(({ file, hasOutcomes }) => !hasOutcomes && !isInUse(file))
    .flatMap(({ file }) => {
      const orphans = new Orphans();
      try {
        readJournal(file, (record) => orphans.see(record));
      } catch (error) {
        // It is damaged, or another run has made room for its own.
        if (!(error instanceof DivvyError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      return orphans.workers;
    });
}
