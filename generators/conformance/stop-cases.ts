/** Cases of how a run ends: by signals, by the death of its master, by faults; and of its exit codes. */

import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { numbered } from './lists.ts';
import { killIfThere, type Program } from './program.ts';
import { type Case, expectEnd, expectEqual, expectSame, expectThat, type Trial } from './trial.ts';

export const stopCases: readonly Case[] = [
  { name: 'workers end soon after their master was killed', run: orphansEnd },
  { name: 'after INT items in progress finish, and a resume does the rest', run: interrupted },
  { name: 'TERM aborts items in progress, and a resume does them', run: terminated },
  { name: 'a worker that gets TERM finishes its item and is replaced', run: workerTerminated },
  { name: 'the exit code is 70 when dispatch throws, after the items before it', run: dispatchThrows },
  { name: 'the exit code is 69 when no worker boots', run: nobodyBoots },
  { name: 'the exit code is 2 for an unknown option', run: unknownOption },
  { name: 'the exit code is 75 while the same run goes on', run: sameRun },
  { name: 'the socket has mode 0600, in a folder with 0700, and is gone afterwards', run: socketIsPrivate },
];

const EVENTS = ['--events', 'events.ndjson'];

/** Resolves when the run has said that something happened. */
function event(trial: Trial, run: Program, wanted: string): Promise<void> {
  const has = (): boolean => trial.events().some(({ type }) => type === wanted);
  return trial.until(`an event of the type "${wanted}"`, has, run);
}

async function orphansEnd(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  trial.dispatches(['loops 1', 'stays 2']);
  const run = trial.start(['-n', '2']);
  await trial.arrived(gate, run, 'loops 1', 'stays 2');
  const workers = trial.ledger('begin').map(({ pid }) => pid);
  const [started] = trial.ledger('started').map(({ started: pid }) => Number(pid));
  run.kill('SIGKILL');
  await trial.ended(run);
  const alive = await trial.gone([...workers, started ?? 0]);
  for (const pid of alive) killIfThere(pid);
  const left = { workers: alive.filter((pid) => pid !== started), started: alive.filter((pid) => pid === started) };
  expectEqual('what lives on after the master was killed', left, { workers: [], started: [] });
}

async function interrupted(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  const slow = ['slow 1', 'slow 2'];
  const plain = numbered('plain', 5);
  trial.dispatches([...slow, ...plain]);
  const run = trial.start(['-n', '2', ...EVENTS]);
  await trial.arrived(gate, run, ...slow);
  run.kill('SIGINT');
  await event(trial, run, 'stopping');
  run.kill('SIGINT');
  await event(trial, run, 'signal ignored');
  gate.open();
  const ended = await trial.ended(run);
  expectEnd(ended, 'SIGINT', 'after INT (a shell sees exit code 130)');
  expectSame('the items that ended before the stop', trial.items('end'), slow, ended);
  expectSame('the items that had begun', trial.items('begin'), slow, ended);
  const resumed = await trial.run(['-n', '1', '--resume']);
  expectEnd(resumed, 0, 'after a resume of what INT had stopped');
  expectSame('the items that ended in both runs', trial.items('end'), [...slow, ...plain], resumed);
}

async function terminated(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  const inProgress = ['obeys 1', 'slow 2'];
  trial.dispatches([...inProgress, 'plain 3']);
  const run = trial.start(['-n', '2', '--kill-after', '3s', ...EVENTS]);
  await trial.arrived(gate, run, ...inProgress);
  run.kill('SIGTERM');
  const ended = await trial.ended(run);
  expectEnd(ended, 'SIGTERM', 'after TERM (a shell sees exit code 143)');
  expectEqual('what the item that listens heard', trial.items('aborted by AbortError'), ['obeys 1'], ended);
  expectEqual('the items that ended', trial.items('end'), [], ended);
  expectEqual('the items that failed', trial.items('failed'), [], ended);
  const { done, failed, unfinished } = trial.counts();
  expectEqual('how many were done and failed', { done, failed }, { done: 0, failed: 0 }, ended);
  expectThat((unfinished ?? 0) >= 2, `expected at least 2 unfinished items, got ${unfinished}`, ended);
  gate.open();
  const resumed = await trial.run(['-n', '1', '--resume'], { env: { MENDED: '1' } });
  expectEnd(resumed, 0, 'after a resume of what TERM had stopped');
  const all = [...inProgress, 'plain 3'];
  expectSame('the items that ended in both runs', trial.items('end'), all, resumed);
}

