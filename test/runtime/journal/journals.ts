/** Opens journals as a run does, in this process and without a run. */

import { findEarlier } from '../../../runtime/journal/find.ts';
import type { EndedRun } from '../../../runtime/journal/ledger.ts';
import { type JournalRequest, type OpenedJournal, openJournal } from '../../../runtime/journal/open.ts';

/** What a run wants of its journal; what is left out is what a run has that is given nothing. */
export type RunRequest = Partial<JournalRequest> &
  Omit<
    JournalRequest,
    'found' | 'control' | 'hasCursor' | 'hasOwnKeys' | 'options' | 'takenOver' | 'takeOver' | 'errorText'
  >;

/** Items that have ended, with these keys: what a journal is told. */
export function endedRun(number: number, keys: string | readonly string[], occurrence = 1): EndedRun {
  const payloads = [keys].flat().map((key) => ({ key, occurrence }));
  return { number, starts: 1, worker: 1, crashes: 0, durationMs: 7, payloads };
}

/** Finds the run to go on with, and opens its journal, or a new one. */
export async function openRun(request: RunRequest): Promise<OpenedJournal> {
  const nothing = { options: {}, takenOver: { args: [], optionWords: [] } };
  const defaults = {
    ...nothing,
    control: '/nowhere/control.sock',
    hasCursor: false,
    hasOwnKeys: false,
    takeOver: false,
    errorText: undefined,
  };
  const found = findEarlier({ ...defaults, ...request });
  return openJournal({ ...defaults, ...request, args: found.args, found });
}
