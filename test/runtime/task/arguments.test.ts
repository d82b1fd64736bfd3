// taskArguments: how arguments are given, checked and shown, what a journal keeps of them, and which runs are the same.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toItemError } from '../../../runtime/item-error.ts';
import type { JournalRecord } from '../../../runtime/journal/records.ts';
import { keepSecret } from '../../../runtime/text/secrets.ts';
import { type Ended, makeGate, RUNNER, type RunOptions, TaskRun, taskFile } from '../run-task.ts';

const TOKEN = 'open sesame';
const NEEDED = ['table=users', `token=${TOKEN}`];

/** A project of its own with the task `declares`. */
class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'divvy-arguments-'));
  readonly task = join(this.folder, 'declares.ts');

  constructor() {
    onTestFinished(() => rmSync(this.folder, { recursive: true, force: true }));
    writeFileSync(join(this.folder, 'divvy.json'), '{}');
    symlinkSync(taskFile('declares'), this.task);
  }

  run(words: readonly string[], options: RunOptions & { before?: readonly string[] } = {}): TaskRun {
    return new TaskRun([process.execPath, RUNNER, ...(options.before ?? ['-n', '1']), this.task, ...words], options);
  }

  ended(words: readonly string[], options?: RunOptions & { before?: readonly string[] }): Promise<Ended> {
    return this.run(words, options).ended();
  }

  get hasJournals(): boolean {
    return existsSync(join(this.folder, '.divvy'));
  }

  get journals(): string[] {
    const folder = join(this.folder, '.divvy/declares');
    return readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  }

  /** The `run` lines of each journal. */
  get runs(): (JournalRecord & { type: 'run' })[][] {
    const records = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as JournalRecord);
    return this.journals.map((text) => records(text).filter((each) => each.type === 'run'));
  }
}

/** What the task says that it was given. */
const said = ({ stdout }: Ended, who: 'master' | 'worker'): unknown =>
  JSON.parse(new RegExp(`^${who} (.*)$`, 'm').exec(stdout)?.[1] ?? 'null');

test('each way to give an argument gives it, in the master and in a worker', async () => {
  const project = new Project();
  const ended = await project.ended(
    ['table=users', 'batch=7', 'a', '--', 'ratio=-1.5e3', '--dry', '--token', TOKEN, 'ids=b=c', '-'],
    { env: { SINCE: '2026-01-01' } },
  );
  const values = ['users', '2026-01-01', 7, -1500, true, ['a', 'b=c', '-'], `${TOKEN.length} letters`];
  expect(said(ended, 'master'), ended.stderr).toEqual([true, ...values]);
  expect(said(ended, 'worker')).toEqual([false, ...values]);
});

test('what is not given is its default, false, no words, or undefined; the command line comes before the environment', async () => {
  const project = new Project();
  const env = { TOKEN: 'another', SINCE: 'a' };
  const ended = await project.ended(['--', '--table=users', '--since', 'b', '--no-dry'], { env });
  expect(said(ended, 'worker'), ended.stderr).toEqual([false, 'users', 'b', 1000, null, false, [], '7 letters']);
});

