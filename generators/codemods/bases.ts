/** Finds the classes that a task's class extends, in its own file and in others. */

import { ts } from 'ts-morph';
import { classNamed, extendedBy, findDefaultExport, type TaskClass } from './task-class.ts';

/** Reads the file of the same project that an import names; undefined if there is none, or if it cannot be read. */
export type ReadModule = (
  specifier: string,
  from: string,
) => { readonly source: string; readonly fileName: string } | undefined;

export interface Base {
  readonly node: ts.ClassLikeDeclaration;
  readonly file: ts.SourceFile;
  /** The file's name for messages. */
  readonly fileName: string;
}

/** Returns the classes that a task's class extends, nearest first, as far as it can find them. */
export function basesOf(task: TaskClass, fileName: string, read: ReadModule | undefined): Base[] {
  const file = task.node.getSourceFile();
  const bases: Base[] = task.chain.slice(1).map((node) => ({ node, file, fileName }));
  let last: Base | undefined = { node: task.chain.at(-1) ?? task.node, file, fileName };
  while (last) {
    last = baseOf(last, read);
    // Two files may extend each other, though nobody would write that: stop at a class that was already found.
    if (!last || bases.some((other) => other.fileName === last?.fileName && other.node.pos === last.node.pos)) break;
    bases.push(last);
  }
  return bases;
}

function baseOf({ node, file, fileName }: Base, read: ReadModule | undefined): Base | undefined {
  const extended = extendedBy(node);
  const finder = new Finder(read);
  if (extended && ts.isIdentifier(extended)) return finder.called(extended.text, file, fileName);
  if (!extended || !ts.isPropertyAccessExpression(extended) || !ts.isIdentifier(extended.expression)) return undefined;
  const found = importOf(extended.expression.text, file);
  return found?.name === '*' ? finder.exported(found.specifier, extended.name.text, fileName) : undefined;
}

/** Follows a name to its class, through imports and re-exports; looks at each name of a file once. */
class Finder {
  readonly #read: ReadModule | undefined;
  readonly #seen = new Set<string>();

  constructor(read: ReadModule | undefined) {
    this.#read = read;
  }

  /** The class that a name means in a file: one of its own, or an imported one. */
  called(name: string, file: ts.SourceFile, fileName: string): Base | undefined {
    const here = classNamed(ts.factory.createIdentifier(name), file);
    if (here) return { node: here, file, fileName };
    const found = importOf(name, file);
    return found && this.exported(found.specifier, found.name, fileName);
  }

  /** The class that a module exports under a name, or re-exports from another module. */
  exported(specifier: string, name: string, from: string): Base | undefined {
    const module = this.#read?.(specifier, from);
    const step = `${module?.fileName} ${name}`;
    if (!module || this.#seen.has(step)) return undefined;
    this.#seen.add(step);
    const { fileName } = module;
    const file = ts.createSourceFile(fileName, module.source, ts.ScriptTarget.Latest, true);
    const lists = file.statements.filter(ts.isExportDeclaration);
    for (const { exportClause, moduleSpecifier } of lists) {
      const elements = exportClause && ts.isNamedExports(exportClause) ? exportClause.elements : [];
      const element = elements.find((each) => each.name.text === name);
      if (!element) continue;
      const local = (element.propertyName ?? element.name).text;
      return moduleSpecifier && ts.isStringLiteral(moduleSpecifier)
        ? this.exported(moduleSpecifier.text, local, fileName)
        : this.called(local, file, fileName);
    }
    if (name === 'default') {
      const expression = findDefaultExport(file)?.expression;
      if (expression && ts.isIdentifier(expression)) return this.called(expression.text, file, fileName);
      const node = classNamed(expression, file);
      return node && { node, file, fileName };
    }
    const node = classNamed(ts.factory.createIdentifier(name), file);
    if (node) return { node, file, fileName };
    for (const { exportClause, moduleSpecifier } of lists) {
      if (exportClause || !moduleSpecifier || !ts.isStringLiteral(moduleSpecifier)) continue;
      const base = this.exported(moduleSpecifier.text, name, fileName);
      if (base) return base;
    }
    return undefined;
  }
}

/** Returns the module that a name is imported from, and its name there; `*` for the whole module. */
function importOf(local: string, file: ts.SourceFile): { specifier: string; name: string } | undefined {
  for (const { importClause, moduleSpecifier } of file.statements.filter(ts.isImportDeclaration)) {
    if (!ts.isStringLiteral(moduleSpecifier)) continue;
    const specifier = moduleSpecifier.text;
    if (importClause?.name?.text === local) return { specifier, name: 'default' };
    const bindings = importClause?.namedBindings;
    if (bindings && ts.isNamespaceImport(bindings) && bindings.name.text === local) return { specifier, name: '*' };
    const element =
      bindings && ts.isNamedImports(bindings) && bindings.elements.find(({ name }) => name.text === local);
    if (element) return { specifier, name: (element.propertyName ?? element.name).text };
  }
  return undefined;
}
