/** Cases of delivery: what becomes of an item, whatever happens to it or to its worker. */

import { writeFileSync } from 'node:fs';
import { numbered, sorted } from './lists.ts';
import { type Case, expectEnd, expectEqual, expectSame, expectThat, type Trial } from './trial.ts';

export const deliveryCases: readonly Case[] = [
  { name: 'every item is processed exactly once, and the exit code is 0', run: everyItemOnce },
  { name: 'an item arrives as it was dispatched, and so does its result', run: itemsArriveWhole },
  { name: 'an item that cannot be carried or is too large fails alone', run: unfitItemsFailAlone },
  { name: 'an item whose process throws fails alone, and the exit code is 1', run: throwingFailsAlone },
  { name: 'an item is tried again by --retries, unless its error is permanent', run: retries },
  { name: 'an item that runs past its timeout is aborted, then its worker is killed', run: timeouts },
  { name: 'an item whose worker dies is tried again', run: deathIsTriedAgain },
  { name: 'an item that always kills its worker fails, and those beside it are done', run: suspects },
  { name: 'a slow item does not hold up others', run: slowItems },
  { name: 'lines of several workers never mix', run: wholeLines },
  { name: 'an item counts only once its output is out', run: outputFirst },
  { name: '--halt stops the run once so many items have failed', run: halt },
];

async function everyItemOnce(trial: Trial): Promise<void> {
  const plain = numbered('plain', 60);
  trial.dispatches([...numbered('silent', 1500), ...plain, ...numbered('silent', 500)]);
  const ended = await trial.run(['-n', '3', '--events', 'events.ndjson']);
  expectEnd(ended, 0, 'after a run in which every item is done');
  expectSame('the items that began', trial.items('begin'), plain, ended);
  expectSame('the items that ended', trial.items('end'), plain, ended);
  const wrong = trial.ledger('begin').filter(({ item, number }) => item !== plain[number - 1501]);
  expectEqual('the items that were given the number of another', wrong, []);
  const { dispatched, done, failed, unfinished } = trial.counts();
  expectEqual(
    'the counts of the run',
    { dispatched, done, failed, unfinished },
    { dispatched: 2060, done: 2060, failed: 0, unfinished: 0 },
  );
  const numbers = trial.events().flatMap(({ type, outcome }) => (type === 'item done' ? numberIn(outcome) : []));
  expectEqual('how many events say that an item is done', numbers.length, 2060);
  expectEqual('how many items these events are of', new Set(numbers).size, 2060);
}

const numberIn = (outcome: unknown): unknown => (outcome as { number?: unknown }).number;

async function itemsArriveWhole(trial: Trial): Promise<void> {
  const ended = await trial.run(['-n', '1'], { task: 'values' });
  expectEnd(ended, 0, 'after items of every kind that can be carried');
  const seen = trial.ledger();
  for (const { what, number, came, wanted } of seen)
    expectThat(came === 'whole', `expected ${what} ${number} to be ${wanted}, got ${came}`);
  expectEqual('how many items and results were looked at', seen.length, 17 * 3, ended);
}

async function unfitItemsFailAlone(trial: Trial): Promise<void> {
  const ended = await trial.run(['-n', '1', '--max-item-size', '1', '--events', 'events.ndjson'], {
    task: 'values',
    args: ['unfit'],
  });
  expectEnd(ended, 1, 'after three items that cannot be carried');
  expectEqual('the items that were processed', sorted(trial.ledger('item').map(({ number }) => number)), [1, 5], ended);
  const failed = new Map(
    trial.events().flatMap(({ type, outcome, error }) => (type === 'item failed' ? [[numberIn(outcome), error]] : [])),
  );
  const says = (number: number, pattern: RegExp): void => {
    const { message } = Object(failed.get(number)) as { message?: string };
    expectThat(
      message !== undefined && pattern.test(message),
      `expected item ${number} to fail with a message like ${pattern}, got ${message}`,
      ended,
    );
  };
  says(2, /item 2: \.retry is a function/);
  says(3, /item 3: \.list\[0\] is a symbol/);
  says(4, /item 4 /);
}

async function throwingFailsAlone(trial: Trial): Promise<void> {
  trial.dispatches(['plain 1', 'throws 2', 'plain 3', 'throws 4', 'plain 5']);
  const ended = await trial.run(['-n', '1']);
  expectEnd(ended, 1, 'after a run in which two of five items failed');
  expectSame('the items that ended', trial.items('end'), ['plain 1', 'plain 3', 'plain 5'], ended);
  expectSame('the items that failed', trial.items('failed'), ['throws 2', 'throws 4'], ended);
  expectEqual('the error of a failed item', trial.ledger('failed')[0]?.['error'], 'Error: no', ended);
  expectEqual('how often each item began', trial.items('begin').length, 5, ended);
}

