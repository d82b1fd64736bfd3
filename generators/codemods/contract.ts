/**
 * Reads the contract file of a project, runtime/parallelizable.ts as that project has it: which members a task may
 * have, in which order, with which signature, and what is said of each. So a project's own version of it decides.
 */

import { ts } from 'ts-morph';

/** A member of the interface Parallelizable. */
export interface ContractMember {
  readonly name: string;
  /** Whether a task may do without it: then it is a hook. */
  readonly optional: boolean;
  /** Of its comment the sentence that says which process calls it, and when. */
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly type: ts.TypeNode }[];
  readonly returns: ts.TypeNode;
}

/** What a contract file says. */
export interface Contract {
  readonly file: ts.SourceFile;
  /** All members, in the order of the file. */
  readonly members: readonly ContractMember[];
  /** The interface's own type parameters, Item and Result, with the default of each that has one. */
  readonly typeParameters: readonly { readonly name: string; readonly default: ts.TypeNode | undefined }[];
  /** The names of the types that the file exports. */
  readonly exportedTypes: ReadonlySet<string>;
}

/** Returns what a contract file says, or undefined where it has no interface Parallelizable with members in it. */
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
 * Returns the hooks that a contract file knows, in its order: what `--hooks` and `divvy hook` take. None where it is no
 * contract file.
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

/** The sentence that says where it runs, wherever in the comment that is; in a contract without one, the first. */
function whereItRuns(member: ts.MethodSignature): string {
  const comment = ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc)?.comment) ?? '';
  const text = comment.replace(/\s+/g, ' ');
  return /(?<=^|[.:] )Runs in .*?\.(?=\s|$)/.exec(text)?.[0] ?? /^.*?\.(?=\s|$)/.exec(text)?.[0] ?? text;
}
