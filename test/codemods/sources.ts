// Sources of tasks as somebody might have written them: every kind of class, member, comment and style.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { hooksIn } from '../../generators/codemods/hook.ts';

export const contract: string = readFileSync(join(import.meta.dirname, 'contract.txt'), 'utf8');
export const hooks: readonly string[] = hooksIn(contract).map(({ name }) => name);

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

const present = fc.subarray([...hooks]).map((names) => ['dispatch', 'process', ...names].map((name) => `${name}() {}`));

/** The text of a task file. */
export const source: fc.Arbitrary<string> = fc
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

/** Sources with hardly anything in them, where what is put in stands alone. */
export const bareSource: fc.Arbitrary<string> = fc
  .record({
    mark: fc.constantFrom('', '\uFEFF', '#!/usr/bin/env node\n'),
    head: fc.constantFrom(
      ...[
        '',
        '// @ts-nocheck\n',
        '// @ts-nocheck\n\n',
        '/** A licence. */\n\n',
        "'use strict';\n",
        "'use strict'; // Yes.\n\n",
      ],
      ...[
        "import '#divvy';\n",
        "import {} from '#divvy';\n",
        "import type { } from '#divvy';\n",
        "import a from '#divvy';\n",
      ],
      ...["import type {} from '#divvy'\n\n\n", "import { type Run, type Outcome } from '#divvy'; /* them */\n"],
      ...["import {type ItemError,type WorkerSelf} from '#divvy';\n", "import type {Zebra,Apple} from '#divvy';\n"],
      ...['import type {\n  Run,\n  // The last.\n  WorkerExit // here\n} from "#divvy";\n'],
      ...['import type {\n  Zebra, Apple,\n\n  WorkerExit, // here\n} from "#divvy";\n', '/** Of the class. */\n'],
    ),
    name: fc.constantFrom('class Nightly', 'class', 'abstract class Nightly<T>', 'class Run'),
    body: fc.constantFrom(
      ...[
        '{}',
        '{ }',
        '{\n}',
        '{\n\n}',
        '{  \n}',
        '{ // Begins.\n}',
        '{ /* one */ }',
        '{;}',
        '{;;\n}',
        '{\n  // Ends.\n}',
      ],
      ...[
        '{ a() {} }',
        '{ a() {} b() {} }',
        '{\n  a() {}  \n}',
        '{\n  a() {}\n\n}',
        '{\n  a() {} // Behind.\n\n  b() {}\n}',
      ],
      ...[
        '{ static {} }',
        '{ process() {} }',
        '{ process() {} afterRun() {} }',
        '{\n  key() { return `}` };\n  process() {}\n}',
      ],
      ...['{\n\ta = 1;\n\n\n\tb() {} }', '{ a = 1; }', '{ a }', '{ a\n}', '{ dispatch() {} } '],
    ),
    tail: fc.constantFrom('', '\n', '\n\n', ' // The end.', ' export {};\n'),
    eol: fc.constantFrom('\n', '\r\n'),
  })
  .map(({ mark, head, name, body, tail, eol }) =>
    `${mark}${head}export default ${name} implements Parallelizable<number> ${body}${tail}`.replaceAll('\n', eol),
  );
