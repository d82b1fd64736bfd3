/** Cases of what a task, a command line and a program meet: hooks, arguments, options, events, the library. */

import { numbered } from './lists.ts';
import {
  type Case,
  type Entry,
  type Event,
  expectEnd,
  expectEqual,
  expectSame,
  expectThat,
  linesOf,
  type Trial,
} from './trial.ts';

export const surfaceCases: readonly Case[] = [
  { name: 'hooks run in their order, each in its process, with what they are given', run: hooks },
  { name: 'declared arguments reach process with their types, and a wrong one is refused', run: declaredArguments },
  { name: '--limit takes the first items, and --dry-run only prints them', run: limitAndDryRun },
  { name: '--inline does the same work in one process', run: inline },
  { name: 'each event has a time, the id of the run and a type', run: events },
  { name: 'Master and runInline work in a program', run: library },
];

async function hooks(trial: Trial): Promise<void> {
  const run = trial.start(['-n', '1', '--journal', 'journal.ndjson'], { task: 'hooks' });
  const ended = await trial.ended(run);
  expectEnd(ended, 1, 'after a run in which one of two items failed');
  const all = trial.ledger();
  const told = (name: string): Readonly<Record<string, unknown>>[] =>
    all
      .filter(({ what }) => what === name)
      .map(({ what: _, pid, ...given }) => ({ ...given, inMaster: pid === run.pid }));
  for (const [name, given] of GIVEN) expectEqual(`the calls of ${name}`, told(name), given, ended);
  const [confirmed] = trial.ledger('afterProcess');
  const got = { item: confirmed?.item, result: confirmed?.['result'], recorded: confirmed?.['recorded'] };
  expectEqual('what afterProcess got', got, { item: 'good', result: 'made of good', recorded: false }, ended);
  expectEqual('the process of afterProcess', confirmed?.pid, run.pid, ended);
  const first = (name: string): number => all.findIndex(({ what }) => what === name);
  const last = (name: string): number => all.findLastIndex(({ what }: Entry) => what === name);
  for (const [one, other] of ORDER)
    expectThat(
      last(one) < first(other),
      `expected ${one} before ${other}, got ${all.map(({ what }) => what).join(', ')}`,
      ended,
    );
}

/** What each hook is given, in each of its calls. */
const GIVEN: readonly (readonly [string, readonly Readonly<Record<string, unknown>>[]])[] = [
  ['beforeRun', [{ workers: 1, inMaster: true }]],
  ['beforeFork', [{ number: 1, inMaster: true }]],
  ['afterFork', [{ number: 1, got: 'to worker 1', inMaster: false }]],
  [
    'process',
    [
      { item: 'good', inMaster: false },
      { item: 'bad', inMaster: false },
    ],
  ],
  ['afterFailure', [{ item: 'bad', error: 'TypeError: it is bad', cause: 'the cause', inMaster: true }]],
  ['beforeExit', [{ number: 1, inMaster: false }]],
  ['afterExit', [{ number: 1, running: false, code: 0, inMaster: true }]],
  ['afterRun', [{ done: 1, failed: 1, inMaster: true }]],
];

/** Of each two, the first one has ended before the second one begins. */
const ORDER: readonly (readonly [string, string])[] = [
  ['beforeRun', 'beforeFork'],
  ['beforeFork', 'afterFork'],
  ['afterFork', 'process'],
  ['process', 'beforeExit'],
  ['beforeExit', 'afterExit'],
  ['afterExit', 'afterRun'],
  ['afterProcess', 'afterRun'],
  ['afterFailure', 'afterRun'],
];

async function declaredArguments(trial: Trial): Promise<void> {
  const wrong = await trial.run(['-n', '1'], { task: 'declares', args: ['batch=none', 'tabel=users'] });
  expectEnd(wrong, 2, 'after wrong arguments of the task');
  for (const name of ['batch', 'table'])
    expectThat(wrong.stderr.includes(name), `expected stderr to name the argument ${name}`, wrong);
  expectEqual('what ran before the arguments were checked', trial.ledger(), [], wrong);
  const given = ['table=users', '7', 'batch=25', 'seven', '--', '--dry', '--share', '1e-1'];
  const ended = await trial.run(['-n', '1'], { task: 'declares', args: given, env: { TOKEN: 'a secret' } });
  expectEnd(ended, 0, 'after right arguments of the task');
  const [args] = trial.ledger('args');
  const expected = { table: 'users', batch: 25, share: 0.1, dry: true, token: 'a secret', ids: ['7', 'seven'] };
  expectEqual('the arguments in process', args, { what: 'args', ...expected }, ended);
}

