/** Imports types from one module into a file, with an existing import or a new one. */

import { ts } from 'ts-morph';
import { endOfTrailingComments, type Insertion, indentAt, type Style } from './insertion.ts';

/** The names under which a file can use types, and the insertions that this needs. */
export interface TypeImports {
  /** For each requested type its name in the file: `Run`, `divvy.Run`, or the alias `DivvyRun`. */
  readonly names: ReadonlyMap<string, string>;
  readonly insertions: readonly Insertion[];
  /** The inserted names, as they will be written in the list. */
  readonly specifiers: readonly string[];
  /** Where a whole import is inserted: `behind` another import or a directive, or `before` the first statement. */
  readonly statement: 'behind' | 'before' | undefined;
}

/** Returns how a file can use types of a module, and what to insert for that. */
export function importTypes(file: ts.SourceFile, module: string, types: readonly string[], style: Style): TypeImports {
  const imports = file.statements.filter(
    (each): each is ts.ImportDeclaration =>
      ts.isImportDeclaration(each) && ts.isStringLiteral(each.moduleSpecifier) && each.moduleSpecifier.text === module,
  );
  const lists = imports
    .flatMap(({ importClause }) => {
      const list = importClause?.namedBindings;
      return importClause && list && ts.isNamedImports(list)
        ? [{ list, typeOnly: importClause.phaseModifier === ts.SyntaxKind.TypeKeyword }]
        : [];
    })
    .toSorted((a, b) => Number(b.typeOnly) - Number(a.typeOnly));
  const [namespace] = imports.flatMap(({ importClause }) => {
    const bindings = importClause?.namedBindings;
    return bindings && ts.isNamespaceImport(bindings) ? [bindings.name.text] : [];
  });

  const names = new Map<string, string>();
  const missing: string[] = [];
  for (const type of types) {
    const specifiers = lists.flatMap(({ list }) => list.elements);
    const present = specifiers.find((each) => (each.propertyName ?? each.name).text === type)?.name.text;
    const local = present ?? (namespace ? `${namespace}.${type}` : freeName(file, type));
    names.set(type, local);
    if (!present && !namespace) missing.push(local === type ? type : `${type} as ${local}`);
  }
  const [first] = lists;
  const specifiers = !first || first.typeOnly ? missing : missing.map((each) => `type ${each}`);
  if (missing.length === 0) return { names, insertions: [], specifiers, statement: undefined };
  if (first) return { names, insertions: addToList(file, first.list, specifiers), specifiers, statement: undefined };
  const { insertion, statement } = newImport(file, module, missing, style);
  return { names, insertions: [insertion], specifiers, statement };
}

/** Returns the type's own name, or one made from it, that nothing in the file has. */
function freeName(file: ts.SourceFile, type: string): string {
  const taken = new Set<string>();
  const look = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && isDeclaredName(node)) taken.add(node.text);
    ts.forEachChild(node, look);
  };
  look(file);
  let name = type;
  while (taken.has(name)) name = `Divvy${name}`;
  return name;
}

/** Whether an identifier declares a name that could hide a type; names of members and parameters cannot. */
function isDeclaredName(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isClassLike(parent) ||
      ts.isInterfaceDeclaration(parent) ||
      ts.isTypeAliasDeclaration(parent) ||
      ts.isEnumDeclaration(parent) ||
      ts.isModuleDeclaration(parent) ||
      ts.isFunctionDeclaration(parent) ||
      ts.isVariableDeclaration(parent) ||
      ts.isBindingElement(parent) ||
      ts.isTypeParameterDeclaration(parent) ||
      ts.isImportClause(parent) ||
      ts.isImportSpecifier(parent) ||
      ts.isNamespaceImport(parent) ||
      ts.isImportEqualsDeclaration(parent)) &&
    parent.name === node
  );
}

/** Inserts names into `{ … }`: each at its place if the list is sorted, otherwise at the end. */
function addToList(file: ts.SourceFile, list: ts.NamedImports, names: readonly string[]): Insertion[] {
  const { elements } = list;
  const last = elements.at(-1);
  if (!last) return [{ at: list.getStart(file) + 1, text: ` ${names.join(', ')} ` }];

  const sorted = elements.every(
    (each, index) => index === 0 || keyOf(elements[index - 1]?.getText(file)) <= keyOf(each.getText(file)),
  );
  const insertions: Insertion[] = [];
  const rest: string[] = [];
  for (const name of names.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))) {
    const next = sorted ? elements.find((each) => keyOf(each.getText(file)) > keyOf(name)) : undefined;
    if (next) insertions.push({ at: next.getStart(file), text: `${name},${separator(file, next)}` });
    else rest.push(name);
  }
  const text = rest.map((name) => `${separator(file, last)}${name}`).join(',');
  if (rest.length > 0 && elements.hasTrailingComma) {
    insertions.push({ at: endOfTrailingComments(file.text, elements.end), text: `${text},` });
  } else if (rest.length > 0) {
    // A comment may follow the last name: the comma goes before it, and the new names go after it.
    const end = separator(file, last) === ' ' ? last.end : endOfTrailingComments(file.text, last.end);
    insertions.push({ at: last.end, text: ',' }, { at: end, text });
  }
  return insertions;
}

/** Returns the separator of two names in a list: a space, or a line break and the indentation of this name. */
function separator(file: ts.SourceFile, element: ts.ImportSpecifier): string {
  const start = element.getStart(file);
  const [lineBreak] = /\r?\n[ \t]*$/.exec(file.text.slice(0, start)) ?? [];
  return lineBreak ?? ' ';
}

function keyOf(specifier: string | undefined): string {
  return (specifier ?? '').replace(/^type\s+/, '').toLowerCase();
}

/** Puts a new import after the existing ones; if there are none, below what has to stay at the top of the file. */
function newImport(
  file: ts.SourceFile,
  module: string,
  names: readonly string[],
  style: Style,
): { insertion: Insertion; statement: 'behind' | 'before' } {
  const { eol, quote, semicolon } = style;
  const text = `import type { ${names.join(', ')} } from ${quote}${module}${quote}${semicolon}`;
  const directives = file.statements.filter((_, index, all) => all.slice(0, index + 1).every(isDirective));
  const last = file.statements.findLast(ts.isImportDeclaration) ?? directives.at(-1);
  if (last) {
    return {
      insertion: { at: endOfTrailingComments(file.text, last.end), text: `${eol}${text}` },
      statement: 'behind',
    };
  }
  const [first] = file.statements;
  const at = first ? startWithComment(file, first) : file.text.length;
  return { insertion: { at, text: `${text}${eol}${eol}${indentAt(file.text, at)}` }, statement: 'before' };
}

/**
 * Returns where a statement begins, with its own comments: a comment may apply to the line below it. A blank line
 * separates a comment from the statement, and comments for the whole file stay above.
 */
function startWithComment(file: ts.SourceFile, statement: ts.Statement): number {
  const { text } = file;
  let start = statement.getStart(file);
  for (const { pos, end } of ts.getLeadingCommentRanges(text, statement.pos)?.toReversed() ?? []) {
    const isOfFile = /@ts-(no)?check|^\/\/\//.test(text.slice(pos, end));
    if (isOfFile || /\n[ \t]*\r?\n/.test(text.slice(end, start))) break;
    start = pos;
  }
  return start;
}

function isDirective(statement: ts.Statement): boolean {
  return ts.isExpressionStatement(statement) && ts.isStringLiteral(statement.expression);
}