describe('what is wrong', () => {
  const wrong: [given: string[], ...says: string[]][] = [
    [['token=x'], 'table is missing (the table to go over): write table=TEXT'],
    [['table=users'], 'token is missing: set the variable TOKEN, or write token=TEXT'],
    [[...NEEDED, 'batch=0'], 'batch must be a whole number of at least 1 and of at most 5000, and is "0"'],
    [[...NEEDED, 'batch=1.5'], 'batch must be a whole number of at least 1 and of at most 5000, and is "1.5"'],
    [[...NEEDED, 'ratio=0x10'], 'ratio must be a number, and is "0x10"'],
    [[...NEEDED, 'ratio='], 'ratio must be a number, and is ""'],
    [[...NEEDED, 'dry=yes'], 'dry must be true or false, and is "yes"'],
    [['table=', 'token=x'], 'table is empty; is a variable not set?'],
    [[...NEEDED, 'table=orders'], 'table is given 2 times; give it once'],
    [[...NEEDED, 'bacth=5'], 'there is no argument bacth (did you mean batch?); as one of ids, write ids=bacth=…'],
    [[...NEEDED, '--', '--since'], '--since needs a value'],
    [[...NEEDED, '--', '--since', '--dry'], '--since needs a value'],
    [[...NEEDED, '--', '-x'], '"-x" has no name: write it as table=…, if it is that'],
    [['tabel=users', 'batch=x'], 'there is no argument tabel', 'table is missing', 'batch must be', 'token is missing'],
  ];
  test.each(wrong.map(([given, ...says]) => ({ given, says })))(
    '$given: exit 2 before anything is begun',
    async ({ given, says }) => {
      const project = new Project();
      const ended = await project.ended(given);
      expect(ended.status).toBe(2);
      expect(ended.stdout).toBe('');
      const [first, ...lines] = ended.stderr.trimEnd().split('\n');
      const list = says.length === 1 ? [first?.replace(/^divvy: a task argument is wrong: /, '')] : lines.slice(0, -1);
      if (says.length > 1) expect(first).toBe(`divvy: ${says.length} task arguments are wrong:`);
      expect(list).toEqual(says.map((text) => expect.stringContaining(text) as string));
      expect(lines.at(-1)).toMatch(/^ {2}To list them: node \S+run\.mjs \S+declares\.ts -- --help$/);
      expect(project.hasJournals).toBe(false);
    },
  );

  test('a secret value is not said, however wrong it is', async () => {
    const ended = await new Project().ended([`token=${TOKEN}`, `token=${TOKEN}`, 'table=t']);
    expect(ended.stderr).toContain('token is given 2 times');
    expect(ended.stderr).not.toContain(TOKEN);
  });

  test('an option of the runner that is an argument of the task: the message says where it goes', async () => {
    const ended = await new Project().ended(['--table', 'users']);
    expect(ended).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('An argument of the task is written table=…, or goes after --') as string,
    });
  });
});

test('-- --help shows the arguments on stdout, and runs nothing', async () => {
  const project = new Project();
  expect(await project.ended(['--', '--help'])).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(
      /^Arguments of \S+declares\.ts:\n {2}table=TEXT +the table to go over \(required\)\n {2}since=TEXT +\(or the variable SINCE\)\n {2}batch=NUMBER +rows in an item \(1000; may change in a resume\)\n {2}ratio=NUMBER\n {2}dry=true\|false\n {2}token=TEXT +\(required; or the variable TOKEN; never recorded or shown\)\n {2}ids … +only these\n\nWrite them after the task file: table=TEXT\. After -- you may also write --table TEXT\.\n$/,
    ) as string,
  });
  expect(project.hasJournals).toBe(false);
});

describe('a secret', () => {
  test.each([
    ['on the command line', NEEDED, {}],
    ['after --', ['table=users', '--', '--token', TOKEN], {}],
    ['in the environment', ['table=users'], { TOKEN }],
  ])('%s is in no journal, no message and no event, even where an error has it', async (_, words, env) => {
    const project = new Project();
    const events = join(project.folder, 'events.ndjson');
    const ended = await project.ended(words, {
      env,
      before: ['-v', '-n', '1', '--events', events, '--retries', '1', '--backoff', '0'],
    });
    expect(ended.status).toBe(1);
    expect(ended.stderr).toContain('401 for ?token=(secret)');
    for (const text of [ended.stderr, ended.stdout, readFileSync(events, 'utf8'), ...project.journals]) {
      expect(text).not.toContain(TOKEN);
      expect(text).not.toContain(encodeURIComponent(TOKEN));
    }
    expect(project.journals.join()).toContain('"url":"/?t=(secret)"');
    expect(ended.stderr).toMatch(/--retry-failed .*declares\.ts table=users/);
  });

  // Each in the form in which a program would show it.
  test.each([
    ['of several lines', '-----BEGIN-----\nabcdefghij\n-----END-----\n', 'abcdefghij'],
    ['with a quote', 'open"sesame', 'sesame'],
    ['with a line end that is trimmed', 'opensesame\n', 'opensesame'],
    ['with a space, in a query', 'open sesame', 'sesame'],
    ['that is very long', 'x'.repeat(480), 'xxxxxxxxxx'],
  ])('%s is found in what is thrown', (_, secret, part) => {
    keepSecret(secret);
    class Headers {
      readonly authorization = secret;
    }
    const thrown = Object.assign(new Error(`for ${JSON.stringify({ t: secret })} and ${secret.trim()}`), {
      headers: new Headers(),
      query: String(new URLSearchParams({ t: secret })),
      list: [secret, { [secret]: 1 }],
      [secret]: new Map([[secret, secret]]),
      cause: secret,
    });
    for (const error of [thrown, secret, { t: secret }, [[secret]]])
      expect(JSON.stringify(toItemError(error))).not.toContain(part);
  });

  test('is in no copy that JSON or console.log makes of the arguments', async () => {
    const ended = await new Project().ended(NEEDED);
    expect(ended.stdout).toContain('11 letters');
    expect(ended.stdout).not.toContain('can be seen');
  });
});

