/** The workers of killed masters, if this process can see them. Runs in the master. Internal. */

import { DivvyError } from '../errors.ts';
import { isInUse } from './folder.ts';
import { canLookInto } from './processes.ts';
import { readJournal } from './reading.ts';
import type { JournalRecord, ProcessName } from './records.ts';
import type { Standing } from './standing.ts';

/** Collects the workers that a journal leaves behind, while it is read. */
export class Orphans {
  readonly #workers = new Map<number, ProcessName>();
  #isHere = false;

  see(record: JournalRecord): void {
    if (record.type === 'run') this.#isHere = canLookInto(record);
    // In another place the process id belongs to another process; with --take-over the user has said that none is left
    // there.
    else if (record.type === 'worker' && this.#isHere) this.#workers.set(record.pid, record);
    else if (record.type === 'exit' && record.inOrder) this.#workers.delete(record.pid);
    else if (record.type === 'end') this.#workers.clear();
  }

  get workers(): ProcessName[] {
    return [...this.#workers.values()];
  }
}

/** Returns the workers of runs that were killed before any item had an outcome. Such runs are never resumed. */
export function orphansWithoutOutcomes(standings: readonly Standing[]): ProcessName[] {
  return standings
    .filter(({ file, hasOutcomes }) => !hasOutcomes && !isInUse(file))
    .flatMap(({ file }) => {
      const orphans = new Orphans();
      try {
        readJournal(file, (record) => orphans.see(record));
      } catch (error) {
        // It is damaged, or another run has removed it to make room.
        if (!(error instanceof DivvyError) && (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
      return orphans.workers;
    });
}
