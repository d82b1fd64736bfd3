/** Writes an empty method for a hook, with the signature from the contract file. */

import { ts } from 'ts-morph';
import type { Contract, ContractMember } from './contract.ts';
import type { Style } from './insertion.ts';

/** The names in a task's file for names in the contract file. */
export interface TaskNames {
  /** For Item and Result: the texts of the class's type arguments, if it has any. */
  readonly typeArguments: readonly string[];
  /** For types that the contract file exports, by their names in the contract. */
  readonly types: ReadonlyMap<string, string>;
}

/**
 * Returns the lines of the method, each with its level of indentation. The method awaits nothing yet, so it is not
 * async: linters that check types would complain.
 */
export function skeleton(
  member: ContractMember,
  contract: Contract,
  names: TaskNames,
  style: Style,
): { level: 0 | 1; text: string }[] {
  const write = (type: ts.TypeNode): string => typeText(type, contract, names);
  const parameters = member.parameters.map(({ name, type }) => `${name}: ${write(type)}`).join(', ');
  const returns = typeArgumentOf(member.returns, 'MaybePromise') ?? member.returns;
  return [
    { level: 0, text: `/** ${member.summary} */` },
    { level: 0, text: `${member.name}(${parameters}): ${write(returns)} {` },
    ...body(member, returns, style).map((text) => ({ level: 1 as const, text })),
    { level: 0, text: '}' },
  ];
}

/** Returns the types of the contract file that a member's skeleton names. */
export function typesNamedBy(member: ContractMember, contract: Contract): string[] {
  return [...new Set(writtenTypes(member).flatMap(referencesIn))]
    .map(({ text }) => text)
    .filter((name, index, all) => contract.exportedTypes.has(name) && all.indexOf(name) === index);
}

/** Whether a member's skeleton needs a type argument that has no default, so that the class has to give it: Item. */
export function needsTypeArgument(member: ContractMember, contract: Contract): boolean {
  const needed = contract.typeParameters.filter((parameter) => parameter.default === undefined);
  return writtenTypes(member)
    .flatMap(referencesIn)
    .some(({ text }) => needed.some(({ name }) => name === text));
}

function writtenTypes(member: ContractMember): ts.TypeNode[] {
  return [
    ...member.parameters.map(({ type }) => type),
    typeArgumentOf(member.returns, 'MaybePromise') ?? member.returns,
  ];
}

/**
 * Returns the lines of a new hook. They use the parameters, since some projects forbid unused ones, and are correct as
 * they are: an unknown total is Infinity, a throttle goes on, with one place for all items a resume begins at the
 * beginning, and the key of an item is its whole content.
 */
function body(member: ContractMember, returns: ts.TypeNode, style: Style): string[] {
  const { semicolon } = style;
  if (member.name !== 'cursor') return [line(member, returns, style)];
  return [
    `void ${member.parameters[0]?.name ?? '0'}${semicolon} // Where is it in the order of dispatch? Return its id, its offset, or the like.`,
    `return 0${semicolon}`,
  ];
}

function line(member: ContractMember, returns: ts.TypeNode, { semicolon }: Style): string {
  const names = member.parameters.map(({ name }) => name);
  if (member.name === 'throttle') return `return 0${semicolon} // Go on. How many milliseconds should the run wait?`;
  if (returns.kind === ts.SyntaxKind.NumberKeyword) {
    return `return Number.POSITIVE_INFINITY${semicolon} // Not known yet. How many items does dispatch yield?`;
  }
  if (returns.kind === ts.SyntaxKind.StringKeyword && names[0] !== undefined) {
    return `return JSON.stringify(${names[0]})${semicolon} // Put in its place what names it for good, such as its id.`;
  }
  if (returns.kind !== ts.SyntaxKind.VoidKeyword)
    return `throw new Error('${member.name} is not written yet')${semicolon}`;
  if (names.length === 0) return '// Write here what is to happen.';
  const all = names.length === 1 ? names[0] : `[${names.join(', ')}]`;
  return `void ${all}${semicolon} // Write here what is to happen, in place of this line.`;
}

/** Returns the text of a contract type, with each name replaced by its name in the task file. */
function typeText(type: ts.TypeNode, contract: Contract, names: TaskNames): string {
  const awaited = typeArgumentOf(type, 'Awaited');
  if (awaited && /^(void|undefined|null|string|number|boolean|bigint)$/.test(typeText(awaited, contract, names))) {
    return typeText(awaited, contract, names);
  }
  let text = '';
  let from = type.getStart(contract.file);
  for (const reference of referencesIn(type)) {
    const at = reference.getStart(contract.file);
    text += contract.file.text.slice(from, at) + nameOf(reference.text, contract, names);
    from = reference.end;
  }
  return text + contract.file.text.slice(from, type.end);
}

function nameOf(name: string, contract: Contract, names: TaskNames): string {
  const index = contract.typeParameters.findIndex((parameter) => parameter.name === name);
  const byDefault = contract.typeParameters[index]?.default?.getText(contract.file);
  return names.typeArguments[index] ?? byDefault ?? names.types.get(name) ?? name;
}

/** Returns the T of `Name<T>`; undefined if the type has another name. */
function typeArgumentOf(type: ts.TypeNode, name: string): ts.TypeNode | undefined {
  return ts.isTypeReferenceNode(type) && type.typeName.getText() === name ? type.typeArguments?.[0] : undefined;
}

/** Returns the type names in a type. */
function referencesIn(type: ts.TypeNode): ts.Identifier[] {
  const found: ts.Identifier[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) found.push(node.typeName);
    ts.forEachChild(node, look);
  };
  look(type);
  return found;
}
