/**
 * Adds hooks to the class of a task, as its author would: nothing that is there changes, new text is put in.
 *
 * The tree of the source only tells where. A printer would touch other bytes, so none is used.
 */

import { ts } from 'ts-morph';
import { type Contract, type ContractMember, readContract } from './contract.ts';
import { endOfTrailingComments, type Insertion, indentAt, insert, lineOf, type Style, styleOf } from './insertion.ts';
import { isRefusal, type Refusal } from './refusal.ts';
import { findTaskClass, isStatic, memberName, parse, type TaskClass } from './task-class.ts';
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
  if (task.typeArguments.length === 0 && typesOf(member).some((type) => needsTypeArgument(type, contract))) {
    return {
      line,
      reason: `${hook} takes an item, and the class does not say what its items are`,
      remedy: 'Write `implements Parallelizable<Item>` at the class, with its type of item.',
    };
  }
  return undefined;
}

/** Puts one hook into a source that is known to be fit for it, and looks at what came of it. */
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
  const types = [...new Set(typesOf(member).flatMap((type) => exportedTypesIn(type, contract)))];
  const imports = importTypes(file, task.module, types, style);
  const at = placeFor(member.name, task.node, contract, file);
  const lines = skeleton(member, { contract, task, file, style, names: imports.names });
  const text = insert(source, [...imports.insertions, methodAt(at, lines, task.node, file, style)]);

  const result = parse(text, fileName);
  if (!isRefusal(result)) {
    const { node } = findTaskClass(result) as TaskClass;
    if (hasMethod(node, member.name) && node.members.length === task.node.members.length + 1) return { text };
  }
  return {
    line: lineOf(file, at),
    reason: `${member.name} cannot be put in here safely`,
    remedy: 'Put a semicolon at the end of the member above this place, or write the hook by hand.',
  };
}

/** Returns the lines of a method that does nothing yet, each with the levels that it is indented by. */
function skeleton(
  member: ContractMember,
  into: { contract: Contract; task: TaskClass; file: ts.SourceFile; style: Style; names: ReadonlyMap<string, string> },
): { level: 0 | 1; text: string }[] {
  const { contract, task, file, style, names } = into;
  const write = (type: ts.TypeNode): string => {
    const wrapped = typeArgumentOf(type, 'Awaited');
    if (wrapped && /^\w+$/.test(write(wrapped)) && isKeyword(write(wrapped))) return write(wrapped);
    return substitute(type, contract, (name) => {
      const index = contract.typeParameters.findIndex((parameter) => parameter.name === name);
      const given = index === -1 ? undefined : task.typeArguments[index];
      return given?.getText(file) ?? contract.typeParameters[index]?.default?.getText(contract.file) ?? names.get(name);
    });
  };
  const parameters = member.parameters.map(({ name, type }) => `${name}: ${write(type)}`).join(', ');
  const value = typeArgumentOf(member.returns, 'MaybePromise');
  const returns = value ? `Promise<${write(value)}>` : write(member.returns);
  return [
    { level: 0, text: `/** ${member.summary} */` },
    { level: 0, text: `${value ? 'async ' : ''}${member.name}(${parameters}): ${returns} {` },
    { level: 1, text: body(member, value ?? member.returns, style) },
    { level: 0, text: '}' },
  ];
}

/**
 * Returns the one line that a hook begins with. It uses the parameters, since some projects forbid unused ones, and is
 * right as it stands: an end that is not known is Infinity.
 */
function body(member: ContractMember, returns: ts.TypeNode, { semicolon }: Style): string {
  const names = member.parameters.map(({ name }) => name);
  if (returns.kind === ts.SyntaxKind.NumberKeyword) {
    return `return Number.POSITIVE_INFINITY${semicolon} // Not known yet. How many items does dispatch yield?`;
  }
  if (returns.kind !== ts.SyntaxKind.VoidKeyword)
    return `throw new Error('${member.name} is not written yet')${semicolon}`;
  if (names.length === 0) return '// Write here what is to happen.';
  const all = names.length === 1 ? names[0] : `[${names.join(', ')}]`;
  return `void ${all}${semicolon} // Write here what is to happen, in place of this line.`;
}

/** Returns the place for a member: in the contract's order among those of its members that the class has. */
function placeFor(name: string, node: ts.ClassLikeDeclaration, contract: Contract, file: ts.SourceFile): number {
  const order = contract.members.map((member) => member.name);
  const [before, after] = [order.slice(0, order.indexOf(name)), order.slice(order.indexOf(name) + 1)];
  const indexOf = (wanted: string): number =>
    node.members.findLastIndex((member) => memberName(member) === wanted && !isStatic(member));
  const previous = before.map(indexOf).findLast((index) => index !== -1);
  const next = after.map(indexOf).find((index) => index !== -1);
  let index = previous ?? (next === undefined ? node.members.length : next) - (previous === undefined ? 1 : 0);
  // A stray semicolon after a method is a member of its own.
  while (node.members[index + 1]?.kind === ts.SyntaxKind.SemicolonClassElement) index++;
  const anchor = node.members[index];
  return endOfTrailingComments(file.text, anchor ? anchor.end : openBraceEnd(node, file));
}

