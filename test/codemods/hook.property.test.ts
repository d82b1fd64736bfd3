import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { ts } from 'ts-morph';
import { expect, test } from 'vitest';
import { addHooks, hookNames } from '../../generators/codemods/hook.ts';

const contract = readFileSync(join(import.meta.dirname, 'contract.txt'), 'utf8');
const hooks = hookNames(contract);
const order = ['dispatch', 'process', ...hooks];

/** What may stand above the class. */
const heads = ['', '// @ts-nocheck\n', '/* A licence. */\n\n', "'use strict';\n", '/// <reference types="node" />\n'];

/** Ways to say where Parallelizable is from, each with the name that it has then. */
const imports = [
  { text: "import type { Parallelizable } from '#divvy';\n", name: 'Parallelizable' },
  { text: "import type { Run, Parallelizable, Outcome as Ending } from '#divvy';\n", name: 'Parallelizable' },
  {
    text: "import type {\n  ItemContext, // A comment.\n  Parallelizable,\n} from '#divvy'; // Types.\n",
    name: 'Parallelizable',
  },
  { text: "import type {\n  Parallelizable as Task // The contract.\n} from '#divvy';\n", name: 'Task' },
  { text: "import { PermanentError, type Parallelizable } from '#divvy';\n", name: 'Parallelizable' },
  { text: "import type * as divvy from '#divvy';\nimport { sep } from 'node:path';\n", name: 'divvy.Parallelizable' },
];

/** Ways to write a class that is the default export. */
const shapes = [
  (heritage: string, body: string) => `export default class Nightly ${heritage} ${body}\n`,
  (heritage: string, body: string) => `export default class ${heritage} ${body}\n`,
  (heritage: string, body: string) => `@known\nexport default class Nightly<T = unknown> ${heritage}\n${body}\n`,
  (heritage: string, body: string) => `abstract class Nightly ${heritage} ${body}\nexport { Nightly as default };\n`,
  (heritage: string, body: string) => `const Nightly = class Run ${heritage} ${body};\nexport default Nightly;\n`,
  (heritage: string, body: string) => `export default (class extends Object ${heritage} ${body});\n`,
];

/** Members that are no hook and end as they stand, with what is hard to tell from a class's own braces. */
const others = [
  'constructor() {}',
  `static { /* } */ console.log(\`}\${{ a: \`{\` }.a}\`); }`,
  "readonly #braces = '}{';",
  'static readonly pattern = /[}{/]\\/}/g;',
  'get size() { return 1; }',
  'set size(_value) {}',
  'close(): void;\n  close(force?: boolean): void { void force; }',
  '@known({ a: 1 }) method<T extends { a: {} }>(this: T): asserts this is T {}',
  'arrow = async (): Promise<void> => {};',
  '[Symbol.iterator]() { return [][Symbol.iterator](); }',
  '*items() { yield* []; }',
  'static beforeRun() {}',
  'method2() {};',
];

const trivia = [
  '',
  '\n',
  '// A line.\n  ',
  '/** A doc comment with a } in it. */\n  ',
  '/* one */ ',
  '\n  // ---\n\n  ',
];
const afterwards = ['\n', '\n\n', ' // Behind.\n', ' /* behind */\n\n', ' '];

const member = (text: string) =>
  fc.record({ before: fc.constantFrom(...trivia), text: fc.constant(text), after: fc.constantFrom(...afterwards) });

const present = fc.subarray(hooks).map((names) => ['dispatch', 'process', ...names].map((name) => `${name}() {}`));

