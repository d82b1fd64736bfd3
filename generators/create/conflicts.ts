/** Files that exist and differ: kept, overwritten, asked about, or the reason to write nothing at all. */

import { type Change, type Survey, survey, type Wanted } from '../change-set/survey.ts';
import type { Call } from '../command.ts';
import { settleDirty } from '../dirty.ts';
import type { Workshop } from '../environment.ts';
import { cancelled, conflicts, nobodyToAsk } from '../errors.ts';
import { type Edited, LOCK, lockText, readLock } from '../lock.ts';
import { unchanged as asItIs, type Previewed } from '../preview.ts';
import { isInteractive } from '../terminal.ts';
import type { Answers } from './answers.ts';

/** How conflicts are settled; `show` is for a preview, which settles none. */
type Settlement = 'ask' | 'skip' | 'overwrite' | 'fail' | 'show';

export interface Settled {
  /** Every file that was wanted, and what becomes of it. */
  readonly preview: readonly Previewed[];
  /** What is to be written. */
  readonly changes: readonly Change[];
  /** Every file that afterwards is there as it was wanted; in a preview also those that are in conflict. */
  readonly written: readonly Wanted[];
}

/**
 * Holds the whole tree against the disk, and settles every conflict. The lock is put into the tree here: it says what is
 * written, so it comes last, and it is divvy's own to change.
 *
 * edited  - what the hooks have put into the task.
 * isShown - a conflict is shown, and not settled.
 */
export async function settleAll(
  call: Call,
  answers: Answers,
  edited: Edited | undefined,
  isShown: boolean,
  { ask, files, put }: Workshop,
): Promise<Settled> {
  const how = settlement(call, isShown);
  const rendered = await settle(survey(answers.root, files()), how, call, ask);
  const before = readLock(answers.root);
  put(LOCK, lockText({ ...answers, edited }, rendered.written, before));
  const lock = survey(
    answers.root,
    files().filter(({ path }) => path === LOCK),
  );
  const locked = await settle(lock, before === undefined ? how : 'overwrite', call, ask);
  return {
    preview: [...rendered.preview, ...locked.preview],
    changes: [...rendered.changes, ...locked.changes],
    written: [...rendered.written, ...locked.written],
  };
}

function settlement(call: Call, isShown: boolean): Settlement {
  const given = call.values['on-conflict'];
  if (isShown && (given === undefined || given === 'ask')) return 'show';
  if (given === 'ask' && !isInteractive(call)) throw nobodyToAsk('--on-conflict');
  return given ?? (isInteractive(call) ? 'ask' : 'fail');
}

/** Throws a Refusal: exit code 3 where a file differs and `how` is `fail`, 5 where it would be lost to git, too. */
async function settle(
  { root, added, differing, unchanged }: Survey,
  how: Settlement,
  call: Call,
  ask: Workshop['ask'],
): Promise<Settled> {
  if (how === 'fail' && differing.length > 0) throw conflicts(differing.map(({ path }) => path));
  const preview: Previewed[] = added.map((change) => ({ action: 'create', change }));
  for (const change of differing) preview.push({ action: await decide(change, how, ask), change });
  preview.push(...unchanged.map(asItIs));

  const overwritten = preview.filter(({ action }) => action === 'overwrite').map(({ change }) => change);
  await settleDirty(call, root, overwritten);
  return {
    preview,
    changes: preview.filter(({ action }) => action === 'create' || action === 'overwrite').map(({ change }) => change),
    written: preview.filter(({ action }) => action !== 'skip').map(({ change }) => change),
  };
}

async function decide({ path }: Change, how: Settlement, ask: Workshop['ask']): Promise<Previewed['action']> {
  if (how === 'show' || how === 'fail') return 'conflict';
  if (how !== 'ask') return how;
  const answer = await ask({
    type: 'select',
    message: `${path} exists and differs. What now?`,
    choices: [
      { value: 'skip', hint: 'keep what is there' },
      { value: 'overwrite', hint: 'take the new one; the old is in .divvy/last' },
      { value: 'cancel', hint: 'write nothing at all' },
    ],
  });
  if (answer === 'cancel') throw cancelled();
  return answer === 'overwrite' ? 'overwrite' : 'skip';
}
