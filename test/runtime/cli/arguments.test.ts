// The runner's command line, and every error of a task file: what is wrong, with the value, and what to do.
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readArguments } from '../../../runtime/cli/arguments.ts';
import { OPTIONS } from '../../../runtime/options.ts';
import { ALL_WELL, RUNNER, taskFile } from '../run-task.ts';

function run(args: readonly string[], options: { cwd?: string; nodeArgs?: string[]; runner?: string } = {}) {
  const { cwd, nodeArgs = [], runner = RUNNER } = options;
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, runner, ...args], {
    encoding: 'utf8',
    cwd,
  });
  return { status, stdout, stderr };
}

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-command-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('the command line', () => {
  test('options stand before and after the task file; what is after -- is the task’s own', () => {
    const read = readArguments(['-n', '2', 't.ts', 'a', '-c', '3', 'b', '--', '-n', '9', '--', 'c']);
    expect(read).toEqual({
      want: 'run',
      taskFile: 't.ts',
      options: { workers: 2, concurrency: 3, journal: true },
      args: ['a', 'b', '-n', '9', '--', 'c'],
      json: false,
      quiet: false,
      events: undefined,
      progress: undefined,
      engine: {},
    });
    expect(readArguments(['--', 't.ts', '--help'])).toMatchObject({ taskFile: 't.ts', args: ['--help'] });
  });

  test('every option is read', () => {
    const args =
      '-n5 -c 2 --inline --socket=s --max-item-size 2 --retries 1 --backoff 1.5 --backoff-cap 1m --rate 30/m --warn-after 1h --recycle-older 1h --max-crashes 2 --kill-after 500ms --force-after 2s --grace 5m --ignore-hup --concurrent-run --take-over --timeout 1m --recycle-after 10 --recycle-above 3 --halt 5% --journal j --results r --ordered --metrics-file m --resume --limit 7 --dry-run --import a --import ./b.mjs --json --events e -q --no-progress t.ts';
    const options = {
      workers: 5,
      concurrency: 2,
      inline: true,
      socket: 's',
      maxItemBytes: 2 * 1024 * 1024,
      retries: 1,
      ...{ backoffMs: 1500, backoffCapMs: 60_000, rate: 0.5, warnAfterMs: 3_600_000, recycleOlderMs: 3_600_000 },
      maxCrashes: 2,
      killAfterMs: 500,
      forceAfterMs: 2000,
      graceMs: 300_000,
      ignoreHup: true,
      concurrentRun: true,
      takeOver: true,
      timeoutMs: 60_000,
      recycleAfter: 10,
      recycleAboveBytes: 3 * 1024 * 1024,
      halt: '5%',
      journal: 'j',
      ...{ results: 'r', ordered: true, metricsFile: 'm' },
      resume: true,
      limit: 7,
      dryRun: true,
      import: ['a', './b.mjs'],
    };
    const read = {
      ...{ want: 'run', taskFile: 't.ts', options, args: [], engine: {} },
      ...{ json: true, quiet: true, events: 'e', progress: false },
    };
    expect(readArguments(args.split(' '))).toEqual(read);
    const keys = [...Object.keys(options), 'retryFailed', 'tag', 'verbose'].sort();
    expect(keys).toEqual([...new Set(OPTIONS.map(({ key }) => key))].sort());
    expect(readArguments(['--retry-failed', '-v', '--tag', 't.ts'])).toMatchObject({
      options: { retryFailed: true, verbose: true, tag: true },
    });
    expect(readArguments(['--retry-failed=a b', 't.ts', '--', '--retry-failed=c'])).toMatchObject({
      ...{ options: { retryFailed: 'a b' }, args: ['--retry-failed=c'] },
    });
    expect(readArguments(['--no-journal', '--progress', 't.ts'])).toMatchObject({
      ...{ options: { journal: false }, json: false, progress: true },
    });
    expect(readArguments(['--status', '--json', 't.ts'])).toEqual({
      want: 'status',
      taskFile: 't.ts',
      args: [],
      json: true,
      engine: {},
    });
  });

  const asArgument = (name: string): string =>
    `An argument of the task is written ${name}=…, or goes after -- (with npm: after a second --)`;
  const behind = "; --help lists the options, and the task's own arguments go after -- (with npm: after a second --)";
  test.each([
    ['--warn-after t.ts', "--warn-after must be a duration, such as 500ms, 2s or 5m, and is 't.ts'"],
    ['--runs --failures t.ts', '--runs and --failures do not go together; choose one of them'],
    [
      '--retry-failed= t.ts',
      "--retry-failed must be alone, or have a text to look for after =, as in --retry-failed=ECONNRESET, and is ''",
    ],
    ['', 'no task file is named; write its path, such as tasks/my-task.ts, or --help for the options'],
    ['--nope t.ts', `there is no option --nope; --help lists the options. ${asArgument('nope')}`],
    ['--retry 3 t.ts', `there is no option --retry; did you mean --retries or --retry-failed? ${asArgument('retry')}`],
    ['--concurency 3 t.ts', `there is no option --concurency; did you mean --concurrency? ${asArgument('concurency')}`],
    ['--Workers=3 t.ts', `there is no option --Workers; did you mean --workers? ${asArgument('Workers')}`],
    ['--no-progres t.ts', `there is no option --no-progres; did you mean --no-progress? ${asArgument('no-progres')}`],
    ['--xyz t.ts', `there is no option --xyz; --help lists the options. ${asArgument('xyz')}`],
    ['--quiet -v t.ts', '--verbose and --quiet do not go together; choose one of them'],
    ['--progress --json t.ts', '--progress and --json do not go together; choose one of them'],
    ['--events= t.ts', "--events must be a path, and is ''"],
    [
      't.ts -x',
      "there is no option -x; --help lists the options. The task's own arguments go after -- (with npm: after a second --)",
    ],
    ['t.ts -n', `--workers needs a value${behind}`],
    ['-n -5 t.ts', `-n needs a value, and -5 begins with a dash${behind}`],
    ['--kill-after -1s t.ts', `--kill-after needs a value, and -1s begins with a dash${behind}`],
    ['-vn -5 t.ts', `-n needs a value${behind}`],
    ['--verbose=yes t.ts', `--verbose takes no value${behind}`],
    ['-n 0 t.ts', "--workers must be a whole number of at least 1, and is '0'"],
    ['-n five t.ts', "--workers must be a whole number of at least 1, and is 'five'"],
    ['-c 1.5 t.ts', "--concurrency must be a whole number of at least 1, and is '1.5'"],
    ['-n 10001 t.ts', "--workers must be a whole number of at most 10000, and is '10001'"],
    [
      '-n 99999999999999999999 t.ts',
      "--workers must be a whole number of at most 10000, and is '99999999999999999999'",
    ],
    ['--limit 9007199254740992 t.ts', `--limit must be a whole number of at most ${2 ** 53 - 1}, and is '${2 ** 53}'`],
    ['--max-item-size 4096 t.ts', "--max-item-size must be a whole number of at most 4095, and is '4096'"],
    ['--halt 150% t.ts', "--halt must be a whole number of at least 1, or a share such as 5%, and is '150%'"],
    ['--halt 0 t.ts', "--halt must be a whole number of at least 1, or a share such as 5%, and is '0'"],
    ['--journal= t.ts', "--journal must be a path, and is ''"],
    ['--resume --retry-failed t.ts', '--resume and --retry-failed do not go together; choose one of them'],
    [
      '--ordered --results r --retry-failed t.ts',
      '--ordered and --retry-failed do not go together; choose one of them',
    ],
    ['--ordered t.ts', '--ordered needs --results: add that, or leave --ordered out'],
    [
      '--results a/../j --journal j t.ts',
      '--results and --journal name the same file, a/../j; name another for one of them',
    ],
    [
      '--results r --metrics-file ./r t.ts',
      '--results and --metrics-file name the same file, r; name another for one of them',
    ],
    [
      '--metrics-file j --journal j t.ts',
      '--metrics-file and --journal name the same file, j; name another for one of them',
    ],
    [
      '--events ./m --metrics-file m t.ts',
      '--events and --metrics-file name the same file, ./m; name another for one of them',
    ],
    ['--events j --journal j t.ts', '--events and --journal name the same file, j; name another for one of them'],
    ['--metrics-file= t.ts', "--metrics-file must be a path, and is ''"],
    ['--events r --results r t.ts', '--events and --results name the same file, r; name another for one of them'],
    ['--journal j --no-journal t.ts', '--journal and --no-journal do not go together; choose one of them'],
    ['--progress --no-progress t.ts', '--progress and --no-progress do not go together; choose one of them'],
    [
      '--resume --no-journal t.ts',
      '--resume needs a journal, and it is switched off; leave --no-journal out, or name one with --journal',
    ],
    ['--retries= t.ts', "--retries must be a whole number of at least 0, and is ''"],
    ['--max-item-size 1GB t.ts', "--max-item-size must be a whole number of at least 1, and is '1GB'"],
    ['--grace 5x t.ts', "--grace must be a duration, such as 500ms, 2s or 5m, and is '5x'"],
    ['--journal= t.ts', "--journal must be a path, and is ''"],
    ['--resume --retry-failed t.ts', '--resume and --retry-failed do not go together; choose one of them'],
    ['--journal j --no-journal t.ts', '--journal and --no-journal do not go together; choose one of them'],
    [
      '--resume t.ts --no-journal',
      '--resume needs a journal, and it is switched off; leave --no-journal out, or name one with --journal',
    ],
    ['--grace=-5s t.ts', "--grace must be a duration, such as 500ms, 2s or 5m, and is '-5s'"],
  ])('%s is a UsageError', (args, message) => {
    const read = (): unknown => readArguments(args.split(' ').filter(Boolean));
    expect(read).toThrow(expect.objectContaining({ name: 'UsageError', exitCode: 2, message }));
  });

  test('an error is one line on stderr, and exit 2', () => {
    expect(run(['--nope', 't.ts'])).toEqual({
      status: 2,
      stdout: '',
      stderr: `divvy: there is no option --nope; --help lists the options. ${asArgument('nope')}\n`,
    });
    expect(run(['--socket', '', taskFile('arguments')])).toEqual({
      status: 2,
      stdout: '',
      stderr: "divvy: --socket must be a path, and is ''\n",
    });
  });

  test('--help names every option and exit code, and --version the release', () => {
    const { status, stdout, stderr } = run(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const { usage, doc } of OPTIONS)
      expect(stdout).toMatch(new RegExp(`${usage.replace(/[[\]]/g, '.')}\\s+${doc.replace(/[()]/g, '.')}`));
    for (const code of ['0', '1', '2', '69', '70', '74', '75', '128+n', '141'])
      expect(stdout).toMatch(new RegExp(`^  ${code.replace('+', '.')} +\\S`, 'm'));
    for (const option of ['--quiet', '--json', '--events FILE', '--progress']) expect(stdout).toContain(option);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(120);
    expect(run(['--version'])).toEqual({ status: 0, stdout: 'unreleased\n', stderr: '' });
  });

  test('the task’s arguments are process.argv.slice(2) in the master and in a worker, and the file is process.argv[1]', () => {
    const { status, stdout } = run(['-n', '1', taskFile('arguments'), 'a b', '--', '-n', '', 'ü']);
    expect(status).toBe(0);
    const argv = [taskFile('arguments'), 'a b', '-n', '', 'ü'];
    expect(stdout).toBe(`master ${JSON.stringify(argv)}\nworker ${JSON.stringify(argv)}\n`);
  });
});

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

test('-v says at the start which run this is, who its master is, and where its journal', () => {
  const cwd = scratch();
  writeFileSync(join(cwd, 'task.ts'), 'export default class Task { *dispatch() {} process() {} }');
  const { stderr } = run(['-v', '-n', '3', 'task.ts'], { cwd });
  expect(stderr).toMatch(
    /^divvy: run (\S+): master \d+, up to 3 workers, journal \.divvy\/task\/\1\.ndjson, socket \/.*\/master\.sock\n/,
  );
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

test.each(['20.19.0', '22.17.1', '23.11.0', '24.10.0', '25.2.0'])(
  'Node.js %s is told which is needed, exit 2',
  (version) => {
    const program = `Object.defineProperty(process.versions, 'node', { value: '${version}' });`;
    const nodeArgs = ['--import', `data:text/javascript,${encodeURIComponent(program)}`];
    const { status, stdout, stderr } = run(['t.ts', 'a b'], { nodeArgs });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      `divvy: this is Node.js ${version}, and ^22.18 || ^24.11 || >=26 is needed; install a current one, or: npx -p node@24 node ${RUNNER} t.ts 'a b'\n`,
    );
  },
);
