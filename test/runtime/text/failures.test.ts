// How failures are said: which item, by which error, where; at length only the first ones; and grouped without what differs.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { toItemError } from '../../../runtime/errors.ts';
import type { RunEvent } from '../../../runtime/events.ts';
import type { ItemError } from '../../../runtime/parallelizable.ts';
import { chainOf, detailsOf, Failures, itemLabel, sameFor } from '../../../runtime/text/failures.ts';
import { reportTo } from '../../../runtime/text/report.ts';

const error = (message: string, more: Partial<ItemError> = {}): ItemError => ({ name: 'Error', message, ...more });
const refused = (port: number): ItemError =>
  error(`connect ECONNREFUSED 127.0.0.1:${port}`, { code: 'ECONNREFUSED', fields: { syscall: 'connect', port } });

describe('an item', () => {
  test('is named by its number and its key', () => {
    expect(itemLabel(499, 'user-503', 'own')).toBe('item 499 (user-503)');
  });
  test('by the beginning of a key that is a hash, which the journal has', () => {
    expect(itemLabel(2, 'y_7aKx8Erm0pV1YNmfC6Qw', 'hashed')).toBe('item 2 (key y_7aKx8E…)');
  });
  test('by its number where no key is recorded', () => expect(itemLabel(2, '', 'none')).toBe('item 2'));
  test('by a key that is cut, and cannot move the cursor', () => {
    expect(itemLabel(1, `a\u001b[2J\u202e\n${'x'.repeat(100)}`, 'own')).toBe(`item 1 (a\\u{202e} ${'x'.repeat(69)}…)`);
  });
});

describe('an error on one line', () => {
  test.each([
    ['has its class, code and message', error('no', { name: 'DbError', code: 42 }), 'DbError [42]: no'],
    ['a code that the message has is not said twice', refused(9), 'Error: connect ECONNREFUSED 127.0.0.1:9'],
    [
      'has its causes: never fetch failed alone',
      error('fetch failed', { name: 'TypeError', cause: error('inner', { code: 'E1', cause: refused(9) }) }),
      'TypeError: fetch failed, caused by Error [E1]: inner, caused by Error: connect ECONNREFUSED 127.0.0.1:9',
    ],
    [
      'has the errors that it stands for, also where it says nothing itself',
      error('fetch failed', { cause: error('', { name: 'AggregateError', errors: [refused(1), refused(2)] }) }),
      'Error: fetch failed, caused by AggregateError (2 errors: Error: connect ECONNREFUSED 127.0.0.1:1; Error: connect ECONNREFUSED 127.0.0.1:2)',
    ],
    ['is one line of several', error('\n first\nsecond'), 'Error: first'],
    ['cannot change colours', error('\u001b[31mred\u0007'), 'Error: red\\u{7}'],
  ])('%s', (_, given, said) => expect(chainOf(given)).toBe(said));

  test('is bounded, whatever it holds', () => {
    let deep = error('x'.repeat(100_000), {
      errors: Array.from({ length: 8 }, (_, at) => error(`${at}`.repeat(9999))),
    });
    for (let depth = 0; depth < 8; depth++) deep = error('y'.repeat(10_000), { cause: deep });
    expect(chainOf(deep).length).toBeLessThanOrEqual(700);
  });
});

/** An error with these causes. */
const chain = (first: ItemError, ...causes: ItemError[]): ItemError => {
  const [next, ...more] = causes;
  return next ? { ...first, cause: chain(next, ...more) } : first;
};