async function limitAndDryRun(trial: Trial): Promise<void> {
  trial.dispatches(numbered('plain', 6));
  const dry = await trial.run(['-n', '1', '--dry-run', '--limit', '4']);
  expectEnd(dry, 0, 'after a dry run');
  expectEqual('what a dry run prints', dry.stdout, '"plain 1"\n"plain 2"\n"plain 3"\n"plain 4"\n', dry);
  expectEqual('the items that a dry run began', trial.items('begin'), [], dry);
  const limited = await trial.run(['-n', '1', '--limit', '4', '--no-journal']);
  expectEnd(limited, 0, 'after a run of the first 4 of 6 items');
  expectSame('the items that ended by --limit 4', trial.items('end'), numbered('plain', 4), limited);
}

async function inline(trial: Trial): Promise<void> {
  trial.dispatches(['plain 1', 'throws 2', 'throws-once 3', 'plain 4']);
  const run = trial.start(['--inline', '--retries', '1', '--backoff', '20ms', '--events', 'events.ndjson']);
  const ended = await trial.ended(run);
  expectEnd(ended, 1, 'after a run in this one process, in which one item failed');
  expectSame('the items that ended', trial.items('end'), ['plain 1', 'plain 4', 'throws-once 3'], ended);
  expectEqual('the processes', [...new Set(trial.ledger().map(({ pid }) => pid))], [run.pid], ended);
  const { dispatched, done, failed, retried } = trial.counts();
  expectEqual(
    'the counts',
    { dispatched, done, failed, retried },
    { dispatched: 4, done: 3, failed: 1, retried: 2 },
    ended,
  );
}

async function events(trial: Trial): Promise<void> {
  trial.dispatches(['plain 1', 'throws 2', 'plain 3']);
  const ended = await trial.run(['-n', '1', '--json', '--events', 'events.ndjson']);
  expectEnd(ended, 1, 'after a run in which one of three items failed');
  const said = linesOf<Event>(
    ended.stderr
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .join('\n'),
  );
  const written = trial.events();
  const types = (list: readonly Event[]): unknown[] => list.map(({ type }) => type);
  expectEqual('the types of the events in the file', types(written), types(said), ended);
  expectThat(written.length > 0, 'expected events, got none', ended);
  const runId = written[0]?.runId;
  const wrong = [...said, ...written].filter((each) => !hasHead(each) || each.runId !== runId);
  expectEqual('the events without a time, the id of the run or a type', wrong, [], ended);
  for (const [type, count] of COUNTED)
    expectEqual(
      `how many events are of the type "${type}"`,
      types(written).filter((each) => each === type).length,
      count,
      ended,
    );
  expectEqual('the first event', written[0]?.type, 'started', ended);
  expectEqual('the last event', written.at(-1)?.type, 'ended', ended);
}

const hasHead = ({ at, runId, type }: Event): boolean =>
  typeof at === 'number' && typeof runId === 'string' && typeof type === 'string';

/** How many events of each type come of three items, of which one fails. */
const COUNTED: readonly (readonly [string, number])[] = [
  ['worker forked', 1],
  ['worker ready', 1],
  ['item done', 2],
  ['item failed', 1],
  ['worker exited', 1],
];

async function library(trial: Trial): Promise<void> {
  trial.dispatches([]);
  await trial.gate();
  const ended = await trial.ended(trial.program(['tasks/library.ts']));
  expectEnd(ended, 0, 'after a program that uses the runtime as a library');
  const [came] = linesOf<Record<string, unknown>>(
    ended.stdout
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .join('\n'),
  );
  const { counts, ...others } = came ?? {};
  const { dispatched, done, failed } = Object(counts) as Record<string, unknown>;
  expectEqual('the counts of Master.run', { dispatched, done, failed }, { dispatched: 3, done: 2, failed: 1 }, ended);
  expectEqual(
    'what came of the program',
    others,
    {
      exitCode: 1,
      workers: 2,
      first: 'started',
      last: 'ended',
      isMaster: true,
      isWorker: false,
      stopped: 1,
      inline: [2, 4, 'RangeError'],
    },
    ended,
  );
}