describe('the same run', () => {
  test('goes by the arguments, however they are written, but not by secret and tuning ones', async () => {
    const project = new Project();
    const gate = await makeGate();
    const first = project.run(NEEDED, { env: gate.env });
    await gate.arrived(1);
    const same = [
      ['table=users', 'token=other1', 'batch=5'],
      ['--', '--table', 'users', '--token=other1'],
    ];
    for (const words of same) expect(await project.ended(words)).toMatchObject({ status: 75 });
    // `since` is from the environment.
    expect(await project.ended(NEEDED, { env: { SINCE: 'May' } })).toMatchObject({ status: 1 });
    expect(await project.ended(['table=orders', 'token=other1'])).toMatchObject({ status: 1 });
    expect(await project.ended([...NEEDED, 'a', 'b'])).toMatchObject({ status: 1 });
    gate.open();
    await first.ended();
  });

  /** A run that is killed when it has done one item. */
  async function killed(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Project> {
    const project = new Project();
    const gate = await makeGate();
    const run = project.run(words, { env: { ...env, ...gate.env }, before: ['-n', '1', '--limit', '1'] });
    await gate.arrived(1);
    gate.open();
    await run.ended();
    return project;
  }
  const resumed = (project: Project, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
    project.ended(words, { before: ['--resume'], env });

  test('a resume without arguments takes those of the journal, and a secret from the environment', async () => {
    const project = await killed([...NEEDED, 'batch=7', 'x', 'ids=a=b']);
    const ended = await resumed(project, [], { TOKEN });
    expect(ended.stderr).toContain('Using its arguments: batch=7 dry=false table=users x ids=a=b\n');
    expect(said(ended, 'master')).toEqual([true, 'users', null, 7, null, false, ['x', 'a=b'], '11 letters']);
    expect(ended.stderr).toContain('1 skipped');
    expect(project.runs.map((runs) => runs.map(({ args }) => args))).toEqual([
      [
        ['batch=7', 'dry=false', 'table=users', 'x', 'ids=a=b'],
        ['batch=7', 'dry=false', 'table=users', 'x', 'ids=a=b'],
      ],
    ]);
  });

  test('a resume without the secret says where it may come from', async () => {
    const ended = await resumed(await killed(NEEDED), []);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain('token is missing: set the variable TOKEN, or write token=TEXT');
  });

  test('a resume with only secret and tuning ones takes the others of the journal', async () => {
    const project = await killed([...NEEDED, 'batch=7']);
    const ended = await resumed(project, ['batch=9', '--', '--token', 'other']);
    expect(ended.stderr).toContain('Using its arguments: dry=false table=users\n');
    expect(said(ended, 'worker')).toEqual([false, 'users', null, 9, null, false, [], '5 letters']);
    expect(ended.stderr).toContain('1 skipped');
    expect(ended.stderr).toMatch(/--retry-failed .*declares\.ts batch=9 -- dry=false table=users\n/);
  });

  test('a resume with the same ones written otherwise goes on, with others it begins anew', async () => {
    const project = await killed(NEEDED);
    const ended = await resumed(project, ['batch=3', '--', '--token', 'other', '--table', 'orders']);
    expect(ended.stderr).toContain(
      'There is no unfinished run with the arguments batch=3 dry=false table=orders: starting a new one',
    );
    const same = await resumed(await killed(NEEDED), ['--', '--token', 'other', '--table', 'users']);
    expect(same.stderr).toContain('1 skipped');
  });

  test('a resume in whose environment there is another value is refused, with both', async () => {
    const project = await killed(NEEDED);
    for (const words of [[], ['batch=5']]) {
      const ended = await resumed(project, words, { TOKEN, SINCE: 'May' });
      expect(ended).toMatchObject({ status: 2, stdout: '' });
      expect(ended.stderr).toContain(
        'the run to resume has the task arguments "batch=1000" "dry=false" "table=users", and given are "since=May"',
      );
    }
    const since = await killed(NEEDED, { SINCE: 'May' });
    expect(await resumed(since, [], { TOKEN, SINCE: 'June' })).toMatchObject({ status: 2, stdout: '' });
    // The resume uses the recorded value, even if the variable is no longer set.
    const ended = await resumed(since, [], { TOKEN });
    expect(said(ended, 'worker')).toEqual([false, 'users', 'May', 1000, null, false, [], '11 letters']);
  });

  test('a resume takes what the last resume was tuned to', async () => {
    const project = await killed([...NEEDED, 'batch=7']);
    await project.ended(['batch=9', `token=${TOKEN}`], { before: ['--resume', '--limit', '1'] });
    const ended = await resumed(project, [], { TOKEN });
    expect(ended.stderr).toContain('Using its arguments: batch=9 dry=false table=users\n');
  });

  test('of several unfinished runs that one goes on which the environment names', async () => {
    const project = new Project();
    for (const SINCE of ['May', 'June'])
      await project.ended(NEEDED, { before: ['-n', '1', '--limit', '1'], env: { SINCE } });
    const ended = await resumed(project, [], { TOKEN, SINCE: 'May' });
    expect(said(ended, 'master')).toEqual([true, 'users', 'May', 1000, null, false, [], '11 letters']);
    expect(ended.stderr).toContain('1 skipped');
  });

  test('a default that is given, and another way to write a number, are the same run', async () => {
    const project = await killed([...NEEDED, 'ratio=1e3', 'dry=false']);
    expect((await resumed(project, [...NEEDED, 'ratio=1000', 'batch=1000'])).stderr).toContain('1 skipped');
  });

  test('a journal that is named goes by them, too', async () => {
    const project = await killed(NEEDED);
    const [name = ''] = readdirSync(join(project.folder, '.divvy/declares')).filter((each) => each.endsWith('.ndjson'));
    const journal = ['--journal', join(project.folder, '.divvy/declares', name), '--resume'];
    const other = await project.ended(['table=orders', 'token=other'], { before: journal });
    expect(other.stderr).toContain('and given are "batch=1000" "dry=false" "table=orders"');
    const ended = await project.ended(['--', '--token=other', '--table=users', '--batch=2'], { before: journal });
    expect(ended.stderr).toContain('1 skipped');
  });

  test('a status is found by them, however they are written, and without the secret', async () => {
    const project = await killed([...NEEDED, 'batch=7']);
    for (const words of [['table=users'], ['--', '--table', 'users', '--token', 'x', 'batch=4'], ['batch=4']]) {
      const ended = await project.ended(words, { before: ['--status'] });
      expect(ended.stdout).toContain('unfinished');
      expect(ended.stdout).toMatch(/--resume .*declares\.ts -- batch=7 dry=false table=users\n/);
    }
    expect((await project.ended(['table=orders'], { before: ['--status'] })).stdout).toMatch(
      /^no run with these arguments;/,
    );
  });
});

test('an argument may be read while the file loads: a wrong one is exit 2 all the same', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-arguments-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, 'tasks'));
  writeFileSync(join(folder, 'divvy.json'), '{}');
  const index = join(import.meta.dirname, '../../../runtime/index.ts');
  writeFileSync(
    join(folder, 'shared.ts'),
    `import { taskArguments } from ${JSON.stringify(index)};
     export const shared = taskArguments({ url: { type: 'string', required: true } });
     export const address = shared.url;`,
  );
  const task = join(folder, 'early.ts');
  writeFileSync(
    task,
    `import { taskArguments } from ${JSON.stringify(index)};
     import { address } from './shared.ts';
     const args = taskArguments({ table: { type: 'string' } });
     const { table } = args;
     export default class Early {
       *dispatch() { yield 1; }
       process() { console.log(address, table); }
     }`,
  );
  const run = (...words: string[]): Promise<Ended> =>
    new TaskRun([process.execPath, RUNNER, task, ...words], {}).ended();
  expect(await run('table=users')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('divvy: a task argument is wrong: url is missing: write url=TEXT\n') as string,
  });
  expect(await run('url=here', '--', '--table', 'users')).toMatchObject({ status: 0, stdout: 'here users\n' });
  const help = await run('--', '--help');
  expect(help).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining('  url=TEXT') as string });
  expect(await run('url=here', 'tabel=users')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('there is no argument tabel (did you mean table?)') as string,
  });
});

