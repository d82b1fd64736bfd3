// taskArguments: declarations that are wrong, that come too late or are read too early, that change, and that two tasks share.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Ended, RUNNER, TaskRun } from '../run-task.ts';

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
