/**
 * Adds hooks to the class of a task, as its author would: nothing that is there changes, new text is put in.
 *
 * The tree of the source only tells where. A printer would touch other bytes, so none is used.
 */

import type { ts } from 'ts-morph';
import { type Contract, type ContractMember, readContract } from './contract.ts';
import { insert, lineOf, styleOf } from './insertion.ts';
import { methodInsertion } from './place.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { needsTypeArgument, skeleton, typesNamedBy } from './skeleton.ts';
import { findTaskClass, hasMethod, memberCalled, parse, type TaskClass } from './task-class.ts';
import { importTypes } from './type-imports.ts';

export { hookNames } from './contract.ts';
export type { Refusal } from './refusal.ts';

/** How adding hooks ended. A refusal leaves the source as it is, and there may be several. */
export type HookResult =
  | { readonly kind: 'changed'; readonly text: string }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly refusals: readonly [Refusal, ...Refusal[]] };

export interface HookOptions {
  /** The name of the source's file: its ending says what language it is, and messages show it. */
  readonly fileName: string;
  /** Names of hooks, `beforeFork` and the like; in any order. `total` counts as one. */
  readonly hooks: readonly string[];
  /** The text of the project's own runtime/parallelizable.ts: it decides which hooks there are, and their signatures. */
  readonly contract: string;
}

/**
 * Adds hooks to the class of a task. Pure.
 *
 * source - the text of the task file.
 *
 * Returns the new text; or that every hook is there already; or why it was refused, and then nothing is added.
 */
export function addHooks(source: string, options: HookOptions): HookResult {
  const contract = readContract(options.contract);
  if (!contract) {
    return refused({
      line: 1,
      reason: 'the parallelizable.ts of this project has no interface Parallelizable to take hooks from',
      remedy: "Restore it: it is one of the runtime's own files.",
    });
  }
  const file = parse(source, options.fileName);
  if (isRefusal(file)) return refused(file);
  const task = findTaskClass(file);
  if (isRefusal(task)) return refused(task);

  const refusals = options.hooks.flatMap((hook) => whyNot(hook, task, contract, file) ?? []);
  const [first, ...more] = refusals;
  if (first) return refused(first, ...more);

  const added = contract.members.filter(({ name }) => options.hooks.includes(name) && !hasMethod(task.node, name));
  let text = source;
  for (const member of added) {
    const next = addHook(text, options.fileName, member, contract);
    if (isRefusal(next)) return refused(next);
    text = next.text;
  }
  return text === source ? { kind: 'unchanged' } : { kind: 'changed', text };
}

function refused(...refusals: readonly [Refusal, ...Refusal[]]): HookResult {
  return { kind: 'refused', refusals };
}

/** Says why a hook cannot be added to the class; undefined where it can, or where it is there already. */
function whyNot(hook: string, task: TaskClass, contract: Contract, file: ts.SourceFile): Refusal | undefined {
  const line = lineOf(file, task.node.getStart(file));
  const member = contract.members.find(({ name }) => name === hook);
  if (!member?.optional) {
    const hooks = contract.members.filter(({ optional }) => optional).map(({ name }) => name);
    return {
      line,
      reason: member ? `${hook} is what every task has, and no hook` : `there is no hook ${JSON.stringify(hook)}`,
      remedy: `The hooks are: ${hooks.join(', ')}.`,
    };
  }
  if (hasMethod(task.node, hook)) return undefined;
  for (const node of task.chain) {
    const there = memberCalled(node, hook);
    if (!there) continue;
    return {
      line: lineOf(file, there.getStart(file)),
      reason: `${hook} is there already, ${node === task.node ? 'and is not a method' : 'in a class that this one extends'}`,
      remedy:
        node === task.node
          ? 'Make it a method by hand.'
          : 'Override it by hand, and call `super` where it is still wanted.',
    };
  }
  if (task.typeArguments.length === 0 && needsTypeArgument(member, contract)) {
    return {
      line,
      reason: `${hook} takes an item, and the class does not say what its items are`,
      remedy: 'Write `implements Parallelizable<Item>` at the class, with its type of item.',
    };
  }
  return undefined;
}

/** Puts one hook into a source that is known to be fit for it, and looks whether it has come to be a method there. */
function addHook(
  source: string,
  fileName: string,
  member: ContractMember,
  contract: Contract,
): { text: string } | Refusal {
  const file = parse(source, fileName);
  if (isRefusal(file)) return file;
  const task = findTaskClass(file);
  if (isRefusal(task)) return task;

  const style = styleOf(file);
  const imports = importTypes(file, task.module, typesNamedBy(member, contract), style);
  const typeArguments = task.typeArguments.map((type) => type.getText(file));
  const lines = skeleton(member, contract, { typeArguments, types: imports.names }, style);
  const order = contract.members.map(({ name }) => name);
  const method = methodInsertion(file, task.node, { name: member.name, order, lines }, style);
  const text = insert(source, [...imports.insertions, method]);

  // Behind a property without a semicolon, `get` or `static`, a new line can become one thing with it.
  const result = parse(text, fileName);
  const changed = isRefusal(result) ? result : findTaskClass(result);
  if (!isRefusal(changed) && hasMethod(changed.node, member.name)) return { text };
  return {
    line: lineOf(file, method.at),
    reason: `${member.name} cannot be put in here safely`,
    remedy: 'Put a semicolon at the end of the member above this place, or write the hook by hand.',
  };
}
