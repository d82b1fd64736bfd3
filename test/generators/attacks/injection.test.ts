// Answers are texts, whatever is in them: none becomes code, structure, or a name.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { ts } from 'ts-morph';
import { describe, expect, test } from 'vitest';
import { fillLiterals } from '../../../generators/codemods/literals.ts';
import { templateFiles } from '../../../generators/rendering/files.ts';
import { type Answer, textsIn, withNames, withTexts } from '../../../generators/rendering/placeholders.ts';
import { createDivvyTask, freshFolder, treeOf } from '../commands.ts';
import { divvyHere } from '../in-process.ts';
import {
  expectRefused,
  inMemory,
  packageFolder,
  putFiles,
  refusalOf,
  taskText,
  templateFolder,
  textOf,
} from './hostile.ts';

const EVIL = [
  "'; process.exit(1); '",
  '"; process.exit(1); "',
  '`; process.exit(1); `',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what an enemy would write
  '${process.exit(1)}',
  '$',
  '{x}',
  '\\',
  "\\'",
  '\\"',
  '\\`',
  '\\u{41}',
  'x\n"use evil";',
  '\r',
  '\u2028process.exit(1)',
  '\u2029',
  '\u0000',
  '\ud800',
  '*/ process.exit(1) /*',
  '// x',
  '</script>',
  '$&',
  "$'",
  '$1',
  'example-b',
  'ExampleTask',
  'vendor/divvy',
  '__proto__',
];

const value = fc.oneof(
  fc.constantFrom(...EVIL),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.array(fc.constantFrom(...EVIL), { maxLength: 4 }).map((parts) => parts.join('')),
);

/** Text that stands around a placeholder in a literal, and belongs there whatever the quote is. */
const around = fc.array(
  fc.constantFrom(' ', 'é', ' / ', '.', '\\n', "\\'", '\\"', '\\`', '\\$', '\\u0041 ', '$ ', '{', '}', '//', '/*'),
  {
    maxLength: 4,
  },
);
const inside = fc
  .array(fc.tuple(around, fc.constantFrom('example-a', 'example-b', 'word')), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.map(([before, word]) => `${before.join('')} ${word} `).join(''));

const literal = fc.tuple(fc.constantFrom("'", '"', '`'), inside, fc.boolean()).map(([quote, text, isMixed]) => {
  const body = text.replaceAll(quote, `\\${quote}`).replaceAll(`\\\\${quote}`, `\\${quote}`);
  const safe = quote === '`' ? body.replaceAll('$ {', '$ x{') : body;
  return quote === '`' && isMixed ? `\`${safe}\${1 + 1}${safe}\${name}${safe}\`` : `${quote}${safe}${quote}`;
});
const frame = fc.constantFrom(
  'export const x = LITERAL;',
  "export const x = { key: LITERAL, [LITERAL]: 1, 'other': [LITERAL] };",
  'class A { static x = LITERAL; [LITERAL]() { return LITERAL; } }',
  'console.log(LITERAL, /* a comment */ LITERAL + LITERAL); // another',
  'switch (name) { case LITERAL: break; default: throw new Error(LITERAL); }',
  'const y = (name: string = LITERAL): string => name ? LITERAL : LITERAL;',
);
const source = fc
  .array(fc.tuple(frame, fc.array(literal, { minLength: 3, maxLength: 3 })), { minLength: 1, maxLength: 3 })
  .map((all) =>
    all
      .map(([text, literals]) => {
        let index = 0;
        return text.replaceAll('LITERAL', () => literals[index++ % literals.length] ?? "''");
      })
      .join('\n'),
  );

interface Token {
  readonly kind: ts.SyntaxKind;
  readonly text: string;
}

/** Every token of a source; of a literal its value. */
function tokensOf(text: string): Token[] {
  const file = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true);
  const tokens: Token[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isStringLiteralLike(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node)
    ) {
      tokens.push({ kind: node.kind, text: node.text });
    } else if (node.getChildCount(file) === 0) tokens.push({ kind: node.kind, text: node.getText(file) });
    for (const child of node.getChildren(file)) visit(child);
  };
  visit(file);
  return tokens;
}

const answersOf = (a: string, b: string): Answer[] => [
  { name: 'a', value: a, isName: false },
  { name: 'b', value: b, isName: false },
];
const fill = (text: string, a: string, b = 'b', file = 'x.ts') =>
  fillLiterals(
    text,
    file,
    textsIn(text, answersOf(a, b)).map(({ word, answer }) => ({ word, value: answer.value })),
  );