/** Files of a project of their own; `import … from 'divvy'` is the runtime here. Returns a function that runs the task. */
function projectOf(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-arguments-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'divvy.json'), '{}');
  const index = join(import.meta.dirname, '../../../runtime/index.ts');
  const write = (changed: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(changed))
      writeFileSync(join(folder, name), text.replace("from 'divvy'", `from ${JSON.stringify(index)}`));
  };
  write(files);
  const run = (...words: string[]): Promise<Ended> =>
    new TaskRun([process.execPath, RUNNER, join(folder, 'task.ts'), ...words], {}).ended();
  return { run, write, folder };
}

/** A task with these arguments. */
const taskWith = (declared: string, body = "console.log('table', args.table)"): string =>
  `import { taskArguments } from 'divvy';
   const args = taskArguments(${declared});
   export default class Task {
     *dispatch() { yield* [1, 2]; }
     async process() { ${body}; }
   }`;

test('arguments that are declared too late, or read too early to be right, are said so, and nothing is recorded', async () => {
  const late = projectOf({
    'late.ts':
      "import { taskArguments } from 'divvy'; export const late = taskArguments({ token: { type: 'string', secret: true } });",
    'task.ts': taskWith("{ table: { type: 'string' }, ids: { type: 'words' } }", "await import('./late.ts')"),
  });
  expect((await late.run('-n', '1', 'x')).stderr).toContain('taskArguments is called after the task file was loaded');
  const early = projectOf({
    'early.ts':
      "import { taskArguments } from 'divvy'; const { ids } = taskArguments({ ids: { type: 'words' } }); export const first = ids;",
    'task.ts': `import { first } from './early.ts';\n${taskWith("{ batch: { type: 'integer' } }", 'console.log(first)')}`,
  });
  expect(await early.run('x', '--', '--batch', '5')).toMatchObject({
    status: 70,
    stderr: expect.stringContaining('the argument ids was read before all arguments were declared') as string,
  });
});

