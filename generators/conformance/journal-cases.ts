/** Cases of the journal and the results: what a resume does, and what it does not do again. */

import { appendFileSync, readFileSync } from 'node:fs';
import { numbered, times } from './lists.ts';
import type { Program } from './program.ts';
import { type Case, expectEnd, expectEqual, expectSame, expectThat, linesOf, type Trial } from './trial.ts';

export const journalCases: readonly Case[] = [
  { name: 'a resume does what a killed master left, and nothing twice', run: resumeAfterKill },
  { name: '--retry-failed takes only what failed', run: retryFailed },
  { name: 'of equal items a resume skips as many as have ended', run: equalItems },
  { name: '--results has one line for each done item, also after a kill and a resume', run: results },
  { name: 'the journal has an item only after its afterProcess', run: afterProcessFirst },
];

const JOURNAL = ['--journal', 'journal.ndjson'];

/** Starts a run that ends by a kill of its master, while the items `slow` are in progress and those before are recorded. */
async function killed(
  trial: Trial,
  options: readonly string[],
  before: number,
  slow: readonly string[],
): Promise<void> {
  const gate = await trial.gate();
  const run: Program = trial.start(['-n', String(slow.length), ...JOURNAL, ...options]);
  await trial.arrived(gate, run, ...slow);
  const all = (): boolean => trial.recorded().length >= before;
  await trial.until(`the journal to have the ${before} items that have ended`, all, run, RECORDED_WITHIN_MS);
  run.kill('SIGKILL');
  await trial.ended(run);
  // Only then: what a worker may finish before its end is another question.
  await trial.gone(trial.ledger('begin').map(({ pid }) => pid));
  gate.open();
}

const RECORDED_WITHIN_MS = 4000;

async function resumeAfterKill(trial: Trial): Promise<void> {
  const slow = ['slow 1', 'slow 2'];
  const before = numbered('plain', 20);
  const all = [...before, ...slow, ...numbered('later', 10)];
  trial.dispatches(all);
  await killed(trial, [], before.length, slow);
  const keys = new Map(trial.ledger('begin').map(({ item, key }) => [item, key]));
  const recorded = new Set(trial.recorded());
  const resumed = await trial.run(['-n', '1', ...JOURNAL, '--resume', '--events', 'events.ndjson']);
  expectEnd(resumed, 0, 'after a resume of a run whose master was killed');
  expectSame('the items that ended in both runs', trial.items('end'), all, resumed);
  const begun = trial.items('begin');
  const again = all.filter(
    (item) => recorded.has(keys.get(item) ?? '') && begun.filter((it) => it === item).length > 1,
  );
  expectEqual('the items that were recorded as done, and were done again', again, [], resumed);
  expectEqual('how many items the resume skipped', trial.counts()['skipped'], recorded.size, resumed);
  const now = trial.ledger('end').filter(({ item }) => slow.includes(item));
  expectEqual(
    'the keys of the items that were begun in both runs',
    now.filter(({ item, key }) => key !== keys.get(item)),
    [],
    resumed,
  );
}

async function retryFailed(trial: Trial): Promise<void> {
  trial.dispatches(['plain 1', 'mends 2', 'plain 3', 'mends 4', 'plain 5']);
  const first = await trial.run(['-n', '1', ...JOURNAL]);
  expectEnd(first, 1, 'after a run in which two of five items failed');
  const resumed = await trial.run(['-n', '1', ...JOURNAL, '--resume'], { env: { MENDED: '1' } });
  expectEnd(resumed, 1, 'after a resume, which leaves failed items alone');
  expectEqual('how many items had begun after the resume', trial.items('begin').length, 5, resumed);
  const retried = await trial.run(['-n', '1', ...JOURNAL, '--retry-failed'], { env: { MENDED: '1' } });
  expectEnd(retried, 0, 'after --retry-failed, in which all items are done');
  expectSame('the items that --retry-failed began', trial.items('begin').slice(5), ['mends 2', 'mends 4'], retried);
  expectEqual('how many items the journal has as done', new Set(trial.recorded()).size, 5, retried);
}

async function equalItems(trial: Trial): Promise<void> {
  trial.dispatches([...times('plain', 4), 'other', ...times('plain', 4)]);
  const first = await trial.run(['-n', '1', '--limit', '6']);
  expectEnd(first, 0, 'after a run of the first 6 of 9 items, by --limit');
  expectEqual('how many items the first run did', trial.items('end').length, 6, first);
  const resumed = await trial.run(['-n', '1', '--resume']);
  expectEnd(resumed, 0, 'after a resume that does the rest');
  const ended = trial.items('end');
  expectEqual(
    'how many of 8 equal items ended in both runs',
    ended.filter((item) => item === 'plain').length,
    8,
    resumed,
  );
  expectEqual('how often the other item ended', ended.filter((item) => item === 'other').length, 1, resumed);
}

interface Line {
  readonly key: string;
  readonly number: number;
  readonly result: unknown;
}

async function results(trial: Trial): Promise<void> {
  const slow = ['slow 1'];
  const before = numbered('plain', 6);
  const all = [...before, 'throws 7', ...slow, 'plain 8'];
  trial.dispatches(all);
  await killed(trial, ['--results', 'results.ndjson'], before.length, slow);
  const file = trial.path('results.ndjson');
  const written = linesOf<Line>(readFileSync(file, 'utf8')).length;
  expectThat(written >= before.length, `expected a line for each of ${before.length} recorded items, got ${written}`);
  // As if the master had been killed between the line and its record, in the middle of the next one.
  appendFileSync(file, '{"key":"lost","number":8,"result":"made of slow 1"}\n{"key":"to');
  const resumed = await trial.run(['-n', '1', ...JOURNAL, '--resume']);
  expectEnd(resumed, 1, 'after a resume of a run in which one item failed');
  const text = readFileSync(file, 'utf8');
  const lines = linesOf<Line>(text);
  const done = all.filter((item) => item !== 'throws 7');
  expectSame(
    'the results',
    lines.map(({ result }) => String(result)),
    done.map((item) => `made of ${item}`),
    resumed,
  );
  expectEqual('how many lines the file has', text.split('\n').length - 1, done.length, resumed);
  const keys = new Map(trial.ledger('begin').map(({ item, key }) => [key, item]));
  const wrong = lines.filter(
    ({ key, number, result }) => result !== `made of ${keys.get(key)}` || result !== `made of ${all[number - 1]}`,
  );
  expectEqual('the lines with the key or the number of another item', wrong, [], resumed);
}

async function afterProcessFirst(trial: Trial): Promise<void> {
  const broken = await trial.run(['-n', '1', ...JOURNAL], { task: 'hooks', env: { BROKEN: 'afterProcess' } });
  expectEnd(broken, 70, 'after afterProcess threw');
  expectEqual('the items that the journal has as done although afterProcess threw', trial.recorded(), [], broken);
  const resumed = await trial.run(['-n', '1', ...JOURNAL, '--resume'], { task: 'hooks' });
  expectEnd(resumed, 1, 'after a resume in which one of two items has failed');
  const confirmed = trial.ledger('afterProcess').map(({ item, recorded }) => ({ item, recorded }));
  const once = { item: 'good', recorded: false };
  expectEqual('the calls of afterProcess, and whether the item was recorded by then', confirmed, [once, once], resumed);
  expectEqual('how many items the journal has as done in the end', trial.recorded().length, 1, resumed);
}
