/** The hooks that a task may have, read from the vendored contract file. */

import type { Inserted } from '../codemods/inserted.ts';
import { read } from '../package.ts';
import { hookRefused, unknownHook } from '../terminal/errors.ts';
import { nearest } from '../terminal/nearest.ts';
import type { Terminal } from '../terminal/terminal.ts';

export interface Hook {
  readonly name: string;
  /** Where and when the hook runs: the first sentence of its comment. */
  readonly summary: string;
}

/** runtime/parallelizable.ts, the contract between a task and the runtime. */
export const contractText = (): string => read('runtime/parallelizable.ts').toString('utf8');

/** The optional members of Parallelizable, in the contract's order. */
export function hooksOf(contract: string): Hook[] {
  return [...contract.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n {2}(\w+)\?\(/g)].map(
    ([, comment = '', name = '']) => ({
      name,
      summary: /^.*?[.:](?= |$)/.exec(comment.replace(/\s*\n\s*\*\s?/g, ' ').trim())?.[0].replace(/:$/, '.') ?? '',
    }),
  );
}

/**
 * Reads `--hooks a,b`: each hook once, in the contract's order. Throws a Refusal with exit code 2 for a hook that does
 * not exist.
 */
export function readHooks(list: string, known: readonly Hook[]): string[] {
  const names = known.map((hook) => hook.name);
  const asked = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  for (const name of asked) {
    if (!names.includes(name)) throw unknownHook(name, names, nearest(name, names));
  }
  return names.filter((name) => asked.includes(name));
}

/**
 * Adds hooks to a template's task. Returns the new text and what was inserted. A hook that the template already has
 * stays as it is, and a note says so. Loads the codemods, and ts-morph with them, only when there is code to edit.
 *
 * Rejects with a Refusal with exit code 3, with file and line, if the source cannot be edited safely.
 */
export async function withHooks(
  source: string,
  fileName: string,
  hooks: readonly string[],
  { note }: Pick<Terminal, 'note'>,
): Promise<{ text: string; inserted: Inserted | undefined }> {
  const { addHooks } = await import('../codemods/hook.ts');
  const edited = addHooks(source, { fileName, hooks, contract: contractText() });
  if (edited.kind === 'refused') throw hookRefused(fileName, edited.refusals);
  const added = edited.kind === 'changed' ? edited.hooks.map(({ name }) => name) : [];
  const there = hooks.filter((hook) => !added.includes(hook));
  if (there.length > 0) note(`in the template's task already, and left as it is there: ${there.join(', ')}`);
  return edited.kind === 'changed' ? edited : { text: source, inserted: undefined };
}
