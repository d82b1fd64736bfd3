// The task file that the runner is given: where it may be, and every error of it, with what to do.
import { appendFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ALL_WELL, taskFile } from '../run-task.ts';
import { run, scratch } from './runner.ts';

const TASK = 'export default class Task { *dispatch() {} process() {} }';

describe('a task file that is no task', () => {
  test.each([
    [
      'syntax.ts',
      'export default clas X {}',
      70,
      /^divvy: the task file cannot be loaded: FILE: SyntaxError: .*; fix it: FILE:1\n {2}FILE:1\n {2}export default clas X \{\}\n +\^+\n$/,
    ],
    [
      'syntax.mjs',
      'export default clas X {}',
      70,
      /^divvy: the task file cannot be loaded: FILE: SyntaxError: .*; fix it; node FILE shows where it is\n$/,
    ],
    [
      'enum.ts',
      `enum E { a }\n${TASK}`,
      70,
      /^divvy: .*enum is not supported in strip-only mode; Node.js only strips types: write it without enum, namespace and parameter properties; or install tsx \(npm install --save-dev tsx\) and add --import tsx\n/,
    ],
    [
      'throws.ts',
      `${TASK}\nthrow new TypeError('at import');`,
      70,
      /^divvy: the task file cannot be loaded: FILE: TypeError: at import; fix it and run again\n {2}at .*FILE:2:7\)?\n$/,
    ],
    [
      'throws-text.ts',
      `${TASK}\nthrow 'text';`,
      70,
      /^divvy: the task file cannot be loaded: FILE: NonError: 'text'; fix it and run again\n$/,
    ],
    [
      'no-package.ts',
      `import 'no-such-package';\n${TASK}`,
      70,
      /Cannot find package 'no-such-package' imported from FILE; check the name of the import, or install the package\. If it is a path alias of tsconfig\.json, import what your build writes, such as dist\/, in place of the source; or install tsx \(npm install --save-dev tsx\) and add --import tsx\n$/,
    ],
    [
      'no-module.ts',
      `import './no-such.ts';\n${TASK}`,
      70,
      /Cannot find module '\S+no-such\.ts' imported from FILE; check the path of the import\n$/,
    ],
    [
      'no-default.ts',
      'export const a = 1;',
      70,
      /^divvy: the task file has no class as its default export \(it has no default export\): FILE; write: export default class MyTask implements Parallelizable<Item> \{ … \}\n$/,
    ],
    [
      'function.ts',
      'export default function task() {}',
      70,
      /\(it exports \[Function: task\]\): FILE; write: export default class/,
    ],
    [
      'object.ts',
      'export default { dispatch() {}, process() {} };',
      70,
      /\(it exports \{.*\}\): FILE; write: export default class/,
    ],
    [
      'no-process.ts',
      'export default class Task { *dispatch() {} }',
      70,
      /^divvy: the task class Task has no method process: FILE; add it/,
    ],
    [
      'no-dispatch.ts',
      'export default class { process() {} }',
      70,
      /^divvy: the task class \(without a name\) has no method dispatch: FILE; add it|^divvy: the task class default has no method dispatch: FILE; add it/,
    ],
    [
      'constructor.ts',
      TASK.replace('{', "{ constructor() { throw new Error('not now'); }"),
      70,
      /^divvy: the constructor of Task threw: Error: not now; it is called without arguments, by the master and by every worker: FILE\n {2}at new Task .*\n$/,
    ],
    [
      'needs-arguments.ts',
      TASK.replace('{', '{ constructor(options) { options.a; }'),
      70,
      /^divvy: the constructor of Task threw: TypeError: .*; it is called without arguments/,
    ],
    [
      'promise.ts',
      TASK.replace('*dispatch() {}', "async dispatch() { throw new Error('later'); }"),
      70,
      /divvy: dispatch did not return a generator: it returned a promise; write it as \*dispatch\(\) or async \*dispatch\(\)\n$/,
    ],
    [
      'text.ts',
      TASK.replace('*dispatch() {}', "dispatch() { return 'abc'; }"),
      70,
      /dispatch did not return a generator: it returned 'abc'; write it/,
    ],
    [
      'nothing.ts',
      TASK.replace('*dispatch() {}', 'dispatch() {}'),
      70,
      /dispatch did not return a generator: it returned undefined; write it/,
    ],
  ])('%s', (name, source, status, message) => {
    const file = join(scratch(), name);
    writeFileSync(file, source);
    const ended = run([file]);
    expect(ended.stderr.replaceAll(file, 'FILE')).toMatch(message);
    expect(ended.stderr).not.toMatch(/node:internal|file:\S*\/runtime\//);
    expect(ended).toMatchObject({ status, stdout: '' });
  });

  test('that is missing, or a folder, is exit 2', () => {
    const cwd = scratch();
    const missing = `divvy: there is no task file at ${cwd}/no.ts; check the path, which is taken from ${cwd}\n`;
    expect(run(['no.ts'], { cwd })).toEqual({ status: 2, stdout: '', stderr: missing });
    const long = 'x'.repeat(300);
    expect(run([long], { cwd })).toMatchObject({ status: 2, stdout: '' });
    expect(run([long], { cwd }).stderr).toMatch(
      /^divvy: the task file cannot be reached: ENAMETOOLONG: .*; check the path, and who may read it: .*x\n$/,
    );
    const folder = `divvy: the task file is a folder: ${cwd}; name a file, such as tasks/my-task.ts\n`;
    expect(run(['.'], { cwd })).toEqual({ status: 2, stdout: '', stderr: folder });
  });
});