test('a task that has come to declare others: a resume with what the run had, or with none, goes on; else it says what to do', async () => {
  const before = "{ table: { type: 'string', required: true }, n: { type: 'integer', default: 5 } }";
  const { run, write } = projectOf({ 'task.ts': taskWith(before) });
  await run('--limit', '1', 'table=users');
  write({
    'task.ts': taskWith(
      "{ table: { type: 'string', required: true }, n: { type: 'integer', default: 5 }, token: { type: 'string', secret: true } }",
    ),
  });
  const refused = await run('--resume', 'table=users', 'token=opensesame');
  expect(refused).toMatchObject({ status: 2, stdout: '' });
  expect(refused.stderr).toMatch(
    /run \S+ can't be resumed with these arguments, since the task declares others now than when it began; give/,
  );
  expect(refused.stderr).not.toContain('opensesame');
  write({
    'task.ts': taskWith("{ table: { type: 'string', required: true }, n: { type: 'integer', default: 9 } }"),
  });
  expect(await run('--resume', 'table=users')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('"n=5" "table=users", and given are "n=9" "table=users"') as string,
  });
  write({ 'task.ts': taskWith("{ table: { type: 'string', required: true } }") });
  expect(await run('--resume')).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(
      /there is no argument n .*\n.*\n {2}From the run to resume: n=5 table=users\n/,
    ) as string,
  });
  write({
    'task.ts': taskWith(
      "{ table: { type: 'string', required: true }, n: { type: 'integer', default: 9 }, fast: { type: 'boolean', tuning: true } }",
    ),
  });
  expect(await run('--resume')).toMatchObject({ status: 0, stdout: 'table users\n' });
});

