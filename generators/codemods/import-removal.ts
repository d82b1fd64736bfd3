/** Removes inserted names from import lists. */

import { ts } from 'ts-morph';
import type { Inserted } from './inserted.ts';
import { type Cut, cut } from './insertion.ts';
import { isRefusal } from './refusal.ts';
import { parse } from './task-class.ts';

/** Returns types of a module as they are written in a file's import lists. */
export function importedAs(file: ts.SourceFile, module: string, types: readonly string[]): string[] {
  return specifiersOf(file)
    .filter(({ statement, element }) => {
      const from = statement.moduleSpecifier;
      return (
        ts.isStringLiteral(from) && from.text === module && types.includes((element.propertyName ?? element.name).text)
      );
    })
    .map(({ element }) => element.getText(file));
}

/** Returns all names in a file's import lists, as they are written there. */
export const importedNow = (file: ts.SourceFile): string[] =>
  specifiersOf(file).map(({ element }) => element.getText(file));

/**
 * Removes a name from the imports and from `inserted`, if nothing in the file uses it; otherwise returns both
 * unchanged.
 */
export function dropImport(
  text: string,
  fileName: string,
  specifier: string,
  inserted: Inserted,
): { text: string; inserted: Inserted } {
  const file = parse(text, fileName);
  if (isRefusal(file)) return { text, inserted };
  const imports = inserted.imports.filter((each) => each !== specifier);
  const found = specifiersOf(file).find(({ element }) => element.getText(file) === specifier);
  // Somebody has removed it by hand.
  if (!found) return { text, inserted: { ...inserted, imports } };
  if (isUsed(file, found.element.name.text)) return { text, inserted };
  const { statement, ...rest } = inserted;
  const isAlone = found.list.elements.length === 1;
  if (isAlone && statement) {
    return { text: cut(text, [cutOfStatement(file, found.statement, statement)]), inserted: { ...rest, imports } };
  }
  const cuts = isAlone ? [cutOfOnly(file, found.list, specifier)] : cutsOfOne(file, found.list, found.element);
  return { text: cut(text, cuts), inserted: { ...inserted, imports } };
}

interface Found {
  readonly statement: ts.ImportDeclaration;
  readonly list: ts.NamedImports;
  readonly element: ts.ImportSpecifier;
}

function specifiersOf(file: ts.SourceFile): Found[] {
  return file.statements.filter(ts.isImportDeclaration).flatMap((statement) => {
    const list = statement.importClause?.namedBindings;
    return list && ts.isNamedImports(list) ? list.elements.map((element) => ({ statement, list, element })) : [];
  });
}

/** Whether the file uses a name anywhere except in an import, or as the name of a property. */
function isUsed(file: ts.SourceFile, name: string): boolean {
  const look = (node: ts.Node): boolean =>
    (ts.isIdentifier(node) && node.text === name && !isOnlyAName(node)) || ts.forEachChild(node, look) === true;
  return look(file);
}

function isOnlyAName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isImportSpecifier(parent)) return true;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  return (
    (ts.isClassElement(parent) || ts.isTypeElement(parent) || ts.isPropertyAssignment(parent)) && parent.name === node
  );
}

/** Reverses newImport. */
function cutOfStatement(file: ts.SourceFile, node: ts.ImportDeclaration, where: 'behind' | 'before'): Cut {
  const { text } = file;
  const start = node.getStart(file);
  if (where === 'behind') return { from: start - (/\r?\n$/.exec(text.slice(0, start))?.[0].length ?? 0), to: node.end };
  return { from: start, to: node.end + (/^(?:\r?\n){1,2}[ \t]*/.exec(text.slice(node.end))?.[0].length ?? 0) };
}

/** Reverses addToList, if the list was empty. */
function cutOfOnly(file: ts.SourceFile, list: ts.NamedImports, specifier: string): Cut {
  const from = list.getStart(file) + 1;
  if (file.text.startsWith(` ${specifier} `, from)) return { from, to: from + specifier.length + 2 };
  return { from, to: list.end - 1 };
}

/** Reverses addToList, for one name among others. */
function cutsOfOne(file: ts.SourceFile, { elements }: ts.NamedImports, element: ts.ImportSpecifier): Cut[] {
  const { text } = file;
  const index = elements.indexOf(element);
  const start = element.getStart(file);
  const next = elements[index + 1]?.getStart(file);
  const comma = text.indexOf(',', element.end) + 1;
  if (next !== undefined) return [{ from: start, to: text.slice(comma, next).trim() === '' ? next : comma }];

  const from = start - (/(?:\r?\n[ \t]*| )$/.exec(text.slice(0, start))?.[0].length ?? 0);
  if (elements.hasTrailingComma) return [{ from, to: comma }];
  const before = elements[index - 1]?.end ?? start;
  const commaBefore = text.indexOf(',', before);
  return [
    { from: commaBefore, to: commaBefore + 1 },
    { from: Math.max(from, commaBefore + 1), to: element.end },
  ];
}
