// The runner's command line: what is wrong with it, with the value, and what to do.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readArguments } from '../../../runtime/cli/arguments.ts';
import { OPTIONS } from '../../../runtime/options.ts';
import { RUNNER, taskFile } from '../run-task.ts';
import { run, scratch } from './runner.ts';

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

test('-v says at the start which run this is, who its master is, and where its journal', () => {
  const cwd = scratch();
  writeFileSync(join(cwd, 'task.ts'), 'export default class Task { *dispatch() {} process() {} }');
  const { stderr } = run(['-v', '-n', '3', 'task.ts'], { cwd });
  expect(stderr).toMatch(
    /^divvy: run (\S+): master \d+, up to 3 workers, journal \.divvy\/task\/\1\.ndjson, socket \/.*\/master\.sock\n/,
  );
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