/** Returns the insertion of a method after a place at which a member ends, or the class begins. */
function methodAt(
  at: number,
  lines: readonly { level: number; text: string }[],
  node: ts.ClassLikeDeclaration,
  file: ts.SourceFile,
  { eol, indent }: Style,
): Insertion {
  const { text } = file;
  const outer = indentAt(text, node.getStart(file));
  const sibling = node.members.find((member) => startsItsLine(text, member.getStart(file)));
  const inner = sibling ? indentAt(text, sibling.getStart(file)) : outer + indent;
  const unit = inner.startsWith(outer) && inner.length > outer.length ? inner.slice(outer.length) : indent;
  const method = lines.map((line) => inner + unit.repeat(line.level) + line.text).join(eol);

  const gap = /^[ \t]*/.exec(text.slice(at))?.[0].length ?? 0;
  const rest = text.slice(at);
  const blankBefore = at === openBraceEnd(node, file) || text[at - 1] === '{' ? '' : eol;
  if (!/^[ \t]*\r?\n/.test(rest)) {
    // Something follows on this line, such as the brace of a class that is written on one.
    const closes = rest[gap] === '}';
    return { at: at + gap, text: `${eol}${blankBefore}${method}${eol}${closes ? outer : eol + inner}` };
  }
  const closesOrBlank = /^[ \t]*\r?\n[ \t]*(\}|\r?\n)/.test(rest);
  return { at, text: `${eol}${blankBefore}${method}${closesOrBlank ? '' : eol}` };
}

function startsItsLine(text: string, at: number): boolean {
  return /(^|\n)[ \t]*$/.test(text.slice(0, at));
}

/** Returns the place after the brace that opens a class. */
function openBraceEnd(node: ts.ClassLikeDeclaration, file: ts.SourceFile): number {
  return node.getChildren(file).find((each) => each.kind === ts.SyntaxKind.OpenBraceToken)?.end ?? node.members.pos;
}

function memberCalled(node: ts.ClassLikeDeclaration, name: string): ts.Node | undefined {
  const member = node.members.find((each) => memberName(each) === name && !isStatic(each));
  if (member) return member;
  const constructor = node.members.find(ts.isConstructorDeclaration);
  return constructor?.parameters.find(
    (each) => ts.isParameterPropertyDeclaration(each, constructor) && each.name.getText() === name,
  );
}

function hasMethod(node: ts.ClassLikeDeclaration, name: string): boolean {
  const there = memberCalled(node, name);
  return there !== undefined && ts.isMethodDeclaration(there);
}

function typesOf(member: ContractMember): ts.TypeNode[] {
  return [
    ...member.parameters.map(({ type }) => type),
    typeArgumentOf(member.returns, 'MaybePromise') ?? member.returns,
  ];
}

/** Returns the T of `Name<T>`, where the type is one of that name. */
function typeArgumentOf(type: ts.TypeNode, name: string): ts.TypeNode | undefined {
  return ts.isTypeReferenceNode(type) && type.typeName.getText() === name ? type.typeArguments?.[0] : undefined;
}

/** Whether a type names a type parameter of the contract that has no default: Item. */
function needsTypeArgument(type: ts.TypeNode, contract: Contract): boolean {
  return referencesIn(type).some(({ text }) =>
    contract.typeParameters.some((parameter) => parameter.name === text && parameter.default === undefined),
  );
}

function exportedTypesIn(type: ts.TypeNode, contract: Contract): string[] {
  return referencesIn(type).flatMap(({ text }) => (contract.exportedTypes.has(text) ? [text] : []));
}

/** Returns the names of types that a type is made of. */
function referencesIn(type: ts.TypeNode): ts.Identifier[] {
  const found: ts.Identifier[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) found.push(node.typeName);
    ts.forEachChild(node, look);
  };
  look(type);
  return found;
}

/** Returns the text of a type of the contract, with each name in it replaced by what it is called in the task file. */
function substitute(type: ts.TypeNode, contract: Contract, nameFor: (name: string) => string | undefined): string {
  const start = type.getStart(contract.file);
  let text = '';
  let from = start;
  for (const reference of referencesIn(type)) {
    const at = reference.getStart(contract.file);
    text += contract.file.text.slice(from, at) + (nameFor(reference.text) ?? reference.text);
    from = reference.end;
  }
  return text + contract.file.text.slice(from, type.end);
}

function isKeyword(type: string): boolean {
  return ['void', 'undefined', 'null', 'string', 'number', 'boolean', 'bigint'].includes(type);
}