async function retries(trial: Trial): Promise<void> {
  trial.dispatches(['throws 1', 'throws-once 2', 'permanent 3', 'plain 4']);
  const ended = await trial.run(['-n', '1', '--retries', '2', '--backoff', '20ms']);
  expectEnd(ended, 1, 'after a run in which two items failed for good');
  const begun = trial.ledger('begin');
  for (const [item, attempts] of [
    ['throws 1', [1, 2, 3]],
    ['throws-once 2', [1, 2]],
    ['permanent 3', [1]],
    ['plain 4', [1]],
  ] as const) {
    const own = begun.filter((entry) => entry.item === item);
    expectEqual(
      `the attempts at "${item}"`,
      own.map(({ attempt }) => attempt),
      attempts,
      ended,
    );
    expectEqual(`how many keys "${item}" had`, new Set(own.map(({ key }) => key)).size, 1, ended);
    const told = own.every(({ number, worker }) => number === Number(item.at(-1)) && worker === 1);
    expectThat(told, `expected "${item}" to be told its number and its worker's, got ${JSON.stringify(own)}`, ended);
  }
  expectEqual('how many keys there were', new Set(begun.map(({ key }) => key)).size, 4, ended);
  const failed = trial.ledger('failed').map(({ item, attempts }) => `${item} after ${attempts}`);
  expectSame('the failures', failed, ['permanent 3 after 1', 'throws 1 after 3'], ended);
}

async function timeouts(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  const plain = numbered('plain', 6);
  trial.dispatches(['obeys 1', 'loops 2', ...plain]);
  const run = trial.start(['-n', '2', '--timeout', '500ms', '--kill-after', '300ms']);
  await trial.arrived(gate, run, 'obeys 1', 'loops 2');
  const ended = await trial.ended(run);
  expectEnd(ended, 1, 'after a run in which two items took too long');
  expectEqual('what the item that listens heard', trial.items('aborted by TimeoutError'), ['obeys 1'], ended);
  const errors = trial.ledger('failed').map(({ item, error }) => `${item}: ${String(error).split(':')[0]}`);
  expectSame('the failures', errors, ['loops 2: TimeoutError', 'obeys 1: TimeoutError'], ended);
  expectSame('the items that ended', trial.items('end'), plain, ended);
  expectEqual('how many items began', trial.items('begin').length, 8, ended);
}

async function deathIsTriedAgain(trial: Trial): Promise<void> {
  const plain = numbered('plain', 10);
  trial.dispatches(['dies-once 1', ...plain]);
  const ended = await trial.run(['-n', '2', '--events', 'events.ndjson']);
  expectEnd(ended, 0, 'after a run in which a worker died once');
  const attempts = trial.ledger('begin').flatMap(({ item, attempt }) => (item === 'dies-once 1' ? attempt : []));
  expectEqual('the attempts at the item whose worker died', attempts, [1, 2], ended);
  expectSame('the items that ended', trial.items('end'), ['dies-once 1', ...plain], ended);
  expectEqual('how many workers crashed', trial.counts()['crashed'], 1, ended);
}

async function suspects(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  const all = ['slow 1', 'slow 2', 'crashes 3'];
  trial.dispatches([...all, 'plain 4']);
  const run = trial.start(['-n', '1', '-c', '3', '--max-crashes', '2']);
  await trial.arrived(gate, run, ...all);
  gate.release('crashes 3');
  const begun = (): boolean => trial.items('begin').length > all.length;
  await trial.until('an item to begin again after its worker was killed', begun, run);
  gate.open();
  const ended = await trial.ended(run);
  expectEnd(ended, 1, 'after a run in which one item always kills its worker');
  const failed = trial.ledger('failed').map(({ item, attempts, crashes }) => ({ item, attempts, crashes }));
  // Three starts: the first one was not alone, and counts no crash.
  expectEqual('the failures', failed, [{ item: 'crashes 3', attempts: 3, crashes: 2 }], ended);
  expectSame('the items that ended', trial.items('end'), ['plain 4', 'slow 1', 'slow 2'], ended);
  const beside = trial.ledger('begin').filter(({ item }) => item === 'slow 1').length;
  expectEqual('how often an item beside it began', beside, 2, ended);
}

