/** Files that exist and differ: kept, overwritten, asked about, or the reason to write nothing at all. */

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

/** How conflicts are settled; `edit` where the difference is what was asked for, `show` for a preview, which settles none. */
type Settlement = 'ask' | 'skip' | 'overwrite' | 'fail' | 'show' | 'edit';

export interface Settled {
  /** Every file that was wanted, and what becomes of it. */
  readonly preview: readonly Previewed[];
  /** What is to be written. */
  readonly changes: readonly Change[];
  /** Every file that afterwards is there as it was wanted; in a preview also those that are in conflict. */
  readonly written: readonly Wanted[];
  /** The paths of changed files with changes in them that git did not have. */
  readonly dirty: readonly string[];
}

/** What a command wants of files that are there. */
export interface Wishes {
  /** The project's folder, as realRoot gives it. */
  readonly root: string;
  /** The files of the host that are edited: that they differ is no conflict. */
  readonly edited: ReadonlySet<string>;
  /** The lock as it is to be, once it is known what is written. */
  readonly lock: (settled: Settled, before: Lock | undefined) => string;
}

/**
 * Holds the whole tree against the disk, and settles every conflict. The lock is put into the tree here: it says what is
 * written, so it comes last, and it is divvy's own to change.
 *
 * Rejects with a Refusal: exit code 3 where a file differs and none may, 5 where it would be lost to git, too.
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
 * What a preview would end with in earnest, where nobody would be asked: files differ, and nothing says what is to become of
 * them. undefined where it would be written.
 */
export function whyNotInEarnest(call: Call, { preview }: Settled): Refusal | undefined {
  const inConflict = preview.filter(({ action }) => action === 'conflict').map(({ change }) => change.path);
  return inConflict.length === 0 || isInteractive(call) ? undefined : conflicts(inConflict);
}

/** Whether a file that differs from what was wanted stays as it was. */
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
