/**
 * Removes hooks from a task's class: only the text that was inserted. Refuses to remove a hook that its author has
 * changed, unless forced.
 */

import { ts } from 'ts-morph';
import { type Contract, type ContractMember, readContract } from './contract.ts';
import {
  type HookOptions,
  type HookResult,
  NO_CONTRACT,
  refused,
  stillIn,
  whereInherited,
  whyUnknown,
} from './hook.ts';
import { dropImport, importedAs } from './import-removal.ts';
import { type Inserted, partsOf } from './inserted.ts';
import { type Cut, cut, endOfTrailingComments, indentAt, lineOf, styleOf } from './insertion.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { lineStart, rowOf, startWithDoc } from './row.ts';
import { skeleton, typesNamedBy } from './skeleton.ts';
import {
  findTaskClass,
  hasMethod,
  isStatic,
  memberCalled,
  memberName,
  parse,
  type TaskClass,
  whatElse,
} from './task-class.ts';
import { importTypes } from './type-imports.ts';

export interface RemovalOptions extends HookOptions {
  /** Whether to remove a hook even if it has changed since, or if somebody else wrote it. */
  readonly force: boolean;
}

interface Edited {
  readonly text: string;
  readonly inserted: Inserted;
}

/**
 * Removes hooks from a task's class. Pure.
 *
 * source - the text of the task file.
 *
 * Returns the new text; or that none of the hooks is there; or why it was refused, and then nothing is removed. Without
 * `force`, and with the `inserted` that `addHooks` returned, the text is the same as before the hooks were added, byte
 * for byte.
 */
export function removeHooks(source: string, options: RemovalOptions): HookResult {
  const contract = readContract(options.contract);
  if (!contract) return refused(NO_CONTRACT);
  const file = parse(source, options.fileName);
  if (isRefusal(file)) return refused(file);
  const task = findTaskClass(file);
  if (isRefusal(task)) return refused(task);
  const before = stillIn(options.inserted, task, file);

  const refusals = options.hooks.flatMap(
    (hook) => whyUnknown(hook, task, contract, file) ?? whyKept(hook, task, contract, file, before, options) ?? [],
  );
  const [first, ...more] = refusals;
  if (first) return refused(first, ...more);

  const removed = contract.members.filter(({ name }) => options.hooks.includes(name) && hasMethod(task.node, name));
  if (removed.length === 0) return { kind: 'unchanged' };
  let edited: Edited = { text: source, inserted: before };
  for (const member of removed) {
    const next = removeHook(edited, options.fileName, member, contract);
    if (isRefusal(next)) return refused(next);
    edited = next;
  }
  const hooks = removed.map(({ name }) => ({ name, line: lineOfMember(name, task, file) }));
  return { kind: 'changed', ...edited, hooks };
}

const lineOfMember = (name: string, task: TaskClass, file: ts.SourceFile): number =>
  lineOf(file, (memberCalled(task.node, name) ?? task.node).getStart(file));

/** Why a hook is not removed; undefined if it can be, or if it is not there. */
function whyKept(
  hook: string,
  task: TaskClass,
  contract: Contract,
  file: ts.SourceFile,
  inserted: Inserted,
  options: RemovalOptions,
): Refusal | undefined {
  const there = memberCalled(task.node, hook);
  const inherited = there ? undefined : whereInherited(hook, task, options);
  if (inherited) {
    return {
      ...inherited,
      reason: `${hook} is in a class that this one extends`,
      remedy: 'Take it out there by hand: other classes may have it from there.',
    };
  }
  if (!there) return undefined;
  const line = lineOf(file, there.getStart(file));
  if (!ts.isMethodDeclaration(there)) {
    return { line, reason: `${hook} is there, and is not a method`, remedy: 'Take it out by hand.' };
  }
  if (options.force || untouched(there, task, contract, file, inserted) !== undefined) return undefined;
  return {
    line,
    reason: `${hook} ${Object.hasOwn(inserted.hooks, hook) ? 'was changed since it was added' : 'is not as divvy would have added it'}`,
    remedy: 'Take it out by hand, or add --force to take it out as it is.',
  };
}

/** Returns the text of a method, with its indentation, if it is still as it was inserted; otherwise undefined. */
function untouched(
  method: ts.MethodDeclaration,
  task: TaskClass,
  contract: Contract,
  file: ts.SourceFile,
  inserted: Inserted,
): string | undefined {
  const name = memberName(method) ?? '';
  const known = inserted.hooks[name];
  const written = known === undefined ? wouldBe(name, method, task, contract, file) : partsOf(known).written;
  return written !== undefined && file.text.slice(0, method.end).endsWith(written) ? written : undefined;
}

