/** Finds faults in a template's TypeScript: in its syntax, in the places of answers, in the imports of its test. */

import { ts } from 'ts-morph';
import { fillLiterals, type Text } from './literals.ts';
import type { Refusal } from './refusal.ts';
import { parse } from './task-class.ts';

interface Fault {
  readonly line: number;
  readonly reason: string;
}

/**
 * Returns the faults of a source. Pure.
 *
 * texts - the words in it that answers replace, each with the most hostile answer.
 */
export function faultsOfSource(source: string, fileName: string, texts: readonly Text[]): Fault[] {
  const file = parse(source, fileName);
  if ('remedy' in file) return [file];
  const faults: Fault[] = texts.flatMap((text): readonly Refusal[] => {
    const filled = fillLiterals(source, fileName, [text]);
    return 'refusals' in filled ? filled.refusals : [];
  });
  if (faults.length > 0 || texts.length === 0) return faults;
  const filled = fillLiterals(source, fileName, texts);
  const after = 'text' in filled ? parse(filled.text, fileName) : undefined;
  return after !== undefined && 'remedy' in after
    ? [{ ...after, reason: `with an answer in it, ${after.reason}` }]
    : [];
}

/** The functions that node:test and the other test runners all have. */
const EVERYWHERE = ['test', 'it', 'describe', 'before', 'after', 'beforeEach', 'afterEach'];
const NODE_TEST = 'node:test';

/**
 * Returns the faults of a template's test: `divvy add` must be able to turn it into a test for another runner. Pure.
 *
 * task - the specifier that it has to import the task from.
 */
export function faultsOfTest(source: string, fileName: string, task: string): Fault[] {
  const file = ts.createSourceFile(fileName, source, ts.ScriptTarget.Latest, true);
  const faults: Fault[] = [];
  const add = (node: ts.Node, reason: string) =>
    faults.push({ line: file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1, reason });
  let tests = 0;
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) {
      const isImport = ts.isImportDeclaration(node.parent);
      if (node.text.startsWith(NODE_TEST) && !(isImport && node.text === NODE_TEST))
        add(node, `only import { … } from '${NODE_TEST}' can be made an import of another runner's`);
      if (node.text.endsWith(task.slice(task.indexOf('tasks/'))) && node.getText(file) !== `'${task}'`)
        add(node, `the task has to be written '${task}', with these quotes: it may be elsewhere, and is replaced`);
    }
    if (
      ts.isImportDeclaration(node) &&
      ts.isStringLiteral(node.moduleSpecifier) &&
      node.moduleSpecifier.text === NODE_TEST
    ) {
      const reason = whyNotImport(node, file);
      if (reason !== undefined) add(node, reason);
      else if (!namesOf(node).includes('mock') && ++tests > 1)
        add(node, `there are two imports from ${NODE_TEST}: make one of them`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return faults;
}

const namesOf = ({ importClause }: ts.ImportDeclaration): string[] => {
  const bindings = importClause?.namedBindings;
  return bindings && ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : [];
};

function whyNotImport(node: ts.ImportDeclaration, file: ts.SourceFile): string | undefined {
  const text = node.getText(file);
  if (!/^import \{ \w+(, \w+)* \} from 'node:test';$/.test(text))
    return `what is imported from ${NODE_TEST} has to be in one line, such as: import { before, test } from '${NODE_TEST}';`;
  const names = namesOf(node);
  if (names.join() === 'mock') return undefined;
  if (names.includes('mock')) return `mock has to be in an import of its own: import { mock } from '${NODE_TEST}';`;
  const strange = names.find((name) => !EVERYWHERE.includes(name));
  return strange === undefined
    ? undefined
    : `${strange} is what ${NODE_TEST} has and others do not; there are: ${EVERYWHERE.join(', ')}`;
}
