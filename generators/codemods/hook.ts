/**
 * Adds hooks to a task's class, as its author would: it inserts new text and changes nothing else.
 *
 * The syntax tree only tells where to insert. A printer would change other bytes, so we use none.
 */

import type { ts } from 'ts-morph';
import { basesOf, type ReadModule } from './bases.ts';
import { type Contract, type ContractMember, readContract } from './contract.ts';
import { importedNow } from './import-removal.ts';
import { type Inserted, NOTHING_INSERTED } from './inserted.ts';
import { insert, lineOf, styleOf } from './insertion.ts';
import { methodInsertion } from './place.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { besideRow } from './row.ts';
import { needsTypeArgument, skeleton, typesNamedBy } from './skeleton.ts';
import { findTaskClass, hasMethod, memberCalled, parse, type TaskClass, whatElse } from './task-class.ts';
import { importTypes } from './type-imports.ts';

export { hooksIn } from './contract.ts';
export type { Inserted } from './inserted.ts';
export type { Refusal } from './refusal.ts';

/** The result of a codemod. A refusal leaves the source as it is, and there may be several. */
export type HookResult =
  | {
      readonly kind: 'changed';
      readonly text: string;
      /**
       * The hooks that were added or removed, in the contract's order. An added hook has its line in the new text, a
       * removed one its line in the old text.
       */
      readonly hooks: readonly HookPlace[];
      /** Everything that has been inserted into the file so far; removing a hook needs it. */
      readonly inserted: Inserted;
    }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly refusals: readonly [Refusal, ...Refusal[]] };

export interface HookPlace {
  readonly name: string;
  readonly line: number;
}

export interface HookOptions {
  /** The name of the source file: its ending tells the language, and messages show it. */
  readonly fileName: string;
  /** Names of hooks, such as `beforeFork`, in any order. `total` counts as one. */
  readonly hooks: readonly string[];
  /** The text of the project's own runtime/parallelizable.ts, which decides which hooks exist, and their signatures. */
  readonly contract: string;
  /** Earlier insertions into the file, if they are known. */
  readonly inserted?: Inserted | undefined;
  /** Reads the files of classes that the task's class extends; without it only classes in its own file are found. */
  readonly read?: ReadModule | undefined;
}

/**
 * Adds hooks to a task's class. Pure.
 *
 * source - the text of the task file.
 *
 * Returns the new text; or that every hook is already there; or why it was refused, and then nothing is added.
 */
export function addHooks(source: string, options: HookOptions): HookResult {
  const contract = readContract(options.contract);
  if (!contract) return refused(NO_CONTRACT);
  const file = parse(source, options.fileName);
  if (isRefusal(file)) return refused(file);
  if (file.text.includes('\r') && !file.text.includes('\n')) return refused(ONLY_CR);
  const task = findTaskClass(file);
  if (isRefusal(task)) return refused(task);

  const refusals = options.hooks.flatMap((hook) => whyNot(hook, task, contract, file, options) ?? []);
  const [first, ...more] = refusals;
  if (first) return refused(first, ...more);

  const added = contract.members.filter(({ name }) => options.hooks.includes(name) && !hasMethod(task.node, name));
  if (added.length === 0) return { kind: 'unchanged' };
  let edited: Edited = { text: source, inserted: stillIn(options.inserted, task, file) };
  for (const member of added) {
    const next = addHook(edited, options.fileName, member, contract);
    if (isRefusal(next)) return refused(next);
    edited = next;
  }
  const names = added.map(({ name }) => name);
  return { kind: 'changed', ...edited, hooks: hookPlaces(edited.text, options.fileName, names) };
}

/** The places of hooks that a class has, in the order of `names`. */
export function hookPlaces(source: string, fileName: string, names: readonly string[]): HookPlace[] {
  const file = parse(source, fileName);
  if (isRefusal(file)) return [];
  const task = findTaskClass(file);
  if (isRefusal(task)) return [];
  return names.flatMap((name) => {
    const there = memberCalled(task.node, name);
    return there ? [{ name, line: lineOf(file, there.getStart(file)) }] : [];
  });
}

/** The line end of a text; undefined if it mixes two kinds. git may have changed all of them since the insertion. */
function onlyEol(text: string): string | undefined {
  const ends = new Set(text.match(/\r?\n/g));
  return ends.size === 1 ? [...ends][0] : undefined;
}