async function workerTerminated(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  const plain = numbered('plain', 3);
  trial.dispatches(['slow 1', ...plain]);
  const run = trial.start(['-n', '1', ...EVENTS]);
  await trial.arrived(gate, run, 'slow 1');
  const first = trial.ledger('begin')[0]?.pid ?? 0;
  process.kill(first, 'SIGTERM');
  gate.open();
  const ended = await trial.ended(run);
  expectEnd(ended, 0, 'after a worker got TERM');
  expectEqual('the items that began', trial.items('begin'), ['slow 1', ...plain], ended);
  expectEqual('the items that ended', trial.items('end'), ['slow 1', ...plain], ended);
  const last = trial.ledger('end').at(-1)?.pid;
  expectThat(last !== first, `expected another process in the place of ${first}, got the same`, ended);
  const exits = trial.events().flatMap(({ type, exit }) => (type === 'worker exited' ? [exit] : []));
  expectEqual(
    'how the workers exited',
    exits,
    [
      { code: 0, signal: null },
      { code: 0, signal: null },
    ],
    ended,
  );
}

async function dispatchThrows(trial: Trial): Promise<void> {
  const plain = numbered('plain', 3);
  trial.dispatches(plain);
  const ended = await trial.run(['-n', '1', ...EVENTS], { env: { BROKEN: 'dispatch' } });
  expectEnd(ended, 70, 'after dispatch threw');
  expectSame('the items that ended', trial.items('end'), plain, ended);
  expectEqual('how many items were done', trial.counts()['done'], 3, ended);
}

async function nobodyBoots(trial: Trial): Promise<void> {
  trial.dispatches(['plain 1']);
  const ended = await trial.run(['-n', '1'], { env: { BROKEN: 'afterFork' } });
  expectEnd(ended, 69, 'after afterFork threw in every worker');
  expectEqual('the items that began', trial.items('begin'), [], ended);
}

async function unknownOption(trial: Trial): Promise<void> {
  trial.dispatches(['plain 1']);
  const ended = await trial.run(['--no-such-option']);
  expectEnd(ended, 2, 'after an unknown option');
  expectThat(ended.stderr.includes('--no-such-option'), 'expected stderr to name the option', ended);
  expectEqual('the items that began', trial.items('begin'), []);
}

async function sameRun(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  trial.dispatches(['slow 1']);
  const run = trial.start(['-n', '1']);
  await trial.arrived(gate, run, 'slow 1');
  const other = trial.start(['-n', '1']);
  await trial.until('the second start of the same run to end', () => other.isOver || trial.items('begin').length > 1);
  gate.open();
  const second = await trial.ended(other);
  const first = await trial.ended(run);
  expectEnd(second, 75, 'from a second start of the same run');
  expectThat(second.stderr.includes(String(run.pid)), `expected stderr to name the process ${run.pid}`, second);
  expectEnd(first, 0, 'from the run that was started first');
  expectEqual('the items that began', trial.items('begin'), ['slow 1']);
}

async function socketIsPrivate(trial: Trial): Promise<void> {
  const gate = await trial.gate();
  trial.dispatches(['slow 1']);
  const run = trial.start(['-n', '1', ...EVENTS]);
  await trial.arrived(gate, run, 'slow 1');
  await event(trial, run, 'started');
  const socket =
    trial.events().flatMap((each) => (typeof each['socket'] === 'string' ? [each['socket']] : []))[0] ?? '';
  const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;
  expectThat(isThere(socket), `expected a socket at the path in the event "started", got none at "${socket}"`);
  const modes = { socket: modeOf(socket), folder: modeOf(dirname(socket)) };
  gate.open();
  const ended = await trial.ended(run);
  expectEnd(ended, 0, 'after a run in which every item is done');
  expectEqual('the modes of the socket and its folder', modes, { socket: '600', folder: '700' });
  expectThat(
    !isThere(dirname(socket)),
    `expected the folder of the socket to be gone after the run: ${dirname(socket)}`,
  );
}