const expected = (text: string, a: string, b: string) =>
  text.replace(/(?<![\w\\-])example-(a|b)(?![\w-])/g, (_, name) => (name === 'a' ? a : b));

describe('in TypeScript', () => {
  test('whatever the answers, only values of literals change, and to what they should be', () => {
    let filled = 0;
    fc.assert(
      fc.property(source, value, value, (text, a, b) => {
        const before = tokensOf(text);
        const result = fill(text, a, b);
        if ('refusals' in result) throw new Error(`${text}\n${JSON.stringify(result.refusals)}`);
        const after = tokensOf(result.text);
        expect(after.map(({ kind }) => kind)).toEqual(before.map(({ kind }) => kind));
        for (const [index, token] of before.entries()) {
          const isLiteral = [
            ts.SyntaxKind.StringLiteral,
            ts.SyntaxKind.NoSubstitutionTemplateLiteral,
            ts.SyntaxKind.TemplateHead,
            ts.SyntaxKind.TemplateMiddle,
            ts.SyntaxKind.TemplateTail,
          ].includes(token.kind);
          expect(after[index]?.text).toBe(isLiteral ? expected(token.text, a, b) : token.text);
          if (isLiteral && token.text.includes('example-')) filled++;
        }
      }),
      { numRuns: 400 },
    );
    expect(filled).toBeGreaterThan(400);
  });

  test.each([
    ['a comment', '// example-a\n'],
    ['a comment of a block', '/* example-a */\n'],
    ['a regular expression', 'const x = /example-a/;\n'],
    ['an expression', 'const x = 5 - example-a;\n'],
    ['an import', "import x from 'example-a';\n"],
    ['an import of a part', "import x from './example-a/index.ts';\n"],
    ['an import for its effects', "import 'example-a';\n"],
    ['an export', "export * from 'example-a';\n"],
    ['an import of a type', "type X = import('example-a').X;\n"],
    ['an import in a call', "await import('example-a');\n"],
    ['an import in a call, in parts', "await import('./x/' + 'example-a');\n"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a part of a source
    ['an import in a call, as a template', 'await import(`./${x}/example-a`);\n'],
    ['an import in a call, by a choice', "await import((x ? 'example-a' : 'y') as string);\n"],
    ['a require', "require('example-a');\n"],
    ['a require of an object', "module.require('example-a');\n"],
    ['an import equals', "import x = require('example-a');\n"],
    ['a module', "declare module 'example-a' {}\n"],
    ['what is evaluated', "globalThis.eval('example-a');\n"],
    ['a function made of text', "new Function('example-a');\n"],
    ['a worker', "new Worker('example-a');\n"],
    ['the name of a property', "const x = { 'example-a': 1 };\n"],
    ['the name of a method', "class X { 'example-a'() {} }\n"],
    ['the name of an import', "import { 'example-a' as x } from 'y';\n"],
    ['a tagged template', 'const x = String.raw`example-a`;\n'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a part of a source
    ['the end of a tagged template', 'const x = sql`${y} example-a`;\n'],
    ['what is no TypeScript', "const x = = 'example-a';\n"],
    ['a literal without an end', "const x = 'example-a;\n"],
  ])('%s takes no answer', (_, text) => {
    expect(fill(text, 'evil')).toHaveProperty('refusals.0.reason');
  });

  test('an attribute of JSX takes none', () => {
    expect(fill('const x = <a href="example-a" />;\n', '"onclick="x', 'b', 'x.tsx')).toHaveProperty('refusals');
    expect(fill('const x = <a>example-a</a>;\n', '{evil}', 'b', 'x.tsx')).toHaveProperty('refusals');
    expect(fill('const x = <a href={"example-a"} />;\n', '"x', 'b', 'x.tsx')).toEqual({
      text: 'const x = <a href={"\\"x"} />;\n',
    });
  });
});

test('names that are put in are no placeholders of other names', () => {
  const answers = [
    { name: 'a', value: 'example-b', isName: true },
    { name: 'b', value: 'evil', isName: true },
  ];
  expect(withNames('example-task example-a example-b', 'example-a', answers)).toBe('example-a example-b evil');
});

describe('in JSON', () => {
  const inJson = (text: string, a: string, b = 'b') => withTexts('x.json', text, answersOf(a, b));

  test('whatever the answers, only values change', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const result = inJson(
          '{"x": "example-a", "y": ["<example-b>", 1], "z": {"q": "\\"example-a, example-b"}}',
          a,
          b,
        );
        expect('text' in result && JSON.parse(result.text)).toEqual({
          x: a,
          y: [`<${b}>`, 1],
          z: { q: `"${a}, ${b}` },
        });
      }),
    );
  });

  test.each([
    ['the name of a key', '{"example-a": 1}', '__proto__'],
    ['the name of a key that is there', '{"scripts": {}, "example-a": {}}', 'scripts'],
    ['what is no string', '{"x": example-a}', '1'],
    ['what is no string, in a list', '[[example-a]]', '1],[2'],
    ['what is no JSON', '{"x": "example-a",}', '1'],
  ])('%s takes no answer', (_, text, a) => {
    expect(inJson(text, a)).toHaveProperty('reason');
  });
});