/** The insertions that are still in the file: the author may have removed some by hand. */
export function stillIn(inserted: Inserted = NOTHING_INSERTED, task: TaskClass, file: ts.SourceFile): Inserted {
  const now = importedNow(file);
  const imports = inserted.imports.filter((each) => now.includes(each));
  const hooks = Object.entries(inserted.hooks)
    .filter(([name]) => hasMethod(task.node, name))
    .map(([name, text]) => [name, text.replace(/\r?\n/g, onlyEol(file.text) ?? '$&')]);
  const statement = imports.length > 0 ? inserted.statement : undefined;
  return { hooks: Object.fromEntries(hooks), imports, ...(statement && { statement }) };
}

interface Edited {
  readonly text: string;
  readonly inserted: Inserted;
}

export const NO_CONTRACT: Refusal = {
  line: 1,
  reason: 'the parallelizable.ts of this project has no interface Parallelizable to take hooks from',
  remedy: "Restore it: it is one of the runtime's own files.",
};

const ONLY_CR: Refusal = {
  line: 1,
  reason: 'its lines end with a carriage return alone, and a hook would have other line ends',
  remedy: 'Save it with LF or CRLF first.',
};

export function refused(...refusals: readonly [Refusal, ...Refusal[]]): HookResult {
  return { kind: 'refused', refusals };
}

/** Returns the place of a hook that the class inherits; undefined if it inherits none. */
export function whereInherited(
  hook: string,
  task: TaskClass,
  { fileName, read }: HookOptions,
): Pick<Refusal, 'fileName' | 'line'> | undefined {
  for (const base of basesOf(task, fileName, read)) {
    const there = memberCalled(base.node, hook);
    if (there) return { fileName: base.fileName, line: lineOf(base.file, there.getStart(base.file)) };
  }
  return undefined;
}

/** Why a name is not a hook; undefined if it is one. */
export function whyUnknown(
  hook: string,
  task: TaskClass,
  contract: Contract,
  file: ts.SourceFile,
): Refusal | undefined {
  const member = contract.members.find(({ name }) => name === hook);
  if (member?.optional) return undefined;
  const hooks = contract.members.filter(({ optional }) => optional).map(({ name }) => name);
  return {
    line: lineOf(file, task.node.getStart(file)),
    reason: member ? `${hook} is what every task has, and no hook` : `there is no hook ${JSON.stringify(hook)}`,
    remedy: `The hooks are: ${hooks.join(', ')}.`,
  };
}

/** Why a hook cannot be added to the class; undefined if it can be, or if it is already there. */
function whyNot(
  hook: string,
  task: TaskClass,
  contract: Contract,
  file: ts.SourceFile,
  options: HookOptions,
): Refusal | undefined {
  const member = contract.members.find(({ name }) => name === hook);
  if (!member?.optional) return whyUnknown(hook, task, contract, file);
  if (hasMethod(task.node, hook)) return undefined;
  const own = memberCalled(task.node, hook);
  if (own) {
    return {
      line: lineOf(file, own.getStart(file)),
      reason: `${hook} is there already, and is not a method`,
      remedy: 'Make it a method by hand.',
    };
  }
  const inherited = whereInherited(hook, task, options);
  if (inherited) {
    return {
      ...inherited,
      reason: `${hook} is there already, in a class that this one extends`,
      remedy: 'Override it by hand, and call `super` where it is still wanted.',
    };
  }
  if (task.typeArguments.length === 0 && needsTypeArgument(member, contract)) {
    return {
      line: lineOf(file, task.node.getStart(file)),
      reason: `${hook} takes an item, and the class does not say what its items are`,
      remedy: 'Write `implements Parallelizable<Item>` at the class, with its type of item.',
    };
  }
  return undefined;
}

/** Inserts one hook into a source that was checked before, and verifies that it has become a method there. */
function addHook(
  { text: source, inserted }: Edited,
  fileName: string,
  member: ContractMember,
  contract: Contract,
): Edited | Refusal {
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

  // After a property without a semicolon, `get` or `static`, a new line may be parsed as a part of it.
  const result = parse(text, fileName);
  const changed = isRefusal(result) ? result : findTaskClass(result);
  if (!isRefusal(result) && !isRefusal(changed) && hasMethod(changed.node, member.name)) {
    if (whatElse(changed, [member.name]).join('\n') === whatElse(task, []).join('\n')) {
      const statement = imports.statement ?? inserted.statement;
      return {
        text,
        inserted: {
          hooks: { ...inserted.hooks, [member.name]: besideRow(changed.node, member.name, method.text, inserted) },
          imports: [...inserted.imports, ...imports.specifiers],
          ...(statement && { statement }),
        },
      };
    }
  }
  return {
    line: lineOf(file, method.at),
    reason: `${member.name} cannot be put in here safely`,
    remedy: 'Put a semicolon at the end of the member above this place, or write the hook by hand.',
  };
}
