/** Reads a task file and finds the task's class: the runtime takes the default export. */

import { ts } from 'ts-morph';
import { lineOf } from './insertion.ts';
import type { Refusal } from './refusal.ts';

export interface TaskClass {
  readonly node: ts.ClassLikeDeclaration;
  /** The class itself, then the classes that it extends, nearest first, as far as they are in the same file. */
  readonly chain: readonly ts.ClassLikeDeclaration[];
  /** The module that the file imports Parallelizable from. */
  readonly module: string;
  /** Item and Result, if `implements Parallelizable<…>` of the class, or of one that it extends, names them. */
  readonly typeArguments: readonly ts.TypeNode[];
}

/**
 * Returns the syntax tree of a source. Refuses a source that is not TypeScript, has syntax errors, or has conflict
 * markers.
 */
export function parse(source: string, fileName: string): ts.SourceFile | Refusal {
  if (!/\.[cm]?tsx?$/.test(fileName)) {
    return {
      line: 1,
      reason: `${fileName} is not TypeScript by its name, and hooks are written with types`,
      remedy: 'Name it .ts, or write the hook by hand.',
    };
  }
  const marker = /^(?:<{7}|>{7})(?: .*)?$/m.exec(source);
  if (marker) {
    return {
      line: source.slice(0, marker.index).split('\n').length,
      reason: 'a merge is not finished here: this line is a conflict marker',
      remedy: 'Finish the merge first.',
    };
  }
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true);
  // TypeScript reports nothing for a declaration file, because it has no output: so give it another name.
  const name = file.isDeclarationFile ? 'declarations.ts' : fileName;
  const options = { fileName: name, reportDiagnostics: true, compilerOptions: { target: ts.ScriptTarget.Latest } };
  const error = ts.transpileModule(source, options).diagnostics?.find((each) => each.start !== undefined);
  if (error?.start === undefined) return file;
  return {
    line: lineOf(file, error.start),
    reason: `this is not valid TypeScript: ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}`,
    remedy: 'Correct it first; `npm run typecheck` shows the rest.',
  };
}

/** Returns the task's class. Refuses if there is none, or if there are several. */
export function findTaskClass(file: ts.SourceFile): TaskClass | Refusal {
  if (file.isDeclarationFile) {
    return {
      line: 1,
      reason: 'this file declares types only',
      remedy: 'Use the file that has the class of the task itself.',
    };
  }
  const exported = findDefaultExport(file);
  if (exported) {
    const node = classNamed(exported.expression, file);
    if (node) return taskClass(node, file);
    return {
      line: lineOf(file, exported.statement.getStart(file)),
      reason: 'the default export is not a class of this file',
      remedy: 'Use the file that declares the class, or make the class of the task the default export of this one.',
    };
  }
  const [first, ...more] = classesOf(file).filter((each) => parallelizableOf(each, file) !== undefined);
  if (first && more.length === 0) return taskClass(first, file);
  const lines = [first, ...more].flatMap((each) => (each ? lineOf(file, each.getStart(file)) : []));
  return {
    line: lines[0] ?? 1,
    reason: first
      ? `there are several tasks, at the lines ${lines.join(', ')}, and none of them is the default export`
      : 'there is no class here that is the default export or implements Parallelizable',
    remedy: 'Make the class of the task the default export: `export default class … implements Parallelizable<Item>`.',
  };
}

/** Returns the name of a member; for a computed name, if it is a string or a string constant of this file. */
export function memberName(member: ts.ClassElement): string | undefined {
  const { name } = member;
  if (!name) return undefined;
  return ts.isComputedPropertyName(name) ? computedName(name.expression) : name.text;
}

function computedName(expression: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(expression)) return expression.text;
  if (!ts.isIdentifier(expression)) return undefined;
  const constants = expression.getSourceFile().statements.filter(ts.isVariableStatement);
  const found = constants
    .flatMap(({ declarationList }) => declarationList.declarations)
    .find((each) => ts.isIdentifier(each.name) && each.name.text === expression.text)?.initializer;
  const value = found && ts.isAsExpression(found) ? found.expression : found;
  return value && ts.isStringLiteralLike(value) ? value.text : undefined;
}

/** Returns whether a member is static. */
export function isStatic(member: ts.ClassElement): boolean {
  return ts.canHaveModifiers(member) && hasModifier(member, ts.SyntaxKind.StaticKeyword);
}

/** Returns the instance member of a class with this name; does not look at the classes that it extends. */
export function memberCalled(node: ts.ClassLikeDeclaration, name: string): ts.Node | undefined {
  const member = node.members.find((each) => memberName(each) === name && !isStatic(each));
  if (member) return member;
  const built = node.members.find(ts.isConstructorDeclaration);
  return built?.parameters.find(
    (each) => ts.isParameterPropertyDeclaration(each, built) && each.name.getText() === name,
  );
}

/** Returns whether a class itself has a method of this name. */
export function hasMethod(node: ts.ClassLikeDeclaration, name: string): boolean {
  const there = memberCalled(node, name);
  return there !== undefined && ts.isMethodDeclaration(there);
}

/**
 * Returns the text of each member of a class, except those with the given names. The result is equal for two classes
 * that differ only in those members.
 */
export function whatElse({ node }: TaskClass, names: readonly string[]): string[] {
  return node.members
    .filter((each) => isStatic(each) || !names.includes(memberName(each) ?? ''))
    .map((each) => `${each.kind} ${each.getText()}`);
}

