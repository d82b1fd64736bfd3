/** Migrations: what a release renames, renamed in a task. Each is run twice without a second effect. */

import { ts } from 'ts-morph';
import { lineOf } from './insertion.ts';
import { isRefusal } from './refusal.ts';
import { findTaskClass, parse } from './task-class.ts';

/** What a release renames: a name that `#divvy` exports, or a member of a task, such as a hook. */
export type Migration = {
  /** kebab-case. */
  readonly name: string;
  readonly to: string;
} & ({ readonly export: string } | { readonly member: string });

/** A place that its author has to change. */
export interface ByHand {
  /** From 1. */
  readonly line: number;
  readonly reason: string;
  /** The line as it should be. */
  readonly write: string;
}

export interface Migrated {
  /** The same text if there was nothing to rename. */
  readonly text: string;
  readonly byHand: readonly ByHand[];
}

/** Renames in a source what a release renames. Leaves a source alone that cannot be parsed, or has nothing of it. */
export function migrate(source: string, fileName: string, migration: Migration): Migrated {
  const file = parse(source, fileName);
  if (isRefusal(file)) return { text: source, byHand: [] };
  return 'export' in migration
    ? renameExport(file, migration.export, migration.to)
    : renameMember(file, migration.member, migration.to);
}

const MODULE = '#divvy';

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

const replace = (file: ts.SourceFile, node: ts.Node, text: string): Edit => ({
  from: node.getStart(file),
  to: node.end,
  text,
});

function applied(source: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((text, { from, to, text: by }) => text.slice(0, from) + by + text.slice(to), source);
}

function renameExport(file: ts.SourceFile, from: string, to: string): Migrated {
  const edits: Edit[] = [];
  const byHand: ByHand[] = [];
  for (const statement of file.statements) {
    if (ts.isExportDeclaration(statement) && isOfModule(statement.moduleSpecifier)) {
      const list =
        statement.exportClause && ts.isNamedExports(statement.exportClause) ? statement.exportClause.elements : [];
      for (const each of list) edits.push(...specifierEdits(file, each, from, to));
    }
    if (!ts.isImportDeclaration(statement) || !isOfModule(statement.moduleSpecifier)) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings)) byHand.push(...uses(file, bindings.name.text, from, to));
    for (const each of bindings && ts.isNamedImports(bindings) ? bindings.elements : []) {
      if ((each.propertyName ?? each.name).text !== from) continue;
      const isSafe = each.propertyName === undefined && !isDeclared(file, to) && !isDeclared(file, from);
      edits.push(...(isSafe ? referenceEdits(file, from, to) : specifierEdits(file, each, from, to)));
    }
  }
  return { text: applied(file.text, edits), byHand };
}

const isOfModule = (specifier: ts.Expression | undefined): boolean =>
  specifier !== undefined && ts.isStringLiteral(specifier) && specifier.text === MODULE;

/** The name stays what it is in this file. */
function specifierEdits(
  file: ts.SourceFile,
  { propertyName, name }: ts.ImportSpecifier | ts.ExportSpecifier,
  from: string,
  to: string,
): Edit[] {
  if ((propertyName ?? name).text !== from) return [];
  return [propertyName ? replace(file, propertyName, to) : replace(file, name, `${to} as ${from}`)];
}

/** Whether a file declares a name itself, anywhere in it. */
function isDeclared(file: ts.SourceFile, name: string): boolean {
  const look = (node: ts.Node): boolean =>
    (ts.isIdentifier(node) && node.text === name && isDeclaration(node)) || ts.forEachChild(node, look) === true;
  return look(file);
}

function isDeclaration({ parent }: ts.Identifier): boolean {
  const named = parent as ts.Node & { readonly name?: ts.Node };
  const declares =
    ts.isVariableDeclaration(parent) ||
    ts.isParameter(parent) ||
    ts.isBindingElement(parent) ||
    ts.isFunctionLike(parent) ||
    ts.isClassLike(parent) ||
    ts.isTypeParameterDeclaration(parent) ||
    ts.isTypeAliasDeclaration(parent) ||
    ts.isInterfaceDeclaration(parent) ||
    ts.isModuleDeclaration(parent);
  return declares && named.name !== undefined && ts.isIdentifier(named.name);
}

function referenceEdits(file: ts.SourceFile, from: string, to: string): Edit[] {
  const edits: Edit[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && node.text === from) {
      if (ts.isShorthandPropertyAssignment(node.parent)) edits.push(replace(file, node, `${from}: ${to}`));
      else if (ts.isExportSpecifier(node.parent)) edits.push(...exported(file, node, from, to));
      else if (!isPropertyName(node)) edits.push(replace(file, node, to));
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return edits;
}

/** What a file exports under a name stays so. */
function exported(file: ts.SourceFile, node: ts.Identifier, from: string, to: string): Edit[] {
  const specifier = node.parent as ts.ExportSpecifier;
  if (specifier.parent.parent.moduleSpecifier !== undefined) return [];
  if (specifier.propertyName === node) return [replace(file, node, to)];
  return specifier.propertyName ? [] : [replace(file, node, `${to} as ${from}`)];
}

function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  const isMember = ts.isClassElement(parent) || ts.isTypeElement(parent) || ts.isPropertyAssignment(parent);
  return isMember && parent.name === node;
}

/** The lines that reach the name through a namespace: what else that namespace is used for nobody can tell. */
function uses(file: ts.SourceFile, namespace: string, from: string, to: string): ByHand[] {
  const word = new RegExp(String.raw`\b${namespace}\.${from}\b`, 'g');
  return file.text.split('\n').flatMap((text, index) => {
    const write = text.replace(word, `${namespace}.${to}`).trim();
    return write === text.trim() ? [] : [{ line: index + 1, reason: `${from} is called ${to} now`, write }];
  });
}

function renameMember(file: ts.SourceFile, from: string, to: string): Migrated {
  const found = findTaskClass(file);
  if (isRefusal(found)) return { text: file.text, byHand: [] };
  const { members } = found.node;
  const named = (name: string) =>
    members.filter((each) => each.name && ts.isIdentifier(each.name) && each.name.text === name);
  const [member] = named(from);
  if (member?.name === undefined) return { text: file.text, byHand: [] };
  const [other] = named(to);
  if (other !== undefined) {
    const line = lineOf(file, member.name.getStart(file));
    const reason = `${from} is called ${to} now, and the class has a ${to} already`;
    return { text: file.text, byHand: [{ line, reason, write: `// move what ${from} does into ${to}` }] };
  }
  const edits = named(from).flatMap((each) => (each.name ? [replace(file, each.name, to)] : []));
  const visit = (node: ts.Node): void => {
    const isOwn = ts.isPropertyAccessExpression(node) && node.expression.kind === ts.SyntaxKind.ThisKeyword;
    if (isOwn && node.name.text === from) edits.push(replace(file, node.name, to));
    ts.forEachChild(node, visit);
  };
  visit(found.node);
  return { text: applied(file.text, edits), byHand: [] };
}
