/**
 * The failed items of a task's last run, from its journal. Runs in its own process, beside that of the run. Internal.
 */

import { readJournal } from '../journal/reading.ts';
import { type FailedRecord, itemName, keysOf } from '../journal/records.ts';
import { Tally } from '../journal/tally.ts';
import { chainOf, detailsOf, itemLabel } from '../text/failures.ts';
import { visible } from '../text/shell.ts';
import { grouped, plural } from '../text/words.ts';
import { commandsToGoOn, type Status } from './status.ts';

/** How many failed items are shown to people. */
const SHOWN_MAX = 1000;

/**
 * Passes each item that has failed to `each`, in the order in which they failed. An outcome of `--retry-failed` replaces
 * the failure before it. Throws DivvyError if the journal can't be read.
 */
function failuresIn(journal: string, each: (failed: FailedRecord, keys: 'own' | 'hashed') => void): void {
  /** By item: how many of its failures a retry has replaced. */
  const replaced = new Map<string, number>();
  const count = (name: string, by: number): void => void replaced.set(name, (replaced.get(name) ?? 0) + by);
  const tally = new Tally(({ retried }) => {
    if (retried !== undefined) count(retried, -1);
  });
  readJournal(journal, (record) => {
    tally.see(record);
    if (!tally.isRetry || (record.type !== 'done' && record.type !== 'failed')) return;
    const keys = 'keys' in record ? record.keys : [record.key];
    for (const [index, key] of keys.entries()) {
      const name = itemName(key, record.occurrence, 'keys' in record ? record.places?.[index] : record.place);
      count(name, 1);
    }
  });
  let keys: 'own' | 'hashed' = 'own';
  readJournal(journal, (record) => {
    if (record.type === 'run') keys = keysOf(record);
    if (record.type !== 'failed') return;
    const name = itemName(record.key, record.occurrence, record.place);
    const left = replaced.get(name) ?? 0;
    if (left === 0) each(record, keys);
    else replaced.set(name, left - 1);
  });
}

/** Writes the failed items of a run, a line of JSON each, or in words for people. */
export function showFailures(status: Status, taskFile: string, json: boolean): void {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  let count = 0;
  failuresIn(status.journal, (failed, keys) => {
    count += 1;
    if (json) say(JSON.stringify(failed));
    else if (count <= SHOWN_MAX) for (const line of wordsFor(failed, keys)) say(line);
  });
  if (json) return;
  if (count === 0) say(`${status.runId}: no item has failed`);
  else {
    const more = count > SHOWN_MAX ? `. Shown: the first ${grouped(SHOWN_MAX)}. All of them: --json` : '';
    say(`${status.runId}: ${plural(count, 'item')} failed${more}`);
    for (const line of commandsToGoOn(status, taskFile)) say(line);
  }
}

function wordsFor({ number, key, attempts, error }: FailedRecord, keys: 'own' | 'hashed'): string[] {
  const tries = attempts > 1 ? ` after ${plural(attempts, 'attempt')}` : '';
  return [`${itemLabel(number, key, keys)} failed${tries}: ${chainOf(error)}`, ...detailsOf(error, false)].map(visible);
}
