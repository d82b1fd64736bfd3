/** Opens journals as a run does, in this process and without a run. */

import { findEarlier } from '../../../runtime/journal/find.ts';
import { type JournalRequest, type OpenedJournal, openJournal } from '../../../runtime/journal/open.ts';

/** What a run wants of its journal; what is left out is what a run has that is given nothing. */
export type RunRequest = Omit<JournalRequest, 'found' | 'options' | 'takenOver' | 'takeOver'> & Partial<JournalRequest>;

/** Finds the run to go on with, and opens its journal, or a new one. */
export async function openRun(request: RunRequest): Promise<OpenedJournal> {
  const found = findEarlier(request);
  const defaults = { options: {}, takenOver: { args: [], optionWords: [] }, takeOver: false };
  return openJournal({ ...defaults, ...request, args: found.args, found });
}