function taskClass(node: ts.ClassLikeDeclaration, file: ts.SourceFile): TaskClass {
  const chain = [node];
  for (let base = baseOf(node, file); base && !chain.includes(base); base = baseOf(base, file)) chain.push(base);
  // A generic base class implements the interface for its own type parameters, which mean nothing outside it.
  const clause = chain
    .filter((each) => each === node || !each.typeParameters)
    .flatMap((each) => parallelizableOf(each, file) ?? [])[0];
  return { node, chain, module: moduleOfParallelizable(file) ?? '#divvy', typeArguments: clause?.typeArguments ?? [] };
}

/** Returns the statement of the default export, and the exported expression, if it is in this file. */
export function findDefaultExport(
  file: ts.SourceFile,
): { statement: ts.Statement; expression: ts.Node | undefined } | undefined {
  for (const statement of file.statements) {
    if (ts.isExportAssignment(statement)) return { statement, expression: statement.expression };
    if (ts.canHaveModifiers(statement) && hasModifier(statement, ts.SyntaxKind.DefaultKeyword)) {
      return { statement, expression: statement };
    }
    if (ts.isExportDeclaration(statement) && statement.exportClause && ts.isNamedExports(statement.exportClause)) {
      const specifier = statement.exportClause.elements.find((each) => each.name.text === 'default');
      if (specifier) {
        return {
          statement,
          expression: statement.moduleSpecifier ? undefined : (specifier.propertyName ?? specifier.name),
        };
      }
    }
  }
  return undefined;
}

/** Returns the class that an expression is or names, if it is in this file. */
export function classNamed(expression: ts.Node | undefined, file: ts.SourceFile): ts.ClassLikeDeclaration | undefined {
  if (!expression) return undefined;
  if (ts.isClassLike(expression)) return isAmbient(expression) ? undefined : expression;
  if (
    ts.isParenthesizedExpression(expression) ||
    ts.isAsExpression(expression) ||
    ts.isSatisfiesExpression(expression)
  ) {
    return classNamed(expression.expression, file);
  }
  if (!ts.isIdentifier(expression)) return undefined;
  for (const statement of file.statements) {
    if (ts.isClassDeclaration(statement) && statement.name?.text === expression.text)
      return classNamed(statement, file);
    if (!ts.isVariableStatement(statement)) continue;
    const { declarations } = statement.declarationList;
    const declaration = declarations.find((each) => ts.isIdentifier(each.name) && each.name.text === expression.text);
    if (declaration) return classNamed(declaration.initializer, file);
  }
  return undefined;
}

function baseOf(node: ts.ClassLikeDeclaration, file: ts.SourceFile): ts.ClassLikeDeclaration | undefined {
  return classNamed(extendedBy(node), file);
}

/** Returns the expression after `extends`. */
export function extendedBy(node: ts.ClassLikeDeclaration): ts.Expression | undefined {
  return node.heritageClauses?.find((each) => each.token === ts.SyntaxKind.ExtendsKeyword)?.types[0]?.expression;
}

/** Returns all classes of a file, including those inside expressions. */
function classesOf(file: ts.SourceFile): ts.ClassLikeDeclaration[] {
  const classes: ts.ClassLikeDeclaration[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isClassLike(node) && !isAmbient(node)) classes.push(node);
    ts.forEachChild(node, look);
  };
  look(file);
  return classes;
}

/** Returns the `Parallelizable<…>` that a class implements, under whichever name the file imports it. */
function parallelizableOf(
  node: ts.ClassLikeDeclaration,
  file: ts.SourceFile,
): ts.ExpressionWithTypeArguments | undefined {
  const clause = node.heritageClauses?.find((each) => each.token === ts.SyntaxKind.ImplementsKeyword);
  const names = new Set(['Parallelizable', ...importsOfParallelizable(file).map(({ local }) => local)]);
  return clause?.types.find(({ expression }) =>
    ts.isPropertyAccessExpression(expression)
      ? expression.name.text === 'Parallelizable'
      : ts.isIdentifier(expression) && names.has(expression.text),
  );
}

function moduleOfParallelizable(file: ts.SourceFile): string | undefined {
  const [named] = importsOfParallelizable(file);
  if (named) return named.module;
  for (const clause of classesOf(file).flatMap((each) => parallelizableOf(each, file) ?? [])) {
    if (!ts.isPropertyAccessExpression(clause.expression)) continue;
    const namespace = clause.expression.expression.getText(file);
    const statement = file.statements.filter(ts.isImportDeclaration).find(({ importClause }) => {
      const bindings = importClause?.namedBindings;
      return bindings && ts.isNamespaceImport(bindings) && bindings.name.text === namespace;
    });
    if (statement && ts.isStringLiteral(statement.moduleSpecifier)) return statement.moduleSpecifier.text;
  }
  return undefined;
}

function importsOfParallelizable(file: ts.SourceFile): { module: string; local: string }[] {
  return file.statements.filter(ts.isImportDeclaration).flatMap(({ importClause, moduleSpecifier }) => {
    const bindings = importClause?.namedBindings;
    if (!bindings || !ts.isNamedImports(bindings) || !ts.isStringLiteral(moduleSpecifier)) return [];
    return bindings.elements
      .filter((each) => (each.propertyName ?? each.name).text === 'Parallelizable')
      .map((each) => ({ module: moduleSpecifier.text, local: each.name.text }));
  });
}

function isAmbient(node: ts.ClassLikeDeclaration): boolean {
  return hasModifier(node, ts.SyntaxKind.DeclareKeyword);
}

function hasModifier(node: ts.HasModifiers, kind: ts.SyntaxKind): boolean {
  return ts.getModifiers(node)?.some((each) => each.kind === kind) ?? false;
}