/** Returns the text that would be inserted today, for a hook of which no insertion is recorded. */
function wouldBe(
  name: string,
  method: ts.MethodDeclaration,
  task: TaskClass,
  contract: Contract,
  file: ts.SourceFile,
): string | undefined {
  const member = contract.members.find((each) => each.name === name);
  if (!member) return undefined;
  const style = styleOf(file);
  const types = importTypes(file, task.module, typesNamedBy(member, contract), style).names;
  const typeArguments = task.typeArguments.map((type) => type.getText(file));
  const inner = indentAt(file.text, method.getStart(file));
  const [statement] = method.body?.statements ?? [];
  const body = statement ? indentAt(file.text, statement.getStart(file)) : inner + style.indent;
  const unit = body.startsWith(inner) ? body.slice(inner.length) : style.indent;
  return skeleton(member, contract, { typeArguments, types }, style)
    .map(({ level, text }) => inner + unit.repeat(level) + text)
    .join(style.eol);
}

/** Removes one hook from a source that was checked before, and verifies that everything else is unchanged. */
function removeHook(
  { text: source, inserted }: Edited,
  fileName: string,
  member: ContractMember,
  contract: Contract,
): Edited | Refusal {
  const file = parse(source, fileName);
  if (isRefusal(file)) return file;
  const task = findTaskClass(file);
  if (isRefusal(task)) return task;
  const there = memberCalled(task.node, member.name);
  if (!there || !ts.isMethodDeclaration(there)) throw new TypeError(`${member.name} is no method`);

  const written = untouched(there, task, contract, file, inserted);
  const piece =
    written === undefined ? cutOfAnyones(member.name, task, file) : cutOf(there, written, task, file, inserted);
  // If no insertion is recorded, take the imports that the hook would have brought.
  const isKnown = Object.hasOwn(inserted.hooks, member.name);
  const brought = isKnown || written === undefined ? [] : importedAs(file, task.module, typesNamedBy(member, contract));
  const { [member.name]: _, ...hooks } = inserted.hooks;
  let edited: Edited = { text: cut(source, [piece]), inserted: { ...inserted, hooks } };
  for (const specifier of new Set([...inserted.imports, ...brought])) {
    edited = { ...edited, ...dropImport(edited.text, fileName, specifier, edited.inserted) };
  }

  const result = parse(edited.text, fileName);
  const changed = isRefusal(result) ? result : findTaskClass(result);
  const isSafe =
    !isRefusal(changed) &&
    !hasMethod(changed.node, member.name) &&
    whatElse(changed, []).join('\n') === whatElse(task, [member.name]).join('\n');
  if (isSafe) return edited;
  return {
    line: lineOf(file, there.getStart(file)),
    reason: `${member.name} cannot be taken out here safely`,
    remedy: 'Put a semicolon at the end of the member above it, or take it out by hand.',
  };
}

/** Returns the range to cut for a method that is still as it was inserted. */
function cutOf(
  method: ts.MethodDeclaration,
  written: string,
  task: TaskClass,
  file: ts.SourceFile,
  inserted: Inserted,
): Cut {
  const from = method.end - written.length;
  const row = rowOf(task.node, method, from, inserted);
  if (row.before !== undefined) return { from: row.before, to: method.end };
  if (row.behind !== undefined) return { from, to: row.behind };
  const known = inserted.hooks[memberName(method) ?? ''];
  if (known !== undefined) {
    const { lead, tail } = partsOf(known);
    const fits = file.text.slice(0, from).endsWith(lead) && file.text.startsWith(tail, method.end);
    if (fits) return { from: from - lead.length, to: method.end + tail.length };
  }
  return linesOf(from, method.end, file.text);
}

/**
 * Returns the range to cut for a method that somebody wrote: with its doc comment, all overloads, and a comment at its
 * end.
 */
function cutOfAnyones(name: string, { node }: TaskClass, file: ts.SourceFile): Cut {
  const methods = node.members.filter((each) => !isStatic(each) && memberName(each) === name);
  const from = Math.min(...methods.map(startWithDoc));
  return linesOf(from, endOfTrailingComments(file.text, Math.max(...methods.map(({ end }) => end))), file.text);
}

/** Returns whole lines, with one blank line before or after them if there is one too many; or a part of a line. */
function linesOf(from: number, to: number, text: string): Cut {
  const start = lineStart(text, from);
  const rest = /^[ \t]*(\r?\n|$)/.exec(text.slice(to))?.[0];
  if (text.slice(start, from).trim() !== '' || rest === undefined) {
    return { from, to: / $/.test(text.slice(0, from)) && text[to] === ' ' ? to + 1 : to };
  }
  const end = to + rest.length;
  const blankBefore = /(^|\n)([ \t]*\r?\n)$/.exec(text.slice(0, start))?.[2] ?? '';
  const blankBehind = /^[ \t]*\r?\n/.exec(text.slice(end))?.[0];
  if (blankBefore !== '') return { from: start - blankBefore.length, to: end };
  const isFirst = /\{[^\n}]*\r?\n$/.test(text.slice(0, start));
  return { from: start, to: isFirst ? end + (blankBehind?.length ?? 0) : end };
}
