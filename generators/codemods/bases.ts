/** The classes that the class of a task extends, in its own file and in others. */

import { ts } from 'ts-morph';
import { classNamed, extendedBy, findDefaultExport, type TaskClass } from './task-class.ts';

/** A file of the same project, by the specifier of an import; undefined where it is none, or cannot be read. */
export type ReadModule = (
  specifier: string,
  from: string,
) => { readonly source: string; readonly fileName: string } | undefined;

export interface Base {
  readonly node: ts.ClassLikeDeclaration;
  readonly file: ts.SourceFile;
  /** As messages show it. */
  readonly fileName: string;
}

/** Returns the classes that a task's class extends, nearest first, as far as they can be found. */
export function basesOf(task: TaskClass, fileName: string, read: ReadModule | undefined): Base[] {
  const file = task.node.getSourceFile();
  const bases: Base[] = task.chain.slice(1).map((node) => ({ node, file, fileName }));
  let last: Base | undefined = { node: task.chain.at(-1) ?? task.node, file, fileName };
  while (last) {
    last = baseOf(last, read);
    // Two files may extend each other, as nobody would write it; no file is read twice.
    if (!last || bases.some((other) => other.fileName === last?.fileName && other.node.pos === last.node.pos)) break;
    bases.push(last);
  }
  return bases;
}

function baseOf({ node, file, fileName }: Base, read: ReadModule | undefined): Base | undefined {
  const name = extendedBy(node);
  if (!name || !ts.isIdentifier(name)) return undefined;
  const here = classNamed(name, file);
  if (here) return { node: here, file, fileName };
  const found = importOf(name.text, file);
  const module = found && read?.(found.specifier, fileName);
  if (!module) return undefined;
  const other = ts.createSourceFile(module.fileName, module.source, ts.ScriptTarget.Latest, true);
  const base = exportedClass(found.name, other);
  return base && { node: base, file: other, fileName: module.fileName };
}

/** Returns what a name is imported from, and as what. */
function importOf(local: string, file: ts.SourceFile): { specifier: string; name: string } | undefined {
  for (const { importClause, moduleSpecifier } of file.statements.filter(ts.isImportDeclaration)) {
    if (!ts.isStringLiteral(moduleSpecifier)) continue;
    const specifier = moduleSpecifier.text;
    if (importClause?.name?.text === local) return { specifier, name: 'default' };
    const bindings = importClause?.namedBindings;
    const element =
      bindings && ts.isNamedImports(bindings) && bindings.elements.find(({ name }) => name.text === local);
    if (element) return { specifier, name: (element.propertyName ?? element.name).text };
  }
  return undefined;
}

function exportedClass(name: string, file: ts.SourceFile): ts.ClassLikeDeclaration | undefined {
  if (name === 'default') return classNamed(findDefaultExport(file)?.expression, file);
  for (const { exportClause } of file.statements.filter(ts.isExportDeclaration)) {
    const list = exportClause && ts.isNamedExports(exportClause) ? exportClause.elements : [];
    const element = list.find((each) => each.name.text === name);
    if (element) return classNamed(element.propertyName ?? element.name, file);
  }
  return classNamed(ts.factory.createIdentifier(name), file);
}