describe('dispatch that throws', () => {
  test.each([
    ['at once', "dispatch() { throw new Error('no'); }", '', ''],
    [
      'after five items',
      "*dispatch() { for (let i = 1; i <= 5; i++) yield i; throw new Error('no'); }",
      ' after 5 items',
      '12345\n',
    ],
    ['while it awaits', "async *dispatch() { await Promise.reject(new Error('no')); }", '', ''],
  ])('%s: what was handed out is finished, exit 70', (_, dispatch, after, processed) => {
    const file = join(scratch(), 'task.ts');
    writeFileSync(
      file,
      `export default class Task { ${dispatch}\nprocess(item) { process.stdout.write(String(item)); } }`,
    );
    const { status, stdout, stderr } = run(['-n', '1', file]);
    expect({ status, stdout }).toEqual({ status: 70, stdout: processed });
    const finished = after === '' ? '' : '; items in progress were finished, and no more were dispatched';
    const message = `divvy: dispatch threw${after}: Error: no${finished}\n`;
    // Where there was no item, nothing else is worth a line.
    if (after === '') expect(stderr.startsWith(message)).toBe(true);
    expect(stderr).toContain(message);
    expect(stderr.split(message)[1]).toMatch(/^( {2}at .*task\.ts.*\n)*$/);
  });
});

test.each([
  ['3', 3],
  ['NaN', undefined],
  ['Infinity', undefined],
  ['-1', undefined],
  ["'3'", undefined],
])('a total of %s is taken for %s', (total, taken) => {
  const file = join(scratch(), 'task.ts');
  writeFileSync(file, `export default class Task { total() { return ${total}; } *dispatch() {} process() {} }`);
  const { status, stderr } = run(['--json', file]);
  expect(status).toBe(0);
  const started = JSON.parse(stderr.split('\n', 1)[0] ?? '');
  expect([started.type, started.total]).toEqual(['started', taken]);
});