const source = fc
  .record({
    mark: fc.constantFrom('', '\uFEFF'),
    head: fc.constantFrom(...heads),
    from: fc.constantFrom(...imports),
    item: fc.constantFrom('number', '{ readonly id: string }', 'Map<string, Date>, boolean'),
    shape: fc.constantFrom(...shapes),
    members: fc
      .tuple(present, fc.subarray(others))
      .chain(([own, rest]) => fc.shuffledSubarray([...own, ...rest], { minLength: own.length + rest.length }))
      .chain((texts) => fc.tuple(...texts.map(member))),
    open: fc.constantFrom('{\n', '{ // Begins.\n', '{ ', '\n{\n\n'),
    eol: fc.constantFrom('\n', '\r\n'),
    indent: fc.constantFrom('  ', '    ', '\t'),
    semicolons: fc.boolean(),
    double: fc.boolean(),
  })
  .map(({ mark, head, from, item, shape, members, open, eol, indent, semicolons, double }) => {
    const body = `${open}${members.map(({ before, text, after }) => `  ${before}${text}${after}`).join('')}}`;
    let text = head + from.text + shape(`implements ${from.name}<${item}>`, body);
    if (!semicolons) text = text.replace(/(^import .*'|^} from '#divvy');/gm, '$1');
    if (double) text = text.replaceAll("'", '"');
    return mark + text.replaceAll('  ', indent).replaceAll('\n', eol);
  });

test('whatever the class: what was there is there, in order, and only the hooks are new', () => {
  fc.assert(
    fc.property(source, fc.subarray(hooks), (input, wanted) => {
      const options = { fileName: 'tasks/nightly.ts', hooks: wanted, contract };
      const before = membersOf(input);
      const missing = wanted.filter((hook) => !before.some(({ name, isStatic }) => name === hook && !isStatic));

      const result = addHooks(input, options);
      if (missing.length === 0) {
        expect(result).toEqual({ kind: 'unchanged' });
        return;
      }
      if (result.kind !== 'changed') throw new Error(JSON.stringify(result));

      const after = membersOf(result.text);
      const isNew = ({ name, isStatic }: Member): boolean => missing.includes(name) && !isStatic;
      expect(after.filter((each) => !isNew(each))).toEqual(before);
      expect(
        after
          .filter(isNew)
          .map(({ name }) => name)
          .sort(),
      ).toEqual(missing.sort());
      for (const hook of missing) expectInPlace(hook, before, after);

      expect(isSubsequence(input, result.text)).toBe(true);
      expect(/\r\n/.test(result.text)).toBe(/\r\n/.test(input));
      expect(/[^\r]\n/.test(result.text)).toBe(/[^\r]\n/.test(input));
      expect(addHooks(result.text, options)).toEqual({ kind: 'unchanged' });
    }),
    { numRuns: 200 },
  );
});

interface Member {
  name: string;
  isStatic: boolean;
  text: string;
}

/** The members of the one class of a source that has no syntax errors. */
function membersOf(text: string): Member[] {
  const { diagnostics } = ts.transpileModule(text, { reportDiagnostics: true, fileName: 'nightly.ts' });
  expect(diagnostics?.map(({ messageText }) => messageText)).toEqual([]);
  const file = ts.createSourceFile('nightly.ts', text, ts.ScriptTarget.Latest, true);
  let found: Member[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isClassLike(node)) {
      found = node.members.map((each) => ({
        name: each.name?.getText(file) ?? '',
        isStatic:
          ts.canHaveModifiers(each) &&
          (ts.getModifiers(each) ?? []).some(({ kind }) => kind === ts.SyntaxKind.StaticKeyword),
        text: each.getText(file),
      }));
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return found;
}

/** Behind the nearest of the contract's members before it that the author had written; a class here always has one. */
function expectInPlace(hook: string, before: readonly Member[], after: readonly Member[]): void {
  const named = (members: readonly Member[], name: string): number =>
    members.findIndex((each) => each.name === name && !each.isStatic);
  const earlier = order.slice(0, order.indexOf(hook));
  const anchor = earlier.findLast((name) => named(after, name) !== -1) ?? '';
  const between = after.slice(named(after, anchor) + 1, named(after, hook));
  expect(between.filter(({ text }) => text !== ';')).toEqual([]);
  expect(named(before, hook)).toBe(-1);
}

function isSubsequence(part: string, whole: string): boolean {
  let found = 0;
  for (const character of whole) if (part.startsWith(character, found)) found += character.length;
  return found === part.length;
}
