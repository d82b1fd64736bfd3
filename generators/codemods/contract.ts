/**
 * Reads a project's contract file, runtime/parallelizable.ts: the members that a task may have, their order, their
 * signatures and their comments. So the project's own version of the contract decides.
 */

import { ts } from 'ts-morph';

/** A member of the interface Parallelizable. */
export interface ContractMember {
  readonly name: string;
  /** Whether a task may leave it out: then it is a hook. */
  readonly optional: boolean;
  /** The sentence of its comment that says which process calls it, and when. */
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly type: ts.TypeNode }[];
  readonly returns: ts.TypeNode;
}

export interface Contract {
  readonly file: ts.SourceFile;
  /** All members, in the order of the file. */
  readonly members: readonly ContractMember[];
  /** The interface's own type parameters, Item and Result, with their defaults. */
  readonly typeParameters: readonly { readonly name: string; readonly default: ts.TypeNode | undefined }[];
  /** The names of the types that the file exports. */
  readonly exportedTypes: ReadonlySet<string>;
}

/** Reads a contract file; undefined if it has no interface Parallelizable with members. */
export function readContract(text: string): Contract | undefined {
  const file = ts.createSourceFile('parallelizable.ts', text, ts.ScriptTarget.Latest, true);
  const declarations = file.statements.filter(
    (statement) => ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement),
  );
  const contract = declarations.find((declaration) => declaration.name.text === 'Parallelizable');
  if (!contract || !ts.isInterfaceDeclaration(contract)) return undefined;
  const members = contract.members.flatMap((member) => memberOf(member) ?? []);
  if (members.length === 0) return undefined;
  return {
    file,
    members,
    typeParameters: (contract.typeParameters ?? []).map(({ name, default: type }) => ({
      name: name.text,
      default: type,
    })),
    exportedTypes: new Set(
      declarations
        .filter((declaration) => declaration.modifiers?.some((each) => each.kind === ts.SyntaxKind.ExportKeyword))
        .map((declaration) => declaration.name.text),
    ),
  };
}

/**
 * Returns the hooks in a contract file, in its order: the ones that `--hooks` and `divvy hook` accept. Returns none if
 * the text is no contract file.
 */
export function hooksIn(contract: string): { name: string; summary: string }[] {
  const members = readContract(contract)?.members ?? [];
  return members.filter((member) => member.optional).map(({ name, summary }) => ({ name, summary }));
}

function memberOf(member: ts.TypeElement): ContractMember | undefined {
  if (!ts.isMethodSignature(member) || !ts.isIdentifier(member.name) || !member.type) return undefined;
  return {
    name: member.name.text,
    optional: member.questionToken !== undefined,
    summary: whereItRuns(member),
    parameters: member.parameters.flatMap(({ name, type }) =>
      ts.isIdentifier(name) && type ? [{ name: name.text, type }] : [],
    ),
    returns: member.type,
  };
}

/** The sentence that says where the hook runs, anywhere in the comment; without such a sentence, the first one. */
function whereItRuns(member: ts.MethodSignature): string {
  const comment = ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc)?.comment) ?? '';
  const text = comment.replace(/\s+/g, ' ');
  return /(?<=^|[.:] )Runs in .*?\.(?=\s|$)/.exec(text)?.[0] ?? /^.*?\.(?=\s|$)/.exec(text)?.[0] ?? text;
}
