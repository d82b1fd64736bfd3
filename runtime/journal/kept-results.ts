/**
 * Which lines of a file of results belong to items that are done, by the places in the journal. Runs in the master.
 * Internal.
 *
 * A journal may have several runs: the first one, and one for each resume. A resume cuts the file where the last line of a
 * done item ends, and its `run` line says where that was. So of the runs before it, what the journal has behind that place
 * does not count any more: those items are done again.
 */

import { readJournal, readLines } from './reading.ts';
import { parse } from './records.ts';

const RUN = Buffer.from('{"type":"run",');

/** What a journal says of the lines in the file. */
export interface KeptResults {
  /** The lines of items that are done come to so many bytes, from the beginning of the file. */
  readonly bytes: number;
  /** For each `run` line, how far its results still count: behind that, they are not in the file, or were cut off. */
  readonly bounds: readonly number[];
  /** The last of those lines: where it begins, and of which item it is. */
  readonly last: { readonly from: number; readonly key: string; readonly number: number } | undefined;
  /** How many items are done, but have no line in the file any more. */
  readonly missing: number;
  /** How many records are of items that a later run did again, since their lines were missing then. */
  readonly replaced: number;
  /** How many items are done, but were never to have a line: their run had no results. */
  readonly without: number;
  /** Which file lines were last written to (append-file.ts); undefined if none were. */
  readonly identity: string | undefined;
}

/** Reads a journal, for a file of results of `size` bytes. Throws DivvyError if a line is damaged, and errors of fs. */
export function keptResults(journal: string, size: number): KeptResults {
  const later = laterThan(beginningsIn(journal));
  const bounds = later.map((began) => Math.min(size, began));
  let run = -1;
  let bytes = 0;
  let [missing, replaced, without] = [0, 0, 0];
  let identity: string | undefined;
  let last: KeptResults['last'];
  readJournal(journal, (record) => {
    if (record.type === 'run') run += 1;
    else if (record.type === 'results') identity = record.identity;
    else if (record.type === 'done') {
      const { keys, number, results } = record;
      if (results === undefined) without += keys.length;
      else if (results > (later[run] ?? 0)) replaced += 1;
      else if (results > size) missing += 1;
      else {
        last = { from: bytes, key: keys[0] ?? '', number };
        bytes = results;
      }
    }
  });
  return { bytes, bounds, last, missing, replaced, without, identity };
}

/** Returns for each run the least that a later one began with. */
function laterThan(began: readonly number[]): number[] {
  let least = Infinity;
  return began
    .toReversed()
    .map((each) => {
      const before = least;
      least = Math.min(least, each);
      return before;
    })
    .toReversed();
}

/** Returns for each `run` line how much of the file of results was kept then. */
function beginningsIn(journal: string): number[] {
  const began: number[] = [];
  let line = 0;
  readLines(journal, (bytes, from, end) => {
    line += 1;
    if (!bytes.subarray(from, from + RUN.length).equals(RUN)) return true;
    const record = parse(bytes.toString('utf8', from, end), journal, line);
    if (record?.type === 'run') began.push(record.results ?? 0);
    return true;
  });
  return began;
}