describe('in Markdown, and for a shell', () => {
  test('all that means something in Markdown is escaped', () => {
    const evil = '<img src=x onerror=alert(1)> [x](javascript:x) `x` ![x](//x) **x** | # - ~ $(x) ; & \\';
    const result = withTexts('x.md', 'See example-a.', answersOf(evil, ''));
    const text = 'text' in result ? result.text : '';
    expect(text.replace(/\\[!-/:-@[-`{-~]/g, '')).not.toMatch(/[!"#$%&'()*+,/:;<=>?@[\\\]^`{|}~]/);
    expect(text.replace(/\\([!-/:-@[-`{-~])/g, '$1')).toBe(`See ${evil}.`);
  });

  test.each([
    '$(x)',
    '`x`',
    'a b',
    'a;b',
    'a|b',
    '-rf',
    '"',
    "'",
    '\\',
    '*',
    '~',
    'a\nb',
    'a#b',
    'a=b',
    '!x',
    '%x%',
    '<x',
    '&x',
  ])('%j stands in no file whose language is not known', (a) => {
    for (const file of ['run.sh', 'x.yml', 'x.sql', 'x.html', 'x.toml', '.env', 'x', 'x.jsonc', 'Makefile']) {
      expect(withTexts(file, 'run example-a', answersOf(a, ''))).toHaveProperty('reason');
    }
  });

  test('what a person is told to run again is quoted', async () => {
    const template = templateFolder({ prompts: [{ name: 'a', type: 'text', message: 'What?' }] });
    const cwd = freshFolder();
    const evil = "x'; touch PWNED; '";
    const ended = await createDivvyTask(['my-task', '-t', template, '-d', `a=${evil}`, '--json', '--no-git'], { cwd });
    const { replay } = JSON.parse(ended.stdout) as { replay: string };
    const words = execFileSync('sh', ['-c', `printf '%s\\n' ${replay}`], { cwd, encoding: 'utf8' }).split('\n');
    expect(words).toContain(`a=${evil}`);
  });
});

describe('the answers themselves', () => {
  const prompts = [
    { name: 'a', type: 'text', message: 'What?', default: 'x' },
    { name: 'slow', type: 'text', message: 'What?', default: 'x', pattern: '(a|a?)+$|x' },
  ];

  test.each([
    ['with more than one line', 'a\nb'],
    ['that reorders what is shown', 'a\u202eb'],
    ['that isolates', 'a\u2066b'],
    ['that cannot be seen', 'a\u200bb'],
    ['of tags that cannot be seen', 'a\u{e0041}b'],
    ['with an escape sequence', 'a\u001b[2Jb'],
    ['with one of a single character', 'a\u009b2Jb'],
    ['with a line separator', 'a\u2028b'],
    ['that is enormous', 'a'.repeat(100_000)],
  ])('one %s is refused, and nothing of it is shown raw', async (_, a) => {
    const cwd = packageFolder();
    const template = templateFolder({ prompts });
    const ended = await divvyHere(['add', 'nightly', '-t', template, '-d', `a=${a}`], cwd);
    expectRefused(ended, 2, /--data a=/);
    expect(ended.stderr.split('\n').every((line) => !/[\p{C}\u2028\u2029]/u.test(line))).toBe(true);
    expect(Object.keys(treeOf(cwd))).toEqual(['package.json']);
  });

  test('a pattern that backtracks for ever is given up', async () => {
    const cwd = packageFolder();
    const template = templateFolder({ prompts });
    const evil = `slow=${'a'.repeat(50)}!`;
    expectRefused(await divvyHere(['add', 'nightly', '-t', template, '-d', evil], cwd), 2, /pattern.*timed out/);
  });

  test('keys that every object has are none, in --data and in a file', async () => {
    const cwd = packageFolder();
    const template = templateFolder({ prompts });
    for (const key of ['__proto__', 'constructor', 'prototype', 'toString', 'a.b']) {
      expectRefused(await divvyHere(['add', 'nightly', '-t', template, '-d', `${key}=1`], cwd), 2, /does not ask for/);
    }
    for (const text of [
      '{"__proto__": {"a": "1"}}',
      '{"a": "1", "constructor": "x"}',
      '[]',
      'null',
      '{"a": {"b": 1}}',
      '{"a":"\u001b["',
    ]) {
      putFiles(cwd, { 'data.json': text });
      const ended = await divvyHere(['add', 'nightly', '-t', template, '--data-file', 'data.json'], cwd);
      expectRefused(ended, 2, /data\.json/);
      expect(ended.stderr).not.toContain('\u001b');
    }
  });

  test('one that is secret is in no lock, no message, no object, no record and no plan', async () => {
    const cwd = packageFolder();
    const secret = 'hunter2-hunter2';
    const template = templateFolder(
      { prompts: [{ name: 'token', type: 'text', message: 'Which?', secret: true, pattern: '.*2' }] },
      { 'tasks/example-task.ts': taskText() },
    );
    const wrong = await divvyHere(['add', 'nightly', '-t', template, '-d', `token=${secret}!`], cwd);
    expectRefused(wrong, 2, /token/);
    expect(wrong.stderr + wrong.stdout).not.toContain(secret);
    const given = ['-t', template, `--data=token=${secret}1`, `-dtoken=${secret}1`, '-d', `token=${secret}`, '--json'];
    const planned = await divvyHere(['add', 'nightly', ...given, '--plan', 'plan.json'], cwd);
    const ended = await divvyHere(['add', 'nightly', ...given], cwd);
    expect([planned.code, ended.code], planned.stderr + ended.stderr).toEqual([0, 0]);
    const project = join(cwd, 'sub/nightly');
    const created = await divvyHere(['create', 'sub/nightly', ...given, '--no-git'], cwd);
    expect(created.code, created.stderr).toBe(0);
    for (const folder of [cwd, project]) {
      expect(textOf(folder, '.divvy/last/record')).toContain("-d 'token=…'");
      expect(textOf(folder, 'divvy.lock.json')).toContain('"nightly"');
    }
    expect(textOf(cwd, 'plan.json')).toContain("-d 'token=…'");
    const said = [planned, ended, created].flatMap(({ stdout, stderr }) => [stdout, stderr]);
    expect(JSON.stringify([...said, treeOf(cwd)])).not.toContain(secret);
  });
});

test('the description of a template from elsewhere is text in the README', async () => {
  const template = templateFolder({ description: '![x](https://evil/x.png) <script>x</script>' });
  const cwd = freshFolder();
  const { code, stderr } = await createDivvyTask(['my-task', '-t', template, '--yes', '--no-git'], { cwd });
  expect(code, stderr).toBe(0);
  expect(textOf(join(cwd, 'my-task'), 'README.md')).not.toMatch(/(?<!\\)!\[x|(?<!\\)<script/);
});

describe('EJS, once it is trusted,', () => {
  const render = (text: string, more: Record<string, string> = {}) =>
    templateFiles(inMemory({ 'tasks/x.ts.ejs': text, ...more }), {
      task: 'nightly',
      runtimeDir: 'vendor/divvy',
      answers: [],
    });

  test.each([
    '/etc/passwd',
    '../../../../etc/passwd',
    '../x',
    './tasks/y',
    'file:///etc/passwd',
    '..\\x',
    'y/../../../x',
  ])('includes %j of no disk', async (name) => {
    const { exitCode, message } = await refusalOf(render(`<%- include(${JSON.stringify(name)}) %>`));
    expect([exitCode, message]).toEqual([3, expect.stringContaining('no file of the template')]);
  });

  test('includes what is a file of the template', async () => {
    const [file] = await render("<%- include('y.txt') %>", { 'tasks/y.txt.ejs': 'of the template' });
    expect(file?.bytes.toString()).toBe('of the template');
  });
});
