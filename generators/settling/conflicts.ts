/** Files that exist and differ from the wanted ones: keep them, overwrite them, ask, or write nothing at all. */

import type { Workshop } from '../change-set/environment.ts';
import { conflicts } from '../change-set/errors.ts';
import { type Change, type Survey, survey, type Wanted } from '../change-set/survey.ts';
import { LOCK } from '../disk/file-names.ts';
import { type Lock, readLock } from '../project/lock.ts';
import type { Call } from '../terminal/command.ts';
import { cancelled, nobodyToAsk } from '../terminal/errors.ts';
import type { Refusal } from '../terminal/refusal.ts';
import { isInteractive } from '../terminal/terminal.ts';
import { settleDirty } from './dirty.ts';
import { unchanged as asItIs, diffOf, isShown, type Previewed } from './preview.ts';

/** How to settle conflicts. `edit`: the person asked for this difference. `show`: a preview, which settles nothing. */
type Settlement = 'ask' | 'skip' | 'overwrite' | 'fail' | 'show' | 'edit';

export interface Settled {
  /** Every wanted file, and what happens to it. */
  readonly preview: readonly Previewed[];
  /** The changes to write. */
  readonly changes: readonly Change[];
  /** Every file that will be there as it was wanted; in a preview also the files in conflict. */
  readonly written: readonly Wanted[];
  /** The paths of changed files that have changes which git does not have. */
  readonly dirty: readonly string[];
}

/** What a command needs for settling. */
export interface Wishes {
  /** The project's folder, as realRoot gives it. */
  readonly root: string;
  /** The host's files that the command edits; a difference in one of them is no conflict. */
  readonly edited: ReadonlySet<string>;
  /** Makes the new lock, once divvy knows which files it will write. */
  readonly lock: (settled: Settled, before: Lock | undefined) => string;
}

/**
 * Compares the whole tree with the disk, and settles every conflict. Then puts the lock into the tree: it says what is
 * written, so it comes last. The lock belongs to divvy, so changing it is no conflict.
 *
 * Rejects with a Refusal: with exit code 3 if a file differs and none may, with 5 if a change would lose work that git
 * does not have.
 */
export async function settleAll(call: Call, wishes: Wishes, { ask, files, put }: Workshop): Promise<Settled> {
  const { root, edited } = wishes;
  const how = settlement(call);
  const settleThose = (isOne: (path: string) => boolean, how: Settlement): Promise<Settled> => {
    const wanted = files().filter(({ path }) => isOne(path));
    return settle(survey(root, wanted), how, call, ask);
  };
  const rendered = join(
    await settleThose((path) => !edited.has(path), how),
    await settleThose((path) => edited.has(path), 'edit'),
  );
  const before = readLock(root);
  put(LOCK, wishes.lock(rendered, before));
  return join(rendered, await settleThose((path) => path === LOCK, before === undefined ? how : 'overwrite'));
}

/**
 * The refusal that a real run would end with after this preview: files differ, nothing says how to settle them, and
 * there is nobody to ask. undefined if a real run would write.
 */
export function whyNotInEarnest(call: Call, { preview }: Settled): Refusal | undefined {
  const inConflict = preview.filter(({ action }) => action === 'conflict').map(({ change }) => change.path);
  return inConflict.length === 0 || isInteractive(call) ? undefined : conflicts(inConflict);
}

/** Whether a file that differs from the wanted one stays as it was. */
export const isKept = ({ preview }: Settled, path: string): boolean =>
  preview.some(({ action, change }) => action === 'skip' && change.path === path);

const join = (a: Settled, b: Settled): Settled => ({
  preview: [...a.preview, ...b.preview],
  changes: [...a.changes, ...b.changes],
  written: [...a.written, ...b.written],
  dirty: [...a.dirty, ...b.dirty],
});

function settlement(call: Call): Settlement {
  const given = call.values['on-conflict'];
  if (isShown(call) && (given === undefined || given === 'ask')) return 'show';
  if (given === 'ask' && !isInteractive(call)) throw nobodyToAsk('--on-conflict');
  return given ?? (isInteractive(call) ? 'ask' : 'fail');
}

async function settle(
  { root, added, differing, unchanged }: Survey,
  how: Settlement,
  call: Call,
  ask: Workshop['ask'],
): Promise<Settled> {
  if (how === 'fail' && differing.length > 0) throw conflicts(differing.map(({ path }) => path));
  const preview: Previewed[] = added.map((change) => ({ action: 'create', change }));
  for (const change of differing) preview.push({ action: await decide(call, change, how, ask), change });
  preview.push(...unchanged.map(asItIs));

  const isChange = ({ action }: Previewed) => action === 'overwrite' || action === 'edit';
  const dirty = await settleDirty(
    call,
    root,
    preview.filter(isChange).map(({ change }) => change),
  );
  return {
    preview,
    changes: preview.filter((each) => each.action === 'create' || isChange(each)).map(({ change }) => change),
    written: preview.filter(({ action }) => action !== 'skip').map(({ change }) => change),
    dirty,
  };
}

async function decide(call: Call, change: Change, how: Settlement, ask: Workshop['ask']): Promise<Previewed['action']> {
  if (how === 'show' || how === 'fail') return 'conflict';
  if (how !== 'ask') return how;
  const answer = await ask({
    type: 'select',
    message: `${change.path} exists and differs. What now?`,
    choices: [
      { value: 'skip', hint: 'keep what is there' },
      { value: 'overwrite', hint: 'take the new one; the old is in .divvy/last' },
      { value: 'diff', hint: 'show how they differ, and ask again' },
      { value: 'cancel', hint: 'write nothing at all' },
    ],
  });
  if (answer === 'cancel') throw cancelled();
  if (answer !== 'diff') return answer === 'overwrite' ? 'overwrite' : 'skip';
  call.terminal.show(diffOf([{ action: 'overwrite', change }]));
  return decide(call, change, how, ask);
}