test('two tasks in one program may share a module that declares arguments: each gets its own, and a secret stays out', async () => {
  const task = taskWith("{ table: { type: 'string' } }", 'console.log(args.table, shared.token.length)');
  const { folder, write } = projectOf({
    'shared.ts':
      "import { taskArguments } from 'divvy'; export const shared = taskArguments({ token: { type: 'string', secret: true, required: true } });",
    'x.ts': `import { shared } from './shared.ts';\n${task}`,
    'y.ts': `import { shared } from './shared.ts';\n${task}`,
  });
  write({
    'program.ts': `import { Master } from 'divvy';
      for (const [name, table] of [['x', 'users'], ['y', 'orders']]) {
        const file = new URL('./' + name + '.ts', import.meta.url);
        await new Master(file, { args: ['table=' + table, 'token=open' + table], journal: name + '.ndjson', workers: 1 }).run();
      }`,
  });
  const program = new TaskRun(['sh', '-c', `cd '${folder}' && exec '${process.execPath}' program.ts`], {});
  expect(await program.ended()).toMatchObject({ status: 0, stdout: 'users 9\nusers 9\norders 10\norders 10\n' });
  for (const name of ['x', 'y']) expect(readFileSync(join(folder, `${name}.ndjson`), 'utf8')).not.toContain('open');
});

test.each([
  ["{ a: { type: 'string', secret: true, default: 'x' } }", 'the argument a is secret and has a default'],
  ["{ 'a b': { type: 'string' } }", 'an argument is called "a b"; begin with a letter'],
  ["{ help: { type: 'string' } }", 'an argument is called "help"'],
  ["{ a: { type: 'date' } }", "the argument a is of type 'date'; take one of string, number, integer, boolean, words"],
  [
    "{ a: { type: 'integer', default: 1.5 } }",
    'the default of an argument is wrong: a must be a whole number, and is "1.5"',
  ],
  ["{ a: { type: 'string', default: 'x', required: true } }", 'the argument a is required and has a default'],
  ["{ a: { type: 'words' }, b: { type: 'words' } }", 'two arguments are of type words'],
  ["{ a: { type: 'string' } }); taskArguments({ a: { type: 'number' } }", 'the argument a is declared twice'],
])('a declaration that is wrong is exit 70: %s', async (declaration, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-arguments-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'divvy.json'), '{}');
  const index = join(import.meta.dirname, '../../../runtime/index.ts');
  writeFileSync(
    join(folder, 'task.ts'),
    `import { taskArguments } from ${JSON.stringify(index)};
     taskArguments(${declaration} as any);
     export default class Task { *dispatch() { yield 1; } process() {} }`,
  );
  const ended = await new TaskRun([process.execPath, RUNNER, join(folder, 'task.ts')], {}).ended();
  expect(ended).toMatchObject({ status: 70, stderr: expect.stringContaining(message) as string });
});