describe('the innermost cause is always shown', () => {
  const root = error('connect ECONNREFUSED 10.0.0.7:5432', { code: 'ECONNREFUSED' });
  const five = chain(...(['ticket', 'service', 'repository', 'pool'].map((name) => error(name)) as [ItemError]), root);

  test('behind all others, if they fit', () => {
    expect(chainOf(five)).toBe(
      'Error: ticket, caused by Error: service, caused by Error: repository, caused by Error: pool, caused by Error: connect ECONNREFUSED 10.0.0.7:5432',
    );
  });

  test('behind the first ones and a sign, if not all of them fit', () => {
    const long = (name: string): ItemError => error(`${name} ${'x'.repeat(200)}`);
    const shown = chainOf(chain(long('ticket'), long('service'), long('repository'), long('pool'), root));
    expect(shown).toMatch(/^Error: ticket x+, caused by Error: service x+, …, caused by Error: connect ECONNREFUSED/);
    expect(shown).toMatch(/10\.0\.0\.7:5432$/);
    expect(shown.length).toBeLessThanOrEqual(700);
  });

  test('behind an error that fills the line alone', () => {
    const parts = Array.from({ length: 4 }, (_, at) => error(`${at}`.repeat(9999)));
    const shown = chainOf(chain(error('many', { errors: parts }), error('between'), root));
    expect(shown).toMatch(/^Error: many \(4 errors: .*…, …, caused by Error: connect ECONNREFUSED 10\.0\.0\.7:5432$/);
    expect(shown.length).toBeLessThanOrEqual(700);
  });

  test('behind a sign where causes are left out of the error itself', () => {
    expect(chainOf(chain(error('a'), error('b', { causesLeftOut: 22 }), root))).toBe(
      'Error: a, caused by Error: b, …, caused by Error: connect ECONNREFUSED 10.0.0.7:5432',
    );
    expect(chainOf(error('a', { causesLeftOut: 22 }))).toBe('Error: a, …');
  });

  test('of an error that another one stands for, too', () => {
    const shown = chainOf(error('', { name: 'AggregateError', errors: [five] }));
    expect(shown).toMatch(/^AggregateError \(1 error: Error: ticket, .*connect ECONNREFUSED 10\.0\.0\.7:5432\)$/);
  });

  test('in a group, and where it is another one the group is another', () => {
    expect(sameFor(five, undefined)).toMatch(/, caused by Error: pool, caused by Error: connect ECONNREFUSED …$/);
    const other = chain(
      ...(['ticket', 'service', 'repository', 'pool'].map((name) => error(name)) as [ItemError]),
      error('gone'),
    );
    expect(sameFor(other, undefined)).not.toBe(sameFor(five, undefined));
  });

  test('an error that is wrapped once more by an equal one stays in its group', () => {
    const tried = (times: number): ItemError =>
      chain(...(Array.from({ length: times }, (_, at) => error(`try ${times - at} failed`)) as [ItemError]), root);
    for (const times of [1, 2, 7]) expect(sameFor(tried(times), undefined)).toBe(sameFor(tried(3), undefined));
  });

  test('with -v also where it comes from, behind a sign', () => {
    const stack = (text: string, lines: number): string =>
      `Error: ${text}\n${Array.from({ length: lines }, (_, at) => `    at ${text}${at} (file:///x.ts:${at}:1)`).join('\n')}`;
    const lines = detailsOf(
      error('a', {
        stack: stack('a', 30),
        cause: error('b', { stack: stack('b', 30), cause: error('c', { stack: stack('c', 30) }) }),
      }),
      true,
    );
    expect(lines).toHaveLength(11);
    expect(lines.slice(-4)).toEqual(['  …', '  caused by Error: c', '  at c0 (/x.ts:0:1)', '  at c1 (/x.ts:1:1)']);
  });
});

describe('errors that one stands for', () => {
  const parts = (count: number): ItemError[] => Array.from({ length: count }, (_, at) => error(`part ${at}`));
  const many = (count: number): ItemError =>
    error('many', { errors: parts(Math.min(count, 8)), ...(count > 8 && { errorCount: count }) });

  test('are all counted, also those that are not kept', () => {
    expect(chainOf(many(500))).toBe(
      'Error: many (500 errors: Error: part 0; Error: part 1; Error: part 2; Error: part 3; …)',
    );
    expect(chainOf(many(2))).toBe('Error: many (2 errors: Error: part 0; Error: part 1)');
    expect(chainOf(error('many', { errorCount: 1269 }))).toBe('Error: many (1,269 errors)');
  });

  test('how many they are makes no other group', () => {
    for (const count of [2, 8, 9, 500]) expect(sameFor(many(count), undefined)).toBe(sameFor(many(7), undefined));
    expect(sameFor(many(7), undefined)).toBe('Error: many (… errors: Error: part …)');
  });
});

describe('the place comes from the stack, never from the message', () => {
  const real = '    at process (file:///y/real.ts:3:5)';
  const own = ['  at process (/y/real.ts:3:5)'];
  const placeIn = (message: string, stack: string): string[] => detailsOf(error(message, { stack }), false).slice(-1);

  test.each([
    ['has a line like a frame', 'multi\nline\n  at fake (tasks/none.ts:1:1)\nmessage'],
    ['ends with one', 'multi\n    at fake (tasks/none.ts:1:1)'],
    ['begins with one', '\n    at fake (tasks/none.ts:1:1)'],
    ['is also in the frames', 'process'],
  ])('of a message that %s', (_, message) => {
    expect(placeIn(message, `Error: ${message}\n${real}`)).toEqual(own);
    expect(placeIn(message, `TypeError [ERR_X]: ${message}\n${real}`)).toEqual(own);
    expect(placeIn(message, `${message}\n${real}`)).toEqual(own);
  });

  test('of a message that was changed since', () => {
    const stack = `Error: multi\n    at fake (tasks/none.ts:1:1)\n\n${real}`;
    expect(placeIn('git failed', stack)).toEqual(own);
    expect(placeIn('', `Error\n${real}`)).toEqual(own);
  });

  test('of a message that is shortened in the stack', () => {
    const message = `multi\n    at fake (tasks/none.ts:1:1)\n${'x'.repeat(20_000)}`;
    const thrown = new Error(message);
    thrown.stack = `Error: ${message}\n${real}`;
    expect(detailsOf(toItemError(thrown), false).slice(-1)).toEqual(own);
  });

  test('of a child’s stderr that execFile puts into its message', () => {
    const script = join(import.meta.dirname, 'no-such-child.cjs');
    const said = `${script}:1\nthrow new Error('boom')\n^\n\nError: boom\n    at Object.<anonymous> (${script}:1:7)\n\nNode.js v22.1.0\n`;
    const message = `Command failed: node ${script}\n${said}`;
    const stack = `Error: ${message}\n    at genericNodeError (node:internal/errors:984:15)\n    at ChildProcess.exithandler (node:child_process:422:12)`;
    const lines = detailsOf(error(message, { stack }), false);
    expect(lines.filter((line) => line.includes('at Object.<anonymous>'))).toHaveLength(1); // the message's own
    expect(lines.at(-1)).not.toMatch(/^ {2}at /);
  });

  test.each([
    ['at process (/here/tasks/a b.cjs:1:2)', 'at process (tasks/a b.cjs:1:2)'],
    ['at /here/tasks/a.cjs:1:2', 'at tasks/a.cjs:1:2'],
    ['at async /here/tasks/a.cjs:1:2', 'at async tasks/a.cjs:1:2'],
    ['at async f (/here/app/(group)/a.cjs:1:2)', 'at async f (app/(group)/a.cjs:1:2)'],
    ['at async f (file:///here/app/(group)/a.ts:1:2)', 'at async f (app/(group)/a.ts:1:2)'],
    ['at new A (/elsewhere/a.cjs:1:2)', 'at new A (/elsewhere/a.cjs:1:2)'],
  ])('a path is as short as one in a URL: %s', (frame, shown) => {
    const stack = `Error: a\n    ${frame.replaceAll('/here', process.cwd())}`;
    expect(detailsOf(error('a', { stack }), false)).toEqual([`  ${shown}`]);
  });

  test('a frame of the runtime is none of the task, in either form of its path', () => {
    const runtime = join(import.meta.dirname, '../../../runtime/worker/main.ts');
    for (const file of [runtime, `file://${runtime}`])
      expect(detailsOf(error('a', { stack: `Error: a\n    at run (${file}:1:2)\n    at ${file}:3:4` }), false)).toEqual(
        [],
      );
  });
});

test('behind it come the rest of the message and the first line of the task’s own code; with -v all of the stack', () => {
  const stack = `Error: a\n    at query (file:///x/node_modules/pg/index.js:1:1)\n    at process (${import.meta.url}:5:7)\n    at node:internal/x:1:1\n    at other (file:///y/b.ts:1:2)`;
  const own = '  at process (test/runtime/text/failures.test.ts:5:7)';
  const given = error('a\nb\nc', { stack, fields: { status: 409 } });
  expect(detailsOf(given, false)).toEqual(['  b', '  c', own]);
  const library = '  at query (/x/node_modules/pg/index.js:1:1)';
  expect(detailsOf(given, true)).toEqual(['  b', '  c', '  {"status":409}', library, own, '  at other (/y/b.ts:1:2)']);
  const inCause = error('fetch failed', { stack: 'x\n    at node:internal/x:1:1', cause: given });
  expect(detailsOf(inCause, false)).toEqual([own]);
  const many = error(Array(1000).fill('z'.repeat(1000)).join('\n'), { stack: Array(1000).fill(stack).join('\n') });
  for (const verbose of [true, false]) {
    const lines = detailsOf(many, verbose);
    expect(lines.length).toBeLessThanOrEqual(12);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(310);
  }
});

describe('the same error about another item is the same', () => {
  test.each([
    ['numbers', 'no answer in 300 ms', 'no answer in 1,269.5 ms'],
    ['ids', 'user-503 is gone', 'user-7 is gone'],
    ['ids of letters and digits', 'row a1b2c3 is locked', 'row 9zz8y is locked'],
    ['UUIDs', 'no 3f2b8c1e-4a5d-4e6f-8a9b-0c1d2e3f4a5b', 'no ffffffff-aaaa-bbbb-cccc-dddddddddddd'],
    ['hex', 'commit deadbeef', 'commit 0xCAFE12345678'],
    ['quoted texts', "no column 'a b'", "no column 'c'"],
    ['quoted texts of other kinds', 'no column "a b" in `t`', 'no column "c" in `u v`'],
    ['addresses of people', 'ann.b@example.com is no user', 'bob@example.org is no user'],
    ['what is behind the host in a URL', 'HTTP 500 at https://api.test/a?b=1', 'HTTP 500 at https://api.test/c/d'],
    ['paths', 'cannot read /data/in/ann.json: gone', 'cannot read /data/out/x/bob.json: gone'],
    ['relative paths', 'cannot read data/ann.json: gone', 'cannot read ../x/bob.csv: gone'],
    ['ports', 'connect ECONNREFUSED 127.0.0.1:5432', 'connect ECONNREFUSED 10.0.0.7:9'],
    ['times', 'since 2026-11-28T13:44:00.123Z', 'since 1999-01-01T00:00:00Z'],
    ['how many there are', 'ids 1, 2, 3 are taken', 'ids 7 are taken'],
  ])('%s are left out', (_, one, other) =>
    expect(sameFor(error(one), undefined)).toBe(sameFor(error(other), undefined)),
  );

  test('its own key, and what fields say', () => {
    expect(sameFor(error('ann is gone, not anna'), 'ann')).toBe('Error: … is gone, not anna');
    const dns = (hostname: string): ItemError => error(`getaddrinfo ENOTFOUND ${hostname}`, { fields: { hostname } });
    expect(sameFor(dns('a.example'), undefined)).toBe(sameFor(dns('b.test'), undefined));
  });

  test.each([
    ['what it says', error('no answer'), error('no user')],
    ['the class', error('no'), error('no', { name: 'TypeError' })],
    ['the code', error('no', { code: 'A' }), error('no', { code: 'B' })],
    ['the status', error('HTTP 404'), error('HTTP 503')],
    ['how a worker ended', error('exited with status 1'), error('exited with status 3')],
    ['the cause', error('fetch failed', { cause: error('reset') }), error('fetch failed', { cause: refused(1) })],
    ['what it stands for', error('', { errors: [error('a')] }), error('', { errors: [error('b')] })],
    ['an apostrophe quotes nothing', error("can't a, won't"), error("can't b, won't")],
  ])('but not where %s is another', (_, one, other) =>
    expect(sameFor(one, undefined)).not.toBe(sameFor(other, undefined)),
  );
});

test('groups: the most frequent first, the first five items of each, in bounded memory', () => {
  const failures = new Failures();
  for (let number = 1; number <= 7; number++) failures.note(error(`no answer in ${number} ms`), undefined, `${number}`);
  failures.note(error('refused 8'), undefined, '8');
  for (let number = 9; number <= 18; number++) failures.note(error('gone'), 'k', `user-${number}`);
  expect(failures.groups(20)).toEqual({
    groups: [
      { error: 'Error: gone', count: 10, first: ['user-9', 'user-10', 'user-11', 'user-12', 'user-13'] },
      { error: 'Error: no answer in … ms', count: 7, first: ['1', '2', '3', '4', '5'] },
      { error: 'Error: refused 8', count: 1, first: ['8'] },
    ],
    others: 0,
  });
  const letters = (at: number): string => at.toString().replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '');
  for (let at = 0; at < 2000; at++) failures.note(error(letters(at)), undefined, `${at}`);
  const { groups, others } = failures.groups(20);
  expect(groups).toHaveLength(20);
  expect(others).toBe(failures.count - groups.reduce((sum, { count }) => sum + count, 0));
});

describe('20,000 failures', () => {
  const failed = (number: number, message: string): RunEvent => {
    const outcome = { number, key: `user-${number}`, attempts: 1, crashes: 0, worker: 1, durationMs: 1 };
    const stack = Array.from({ length: 50 }, (_, at) => `    at f (file:///t.ts:${at}:1)`).join('\n');
    return { type: 'item failed', outcome, error: error(message, { stack: `Error\n${stack}` }) };
  };
  const started = {
    ...({
      type: 'started',
      runId: 'r',
      pid: 1,
      workers: 1,
      socket: undefined,
      total: undefined,
      after: undefined,
    } as const),
    keys: 'own' as const,
    journal: `${process.cwd()}/j.ndjson`,
  };
  function said(verbose: boolean): string[] {
    const lines: string[] = [];
    const report = reportTo((line) => lines.push(line.text), { verbose, start: false, end: 'always' });
    report(started);
    const long = 'x'.repeat(20_000);
    for (let number = 1; number <= 20_000; number++) report(failed(number, `row ${number} ${long}`));
    return lines;
  }

  test('are said at length, then in a line each, and then counted: the journal has all', () => {
    const lines = said(false);
    expect(lines.filter((line) => /item \d+ \(user-\d+\) failed/.test(line))).toHaveLength(1000);
    expect(lines.filter((line) => /^divvy: {3}at f/.test(line))).toHaveLength(100);
    expect(lines.at(-1)).toBe(
      'divvy: 1,000 failures so far. From here on they are only counted; the journal has them all: j.ndjson',
    );
    expect(lines.join('\n').length).toBeLessThan(400_000);
  });

  test('with -v each has its line, and no more', () => {
    const lines = said(true);
    expect(lines.filter((line) => / failed: /.test(line))).toHaveLength(20_000);
    expect(lines.length).toBeLessThan(20_000 + 100 * 12);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(400);
  });
});
