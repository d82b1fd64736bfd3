// What a printer of syntax trees does to a file that it edits, each seen with ts-morph as it comes: none of it happens here.
import { describe, expect, test } from 'vitest';
import { addHooks } from '../../generators/codemods/hook.ts';
import { removeHooks } from '../../generators/codemods/hook-removal.ts';
import { contract } from './sources.ts';

const TASK = [
  "import type { Parallelizable } from '#divvy';",
  '',
  'export default class Nightly implements Parallelizable<number> {',
  '  *dispatch() {',
  '    yield 1;',
  '  }',
  '}',
  '',
].join('\n');

const options = { fileName: 'nightly.ts', contract, hooks: ['beforeRun'] };

function added(source: string, hooks = options.hooks): string {
  const result = addHooks(source, { ...options, hooks });
  if (result.kind !== 'changed') throw new Error(JSON.stringify(result));
  return result.text;
}

function refusals(source: string): string[] {
  const results = [addHooks(source, options), removeHooks(source, { ...options, force: true })];
  return results.map((result) =>
    result.kind === 'refused' ? `${result.refusals[0].line}: ${result.refusals[0].reason}` : '',
  );
}

describe('what is kept', () => {
  test('CRLF and tabs: no line ends otherwise, none begins with spaces', () => {
    const text = added(TASK.replaceAll('  ', '\t').replaceAll('\n', '\r\n'));
    expect(text).not.toMatch(/[^\r]\n/);
    expect(text).not.toMatch(/\n +[^ *]/);
    expect(text).toContain('\r\n\tbeforeRun(run: Run): void {\r\n\t\tvoid run;');
  });

  test('a byte order mark', () => expect(added(`\uFEFF${TASK}`).indexOf('\uFEFFimport')).toBe(0));

  test('// @ts-nocheck stays above every statement', () => {
    const text = added(TASK.replace(/^import.*\n/, '// @ts-nocheck\n').replace('Parallelizable<number>', 'Object'));
    expect(text).toMatch(/^\/\/ @ts-nocheck\n+import type \{ Run \} from '#divvy';\n/);
  });

  test('a shebang, in a file without an import', () => {
    const text = added(
      TASK.replace(/^import.*\n/, '#!/usr/bin/env node\n').replace('Parallelizable<number>', 'Object'),
    );
    expect(text).toMatch(/^#!\/usr\/bin\/env node\n+import type \{ Run \} from '#divvy';\n/);
  });

  test('a list of imports on several lines, to its end', () => {
    const text = added(TASK.replace('{ Parallelizable }', '{\n  Parallelizable, // Yes.\n}'));
    expect(text).toContain("import type {\n  Parallelizable, // Yes.\n  Run,\n} from '#divvy';");
  });

  test('a comment behind a statement, and behind a member', () => {
    const text = added(TASK.replace("'#divvy';", "'#divvy'; // Types.").replace('  }\n}', '  } // All.\n}'));
    expect(text).toContain("Run } from '#divvy'; // Types.\n");
    expect(text).toContain('  } // All.\n\n  /** Runs in the master');
  });
});

describe('what is refused, or is nothing to do', () => {
  test('a second method of the same name', () => {
    expect(addHooks(added(TASK), options)).toEqual({ kind: 'unchanged' });
  });

  test('a syntax error, inside the class and outside', () => {
    const reason = expect.stringMatching(/^[57]: this is not valid TypeScript/);
    expect(refusals(TASK.replace('yield 1;', 'yield 1 1;'))).toEqual([reason, reason]);
    expect(refusals(`${TASK}const = 1;\n`.replace(/\n\n/, '\n'))).toEqual([reason, reason]);
  });

  test.each(['\n', '\r\n'])('the markers of a merge, where lines end in %j', (eol) => {
    const half = TASK.replace('    yield 1;\n', '<<<<<<< ours\n    yield 1;\n=======\n    yield 2;\n>>>>>>> theirs\n');
    const reason = '5: a merge is not finished here: this line is a conflict marker';
    expect(refusals(half.replaceAll('\n', eol))).toEqual([reason, reason]);
  });
});

test('a class that is an expression is found', () => {
  const text = added(
    TASK.replace('export default class', 'const Task = class').replace(/\}\n$/, '};\nexport default Task;\n'),
  );
  expect(text).toContain('  beforeRun(run: Run): void {');
});

test('every hook at once: the text before, between and behind is as it was', () => {
  const text = added(TASK, ['key', 'total', 'afterRun']);
  const [head = '', tail = ''] = TASK.split('  *dispatch');
  expect(text.startsWith(head.replace('Parallelizable }', 'Parallelizable, Run, RunResult }'))).toBe(true);
  expect(text).toContain(`  *dispatch${tail.slice(0, -2)}`);
  expect(text.endsWith('}\n}\n')).toBe(true);
});