describe('what nobody catches in the master: exit 70', () => {
  const task = (members: string): string => {
    const file = join(scratch(), 'task.ts');
    writeFileSync(file, `export default class Task { ${members} }`);
    return file;
  };

  test('items in progress are finished and counted', () => {
    const { status, stderr } = run([
      ...['-n', '1', '-c', '2'],
      task(`*dispatch() { yield 1; yield 2; yield 3; }
        async process(item) { if (item === 1) await new Promise((resolve) => setTimeout(resolve, 500)); }
        afterProcess(item) { if (item === 2) void Promise.reject(new Error('no')); }`),
    ]);
    expect({ status, stderr }).toMatchObject({
      status: 70,
      stderr: expect.stringMatching(/divvy: [23] items: [23] done\. /),
    });
    expect(stderr).toContain('divvy: nothing caught an error in the master: Error: no; the run was stopped, and ');
    expect(stderr).not.toMatch(/node:internal|runtime\/\w+\.ts/);
  });

  test('while the task file is loaded', () => {
    const file = task('');
    writeFileSync(file, `setTimeout(() => { throw new Error('no'); }); await new Promise(() => {});`);
    const { status, stderr } = run([file]);
    expect({ status, stderr }).toMatchObject({ status: 70, stderr: expect.stringContaining('Error: no; ') });
  });

  test('but the task itself', () => {
    const file = task(`async *dispatch() { void Promise.reject(new Error('no')); await null; yield 1; } process() {}`);
    appendFileSync(file, `process.on('uncaughtException', () => {});`);
    expect(run([file])).toMatchObject({ status: 0, stderr: expect.stringMatching(ALL_WELL) });
  });
});

test.each([
  ['nothing', '[Symbol.iterator]() { return { next() {} }; }', 'undefined'],
  ['a promise of nothing', '[Symbol.asyncIterator]() { return { async next() {} }; }', 'undefined'],
  ['a number', '[Symbol.iterator]() { return { next: () => 5 }; }', '5'],
])('a dispatch whose iterator gives %s', (_, member, given) => {
  const file = join(scratch(), 'task.ts');
  writeFileSync(file, `export default class Task { dispatch() { return { ${member} }; } process() {} }`);
  const { status, stderr } = run([file]);
  expect(status).toBe(70);
  expect(stderr).toContain(`divvy: dispatch threw: TypeError: next() returned ${given}, not { value, done }\n`);
});

describe('a task file anywhere', () => {
  test.each(['with space/it\'s a "task".ts', '#hash/100%25.ts', 'ünïcode/äufgabe 🎉.ts'])('%s', (name) => {
    const file = join(scratch(), name);
    mkdirSync(join(file, '..'));
    cpSync(taskFile('arguments'), file);
    const { status, stdout, stderr } = run(['-n', '1', file, 'x']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(ALL_WELL) });
    expect(stdout).toMatch(/^master .*\nworker .*\n$/);
  });

  test('in a CommonJS package, beside the runtime in its own', () => {
    const folder = scratch();
    cpSync(join(import.meta.dirname, '../../../runtime'), join(folder, 'vendor/divvy'), { recursive: true });
    writeFileSync(join(folder, 'vendor/divvy/package.json'), '{"type": "module"}');
    writeFileSync(
      join(folder, 'package.json'),
      '{"type": "commonjs", "imports": {"#divvy": "./vendor/divvy/index.ts"}}',
    );
    const source = 'module.exports = class Task { *dispatch() { yield 1; } process(item) { console.log(item); } };';
    writeFileSync(join(folder, 'task.cts'), source);
    writeFileSync(
      join(folder, 'task.mts'),
      `import { isWorkerProcess } from '#divvy';\n${TASK.replace('{}', '{ yield 1; }').replace('process() {}', 'process() { console.log(isWorkerProcess()); }')}`,
    );
    const runner = join(folder, 'vendor/divvy/run.mjs');
    expect(run(['task.cts'], { cwd: folder, runner })).toEqual({
      status: 0,
      stdout: '1\n',
      stderr: expect.stringMatching(ALL_WELL),
    });
    expect(run(['task.mts'], { cwd: folder, runner })).toEqual({
      status: 0,
      stdout: 'true\n',
      stderr: expect.stringMatching(ALL_WELL),
    });
  });
});
