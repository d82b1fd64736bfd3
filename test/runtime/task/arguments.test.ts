// taskArguments: how arguments are given, checked and shown, and that a secret one is nowhere.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toItemError } from '../../../runtime/item-error.ts';
import { keepSecret } from '../../../runtime/text/secrets.ts';
import { NEEDED, Project, said, TOKEN } from './arguments-project.ts';

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
