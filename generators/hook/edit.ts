/** Puts the edited task and the new lock into the in-memory tree. */

import { posix } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { type ChangeSet, survey, type Wanted } from '../change-set/survey.ts';
import type { HookOptions, HookResult } from '../codemods/hook.ts';
import type { Inserted } from '../codemods/inserted.ts';
import { isBehindFolders, readBefore } from '../disk/disk.ts';
import { LOCK } from '../disk/file-names.ts';
import { pieceIn } from '../disk/line-ends.ts';
import { insertedIn, type Lock, lockToEdit } from '../project/lock.ts';
import { lockAfterEdit } from '../rendering/lock-edits.ts';
import { settleDirty } from '../settling/dirty.ts';
import type { Call } from '../terminal/command.ts';
import { hookRefused } from '../terminal/errors.ts';
import { formatOf } from './format.ts';
import type { Subject } from './subject.ts';

type Changed = Extract<HookResult, { kind: 'changed' }>;

export interface Edit {
  /** The added or removed hooks. An added hook has its line in the new text, a removed one its line in the old text. */
  readonly hooks: readonly { readonly name: string; readonly line: number }[];
  /** The task file's path, if it has changes that git does not have and divvy did not make. */
  readonly dirty: readonly string[];
}

/**
 * Edits the task in memory.
 *
 * Rejects with a Refusal: with exit code 3, with file and line, if the source cannot be edited safely; with 5 if the
 * file has changes that git does not have.
 */
export async function editTask(call: Call, subject: Subject, put: Workshop['put']): Promise<Edit> {
  const { action, hooks, root, path, before, source, contract } = subject;
  const lockBefore = readBefore(root, LOCK)?.bytes;
  const lock = lockToEdit(root);
  const options = { fileName: path, hooks, contract, inserted: insertedAs(source, lock, path), read: readerOf(root) };
  const { addHooks } = await import('../codemods/hook.ts');
  const { removeHooks } = await import('../codemods/hook-removal.ts');
  const force = call.values.force === true;
  const result = action === 'add' ? addHooks(source, options) : removeHooks(source, { ...options, force });
  if (result.kind === 'refused') throw hookRefused(path, result.refusals);
  if (result.kind === 'unchanged') return { hooks: [], dirty: [] };

  const dirty = await settleDirty(call, root, [{ path, before }]);
  const { text, inserted, hooks: places } = await asFormatted(subject, result, options);
  const after = Buffer.from(text);
  put(path, after, before.bytes);
  const edited = { path, inserted };
  if (lock) put(LOCK, lockAfterEdit(lock, edited, before.bytes, after), lockBefore);
  return { hooks: places, dirty };
}

/**
 * Keeps a formatted file formatted: a hook's line, or a list of imports, may be too long for the project's formatter.
 * Uses the formatter's text only if the hook can still be removed from it, byte for byte.
 */
async function asFormatted(
  { action, root, path, source }: Subject,
  result: Changed,
  options: HookOptions,
): Promise<Changed> {
  const format = formatOf(root, path);
  if ((await format(source)) !== source) return result;
  const text = await format(result.text);
  if (text === undefined || text === result.text) return result;
  const { hookPlaces } = await import('../codemods/hook.ts');
  const { removeHooks } = await import('../codemods/hook-removal.ts');
  const { reformatted } = await import('../codemods/reformatted.ts');
  const inserted = reformatted(result, text, path);
  if (inserted === undefined) return result;
  if (action === 'remove') return { ...result, text, inserted };
  const names = result.hooks.map(({ name }) => name);
  const back = removeHooks(text, { ...options, hooks: names, inserted, force: false });
  if (back.kind !== 'changed' || (await format(back.text)) !== source) return result;
  return { ...result, text, inserted, hooks: hookPlaces(text, path, names) };
}

/** divvy's insertions in the file, with the line ends of this clone, which may differ from those in the lock. */
function insertedAs(source: string, lock: Lock | undefined, path: string): Inserted | undefined {
  const inserted = insertedIn(lock, path);
  if (inserted === undefined) return undefined;
  const hooks = Object.entries(inserted.hooks).map(([name, text]) => [name, pieceIn(source, text)] as const);
  return { ...inserted, hooks: Object.fromEntries(hooks) };
}

/** Throws a Refusal with exit code 3 if a file must not be written. */
export function settleChanges({ root }: Subject, wanted: readonly Wanted[]): ChangeSet {
  const { added, differing } = survey(root, wanted);
  return { root, changes: [...added, ...differing] };
}

/** Reads other files of the project for the codemods: only by relative imports, and only inside the project. */
const readerOf = (root: string) => (specifier: string, from: string) => {
  if (!specifier.startsWith('.')) return undefined;
  const path = posix.join(posix.dirname(from), specifier);
  for (const fileName of [path, `${path}.ts`, path.replace(/\.([cm]?)js$/, '.$1ts')]) {
    const isInside = !fileName.startsWith('../') && isBehindFolders(root, fileName);
    const bytes = isInside ? readBefore(root, fileName)?.bytes : undefined;
    if (bytes) return { source: bytes.toString('utf8'), fileName };
  }
  return undefined;
};
