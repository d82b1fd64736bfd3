// Hooks put into every class that the installed packages carry, and taken out again: real code, in everybody's style.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ts } from 'ts-morph';
import { describe, expect, test } from 'vitest';
import { addHooks } from '../../generators/codemods/hook.ts';
import { removeHooks } from '../../generators/codemods/hook-removal.ts';
import { isRefusal } from '../../generators/codemods/refusal.ts';
import { findDefaultExport, parse } from '../../generators/codemods/task-class.ts';
import { contract } from './sources.ts';

const modules = join(import.meta.dirname, '../../node_modules');
const fileName = 'nightly.ts';

/** Those that ask nothing of the class: no class here says what its items are. */
const hooks = ['total', 'beforeRun', 'afterRun', 'beforeFork', 'afterFork', 'beforeExit', 'afterExit'];

/** The largest file that is looked at, in bytes; each is parsed dozens of times. */
const LARGEST = 200_000;

/** The text of a file with one of its classes as a task would have it, for each class at its top level. */
function* tasksIn(file: string): Generator<string> {
  const text = readFileSync(file, 'utf8');
  if (text.length > LARGEST || !/\bclass\b/.test(text)) return;
  const source = ts.createSourceFile(fileName, text, ts.ScriptTarget.Latest, true);
  for (const statement of source.statements) {
    if (!ts.isClassDeclaration(statement) || !statement.name) continue;
    // What is declared only is no task; without the word the same text is one.
    const declared = statement.modifiers?.find(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword);
    const open = declared ? text.slice(0, declared.getStart(source)) + text.slice(declared.end + 1) : text;
    const other = findDefaultExport(source);
    if (other && other.statement !== statement) continue;
    const task = other ? open : `${open}\nexport { ${statement.name.text} as default };\n`;
    if (!isRefusal(parse(task, fileName))) yield task;
  }
}

function check(task: string): 'added' | 'refused' {
  const added = addHooks(task, { fileName, contract, hooks });
  if (added.kind === 'unchanged') throw new Error('it has all of these hooks');
  if (added.kind === 'refused') {
    const reasons = added.refusals.map(({ reason }) => reason).join('\n');
    expect(reasons).toMatch(/cannot be put in here safely|is there already/);
    return 'refused';
  }
  expect(addHooks(added.text, { fileName, contract, hooks })).toEqual({ kind: 'unchanged' });
  const names = added.hooks.map(({ name }) => name);
  const half = removeHooks(added.text, options(names.slice(0, 3), added.inserted));
  if (half.kind !== 'changed') throw new Error(JSON.stringify(half));
  const removed = removeHooks(half.text, options(names.slice(3), half.inserted));
  expect(removed).toMatchObject({ kind: 'changed', text: task, inserted: { hooks: {}, imports: [] } });
  return 'added';
}

const options = (names: string[], inserted: Parameters<typeof removeHooks>[1]['inserted']) => ({
  ...{ fileName, contract, force: false },
  hooks: names,
  inserted,
});

describe.each([
  ['TypeScript', '**/*.ts', 1, 800],
  // Read as TypeScript, since declarations have no bodies; some of the many.
  ['JavaScript', '**/*.{js,mjs}', 6, 100],
] as const)('the classes in %s', (_, pattern, every, least) => {
  test('keep every byte', () => {
    const files = globSync(pattern, { cwd: modules }).sort();
    const counts = { added: 0, refused: 0 };
    for (const file of files.filter((__, index) => index % every === 0)) {
      for (const task of tasksIn(join(modules, file))) {
        try {
          counts[check(task)]++;
        } catch (error) {
          throw new Error(`${file}: ${String(error)}`, { cause: error });
        }
      }
    }
    expect(counts.added).toBeGreaterThan(least);
    expect(counts.refused).toBeLessThan(counts.added / 20);
  });
});