async function slowItems(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  const plain = numbered('plain', 300);
  // While items are short, many are sent ahead: then one blocks its worker's thread, and one waits.
  trial.dispatches([...numbered('silent', 2000), 'blocks 1', 'slow 2', ...plain]);
  const run = trial.start(['-n', '3']);
  const areDone = (): boolean => trial.items('end').length === plain.length;
  await trial.until('all items but the two slow ones to end', areDone, run, SLOW_MS);
  await trial.arrived(gate, run, 'slow 2');
  writeFileSync(trial.path('released'), '');
  gate.open();
  const ended = await trial.ended(run);
  expectEnd(ended, 0, 'after a run in which two items were slow');
  expectSame('the items that began', trial.items('begin'), [...plain, 'blocks 1', 'slow 2'], ended);
  const later = trial.ledger('begin').filter(({ attempt }) => attempt !== 1);
  expectEqual('the items whose first attempt did not count as the first', later, [], ended);
}

/** How long a slow item may hold up others, in milliseconds, on a machine that is busy. */
const SLOW_MS = 8000;

async function wholeLines(trial: Trial): Promise<void> {
  await wholeLinesOf(numbered('lines', 24), trial);
  await wholeLinesOf(numbered('raw', 12), trial);
}

async function wholeLinesOf(items: readonly string[], trial: Trial): Promise<void> {
  trial.dispatches(items);
  const ended = await trial.run(['-n', '3']);
  expectEnd(ended, 0, 'after a run whose items write lines in pieces');
  const wanted = items.flatMap((item) => [
    ...[1, 2, 3].map((line) => `${item}: line ${line} ${'x'.repeat(line * 700)}.`),
    `${item}: line 4 ${'x'.repeat(9000)}.`,
    `${item}: line 5.`,
  ]);
  const got = linesIn(ended.stdout);
  const expected = new Set(wanted);
  // An item may go on with the line that the one before it in its worker has left open.
  const workers = new Map(trial.ledger('begin').map(({ item, worker }) => [item, worker]));
  const piecesOf = (line: string): string[] => line.split(/(?<=\.)(?=lines |raw )/);
  const isWhole = (line: string): boolean =>
    piecesOf(line).every((piece) => expected.has(piece)) &&
    new Set(piecesOf(line).map((piece) => workers.get(piece.split(':')[0] ?? ''))).size === 1;
  const broken = got.find((line) => !isWhole(line));
  expectThat(
    broken === undefined,
    `expected whole lines on stdout, each of one worker, got a line of ${broken?.length} characters: ${broken?.slice(0, 200)}`,
  );
  expectSame('the lines on stdout', got.flatMap(piecesOf), wanted);
  const errors = linesIn(ended.stderr).filter((line) => /^(lines|raw) /.test(line));
  expectSame(
    'the lines on stderr',
    errors,
    items.map((item) => `${item}: on stderr .`),
  );
}

const linesIn = (text: string): string[] => text.split('\n').slice(0, -1);

async function outputFirst(trial: Trial): Promise<void> {
  trial.dispatches(numbered('large', 12));
  const run = trial.start(['-n', '2', '-c', '4', '--journal', 'journal.ndjson'], { readsLater: true });
  // Nobody reads: the first lines fill the pipe. From then on nothing moves.
  let last = '';
  let since = performance.now();
  await trial.until(
    'the run to wait for the reader of its output',
    () => {
      const now = `${trial.items('end').length} ${trial.recorded().length}`;
      if (now !== last) since = performance.now();
      last = now;
      return trial.items('end').length > 0 && performance.now() - since > QUIET_MS;
    },
    run,
  );
  run.kill('SIGKILL');
  run.read();
  const ended = await trial.ended(run);
  const names = new Map(trial.ledger('begin').map(({ key, item }) => [key, item]));
  const lines = new Set(ended.stdout.split('\n').filter((line) => line.endsWith('x.')));
  for (const key of trial.recorded()) {
    const item = names.get(key) ?? '';
    expectThat(
      lines.has(`${item} ${'x'.repeat(30_000)}.`),
      `expected the output of "${item}" to be out before the journal has it as done, got ${lines.size} whole lines and ${trial.recorded().length} items that are done`,
    );
  }
}

/** How long nothing must have moved, in milliseconds. */
const QUIET_MS = 400;

async function halt(trial: Trial): Promise<void> {
  trial.dispatches(['plain 0', ...numbered('throws', 10)]);
  const ended = await trial.run(['-n', '1', '--halt', '2', '--events', 'events.ndjson']);
  expectEnd(ended, 1, 'after --halt 2 has stopped the run');
  expectEqual('the items that failed', trial.items('failed'), ['throws 1', 'throws 2'], ended);
  expectEqual('what stopped the run', stoppedBy(trial), 'halt', ended);
}

function stoppedBy(trial: Trial): unknown {
  const result = trial.events().findLast(({ type }) => type === 'ended')?.result;
  return (Object(result) as { stoppedBy?: unknown }).stoppedBy;
}
