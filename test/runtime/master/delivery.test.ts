import { expect, test } from 'vitest';
import { Delivery } from '../../../runtime/master/delivery.ts';
import type { Command, DeliveryRules } from '../../../runtime/master/rules.ts';
import type { Run } from '../../../runtime/master/run.ts';
import { faultless, faults, withFault } from '../simulator/faults.ts';
import { storyOf, violationOf } from '../simulator/story.ts';

// ---- the rules, by example ----

test('a worker is booted for an item, and is handed it when it is ready', () => {
  const delivery = deliveryOf({});
  expect(plan(delivery)).toEqual([]);
  delivery.dispatched('a');
  expect(plan(delivery)).toEqual(['boot 1']);
  delivery.ready(1);
  expect(plan(delivery)).toEqual(['hand a to 1']);
});

test('an item in progress in a worker that dies is handed to the next', () => {
  const delivery = atWork({}, 'a');
  expect(namesOf(delivery.exited(1, 0).started)).toEqual(['a']);
  expect(plan(delivery, 100)).toEqual(['boot 1']);
  delivery.ready(1);
  expect(plan(delivery, 100)).toEqual(['hand a to 1']);
});

test('an ack that was read before the exit is an ack', () => {
  const delivery = atWork({}, 'a');
  const runs = delivery.acked(1, 1, 1, 0, 1);
  expect(delivery.exited(1, 0)).toMatchObject({ crashed: true, started: [] });
  for (const run of runs) delivery.settled(run, 'done');
  expect(delivery.counts).toMatchObject({ done: 1, crashed: 1, retried: 0 });
});

test('an ack is taken from the worker that has the item, and once', () => {
  const delivery = atWork({ workers: 2 }, 'a', 'b');
  expect(delivery.acked(2, 1, 1, 0, 1)).toEqual([]);
  expect(namesOf(delivery.acked(1, 1, 1, 0, 1))).toEqual(['a']);
  expect(delivery.acked(1, 1, 1, 0, 1)).toEqual([]);
});

test('items that were with a worker that died are each tried reserved, and only a death while reserved counts', () => {
  const delivery = atWork({ concurrency: 2, maxCrashes: 2 }, 'innocent', 'poison');
  delivery.exited(1, 0);
  expect(reboot(delivery, 100)).toEqual(['hand innocent to 1']);
  delivery.acked(1, 1, 1, 0, 1);
  expect(plan(delivery, 100)).toEqual(['hand poison to 1']);
  expect(delivery.exited(1, 100).failed).toEqual([]);
  expect(reboot(delivery, 100)).toEqual(['hand poison to 1']);
  expect(namesOf(delivery.exited(1, 100).failed)).toEqual(['poison']);
});

test('what a worker gives back is handed out first, and counts as neither an attempt nor a retry', () => {
  const delivery = atWork({ workers: 2 }, 'a', 'b');
  delivery.dispatched('c');
  delivery.nacked(1, [1], 0);
  delivery.acked(2, 2, 1, 0, 1);
  expect(plan(delivery)).toEqual(['hand a to 1', 'hand c to 2']);
  expect(delivery.slots.map(({ leases }) => leases.map(({ starts }) => starts))).toEqual([[1], [1]]);
  expect(delivery.counts.retried).toBe(0);
});

test('an item whose process threw is tried again when its time has come, as often as it may be', () => {
  const delivery = atWork({ retries: 1, backoffMs: 1000 }, 'a');
  expect(delivery.threw(1, 1, 'threw', 0, 1)?.failed).toBe(false);
  expect(delivery.wakeAt(0)).toBe(1000);
  expect(plan(delivery, 999)).toEqual([]);
  expect(plan(delivery, 1000)).toEqual(['hand a to 1']);
  expect(delivery.threw(1, 1, 'threw', 1000, 1)?.failed).toBe(true);
});

test('an item whose error is permanent is not tried again', () => {
  expect(atWork({ retries: 5 }, 'a').threw(1, 1, 'threw for good', 0, 1)?.failed).toBe(true);
});

test('the first wait is what was asked for, however long', () => {
  const delivery = atWork({ retries: 1, backoffMs: 300_000 }, 'a');
  delivery.threw(1, 1, 'threw', 0, 1);
  expect(delivery.wakeAt(0)).toBe(300_000);
});

test('an item can be tried thousands of times without a wait', () => {
  const delivery = atWork({ retries: 5000, backoffMs: 0 }, 'a');
  for (let time = 0; time < 5000; time++) {
    delivery.threw(1, 1, 'threw', 0, 1);
    expect(plan(delivery)).toEqual(['hand a to 1']);
  }
});

test('workers that die without having finished an item are booted again later and later', () => {
  const delivery = atWork({ maxCrashes: 99 }, 'a');
  const waits: number[] = [];
  for (let now = 0; waits.length < 11; now = delivery.wakeAt(now)) {
    if (waits.length > 0) reboot(delivery, now);
    delivery.exited(1, now);
    waits.push(delivery.wakeAt(now) - now);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
});

test('a worker that had finished an item is replaced at once', () => {
  const delivery = atWork({}, 'a');
  delivery.acked(1, 1, 1, 0, 1);
  delivery.dispatched('b');
  plan(delivery);
  delivery.exited(1, 0);
  expect(plan(delivery, 0)).toEqual(['boot 1']);
});

test('it is a boot failure when all who were on their way have gone and none was ever ready', () => {
  const delivery = deliveryOf({ workers: 2 });
  delivery.dispatched('a');
  delivery.dispatched('b');
  expect(plan(delivery)).toEqual(['boot 1', 'boot 2']);
  expect(delivery.exited(1, 0).bootFailure).toBe(false);
  expect(delivery.exited(2, 0).bootFailure).toBe(true);
});

test('a worker that is told to exit by somebody else finishes its item, and another takes its place', () => {
  const delivery = atWork({}, 'a');
  delivery.dispatched('b');
  delivery.leaving(1);
  expect(plan(delivery)).toEqual(['drain 1']);
  delivery.acked(1, 1, 1, 0, 1);
  expect(plan(delivery)).toEqual(['expect exit 1']);
  expect(delivery.exited(1, 0).crashed).toBe(false);
  expect(plan(delivery)).toEqual(['boot 1']);
});

test('an item that its worker was killed for has a failed attempt, and what was beside it is handed out again', () => {
  const delivery = atWork({ concurrency: 2, retries: 1, backoffMs: 1000 }, 'hangs', 'innocent');
  expect(delivery.slot(1).overdue(500, 500)).toEqual([]);
  expect(delivery.slot(1).overdue(501, 500)).toMatchObject([{ number: 1 }, { number: 2 }]);
  expect(delivery.exited(1, 0, new Set([1]))).toMatchObject({ crashed: false, failed: [] });
  expect(delivery.counts).toMatchObject({ crashed: 0, retried: 0 });
  expect(reboot(delivery, 0)).toEqual(['hand innocent to 1']);
  expect(plan(delivery, 1000)).toEqual(['hand hangs to 1']);
  expect(namesOf(delivery.exited(1, 1000, new Set([1])).failed)).toEqual(['hangs']);
});

test('where a worker was stuck, each of its items is tried reserved, and none has failed', () => {
  const delivery = atWork({ concurrency: 2, maxCrashes: 1 }, 'a', 'b');
  expect(delivery.exited(1, 0, new Set())).toMatchObject({ crashed: false, failed: [] });
  expect(reboot(delivery, 0)).toEqual(['hand a to 1']);
  delivery.acked(1, 1, 1, 0, 1);
  expect(plan(delivery)).toEqual(['hand b to 1']);
});

test('an item that is skipped has a number, and is handed to nobody', () => {
  const delivery = deliveryOf({});
  delivery.skipped();
  expect(delivery.dispatched('b')).toBe(2);
  expect(delivery.counts).toMatchObject({ skipped: 1, dispatched: 1 });
});

test('after a graceful stop what is in progress finishes, and the rest is unfinished', () => {
  const delivery = atWork({}, 'a');
  delivery.dispatched('b');
  delivery.stop('gracefully');
  expect(plan(delivery)).toEqual(['drain 1']);
  for (const run of delivery.acked(1, 1, 1, 0, 1)) delivery.settled(run, 'done');
  delivery.exited(1, 0);
  expect(delivery.finished).toBe(true);
  expect(delivery.counts).toMatchObject({ dispatched: 2, done: 1, unfinished: 1, crashed: 0 });
});

test('after a forceful stop what is in progress is unfinished, and its worker has not crashed', () => {
  const delivery = atWork({}, 'a');
  delivery.stop('forcefully');
  expect(delivery.exited(1, 0)).toMatchObject({ crashed: false, failed: [] });
  expect(delivery.finished).toBe(true);
  expect(delivery.counts).toMatchObject({ dispatched: 1, unfinished: 1, crashed: 0 });
});

test.for(['outcomes that wait for a hook', 'items that wait to be tried again'])('%s are bounded', (what) => {
  const delivery = atWork({ retries: 1 }, 'a');
  for (let number = 1; delivery.leased > 0; number++) {
    if (what === 'outcomes that wait for a hook') delivery.acked(1, number, 1, 0, 1);
    else delivery.threw(1, number, 'threw', 0, 1);
    if (delivery.wanted(0) > 0) delivery.dispatched('another');
    plan(delivery);
  }
  // And so many outcomes more as may come from its one worker in a turn.
  expect(delivery.counts.dispatched).toBe(what === 'outcomes that wait for a hook' ? 1256 : 1000);
});

test('short items go to a worker as a run, which its acks shorten', () => {
  const delivery = quick(6);
  expect(delivery.slot(1).leases.map(({ number, count }) => [number, count])).toEqual([[2, 6]]);
  expect(namesOf(delivery.acked(1, 2, 4, 0, 0.001))).toEqual(['2', '3', '4', '5']);
  expect(namesOf(delivery.acked(1, 5, 9, 0, 0.001))).toEqual(['6', '7']); // item 5 is no longer its own, 8 never was
  expect(delivery.leased).toBe(0);
});

test('an ack from the middle of a run divides it', () => {
  const delivery = quick(6);
  expect(namesOf(delivery.acked(1, 4, 2, 0, 0.001))).toEqual(['4', '5']);
  expect(delivery.slot(1).leases.map(({ number, count }) => [number, count])).toEqual([
    [2, 2],
    [6, 2],
  ]);
});

test('of a run whose worker dies, so many are suspects as it may have ended unsaid or had in progress', () => {
  const delivery = quick(9);
  expect(namesOf(delivery.exited(1, 0).started)).toEqual(['2', '3', '4', '5', '6']);
  expect(reboot(delivery, 0)).toEqual(['hand 2 to 1']);
  expect(delivery.backlog.pending.map(({ number, count, starts }) => [number, count, starts])).toEqual([[7, 4, 0]]);
});

test('an item of a run that throws is one by itself from then on', () => {
  const delivery = quick(3, { retries: 1, backoffMs: 0 });
  expect(delivery.threw(1, 3, 'threw', 0, 0.001)).toMatchObject({
    failed: false,
    run: { number: 3, count: 1, throws: 1 },
  });
  expect(namesOf(delivery.slot(1).leases)).toEqual(['2', '4']);
});

test('what is given back of a run is a run, and goes on as one', () => {
  const delivery = quick(6);
  delivery.nacked(1, [3, 4, 5, 6, 7], 0);
  expect(namesOf(delivery.slot(1).leases)).toEqual(['2']);
  expect(delivery.backlog.pending).toMatchObject([{ number: 3, count: 5, starts: 0 }]);
});

test('a rate lets one item through at once, then as many as a tenth of a second has, and is not used up by what comes back', () => {
  const delivery = deliveryOf({ workers: 9, rate: 20 });
  expect(delivery.wanted(0)).toBe(1);
  for (const name of ['a', 'b', 'c', 'd', 'e']) delivery.dispatched(name);
  plan(delivery);
  for (const { number } of delivery.slots) if (delivery.slot(number).state === 'booting') delivery.ready(number);
  expect(plan(delivery)).toEqual(['hand a to 1']);
  expect(delivery.wakeAt(0)).toBe(50);
  expect(plan(delivery, 49)).toEqual([]);
  expect(plan(delivery, 50)).toEqual(['hand b to 2']);
  delivery.nacked(2, [2], 50);
  expect(plan(delivery, 50)).toEqual(['hand b to 2']);
  expect(plan(delivery, 10_000)).toEqual(['hand c to 3', 'hand d to 4']);
});

test('a run is cut where the rate ends', () => {
  const delivery = quick(0, { rate: 30 });
  for (let number = 2; number < 9; number++) delivery.dispatched(`${number}`);
  expect(plan(delivery, 1000)).toEqual(['hand 2,3,4 to 1']);
});

test('after RateLimited nobody gets an item before its time, and it was no attempt', () => {
  const delivery = atWork({ workers: 2 }, 'a', 'b');
  delivery.dispatched('c');
  expect(delivery.threw(1, 1, 'rate limited', 0, 1, 500)).toMatchObject({ failed: false });
  expect(delivery.threw(2, 2, 'rate limited', 10, 1, 100)).toMatchObject({ failed: false });
  expect(delivery.wakeAt(10)).toBe(500);
  expect(delivery.wanted(10)).toBe(0); // c waits already
  expect(plan(delivery, 499)).toEqual([]);
  expect(plan(delivery, 500)).toEqual(['hand b to 1', 'hand a to 2']);
  expect(delivery.slots.map(({ leases }) => leases.map(({ starts }) => starts))).toEqual([[1], [1]]);
  expect(delivery.counts.retried).toBe(0);
});

test('an error that says when is tried again then, and not by the backoff', () => {
  const delivery = atWork({ retries: 1, backoffMs: 1000 }, 'a');
  delivery.threw(1, 1, 'threw', 0, 1, 70);
  expect(delivery.wakeAt(0)).toBe(70);
});

test('the longest wait is what was asked for, but no shorter than the first', () => {
  const delivery = atWork({ retries: 9, backoffMs: 100, backoffCapMs: 150 }, 'a');
  for (const [now, wait] of [
    [0, 100],
    [100, 150],
    [250, 150],
  ] as const) {
    delivery.threw(1, 1, 'threw', now, 1);
    expect(delivery.wakeAt(now)).toBe(now + wait);
    plan(delivery, now + wait);
  }
});

test('large items are not joined', () => {
  const delivery = deliveryOf({ concurrency: 9 });
  for (const size of [1, 1, 5000, 1, 1]) delivery.dispatched('x', size);
  expect(delivery.backlog.pending.map(({ count }) => count)).toEqual([2, 1, 2]);
});

// ---- the rules, whatever happens ----

/** `DIVVY_SEEDS=100000` for a long run, `DIVVY_SEED=17` for one seed. */
const { DIVVY_SEED, DIVVY_SEEDS = '8000' } = process.env;
const seeds = DIVVY_SEED === undefined ? upTo(Number(DIVVY_SEEDS)) : [Number(DIVVY_SEED)];

// About 20 s of CPU, which is a long time where a machine has much else to do.
test(`${seeds.length} simulated runs, with what goes on with them, break no rule`, { timeout: 600_000 }, () => {
  expect(seeds.length).toBeGreaterThan(0);
  for (const seed of seeds) if (violationOf(seed, faultless) !== undefined) throw new Error(storyOf(seed));
});

test.for(faults)('the simulator notices: $what', async (fault) => {
  const faulty = await withFault(fault);
  expect(upTo(5000).some((seed) => violationOf(seed, faulty) !== undefined)).toBe(true);
});

// ---- what the tests are made of ----

function deliveryOf(rules: Partial<DeliveryRules>): Delivery<string> {
  const usual = {
    workers: 1,
    concurrency: 1,
    maxCrashes: 3,
    retries: 0,
    backoffMs: 1000,
    backoffCapMs: 30_000,
    rate: Infinity,
    numbersFrom: 0,
    random: () => 0,
  };
  return new Delivery<string>({ ...usual, prefetch: () => 0, batchesAcks: () => false, acksGathered: 4, ...rules });
}

/** A delivery whose workers have these items in progress. */
function atWork(rules: Partial<DeliveryRules>, ...payloads: string[]): Delivery<string> {
  const delivery = deliveryOf(rules);
  for (const payload of payloads) delivery.dispatched(payload);
  plan(delivery);
  for (const { number, state } of delivery.slots) if (state === 'booting') delivery.ready(number);
  plan(delivery);
  expect(delivery.leased).toBe(payloads.length);
  return delivery;
}

/** A delivery whose one worker has finished an item quickly, and has so many more, as a run. */
function quick(count: number, rules: Partial<DeliveryRules> = {}): Delivery<string> {
  const delivery = atWork({ prefetch: () => 99, batchesAcks: (pace) => pace < 1, ...rules }, '1');
  delivery.acked(1, 1, 1, 0, 0.001);
  for (let number = 2; number < count + 2; number++) delivery.dispatched(`${number}`);
  plan(delivery);
  return delivery;
}

/** Worker 1 comes back. Returns what it is given to do. */
function reboot(delivery: Delivery<string>, now: number): string[] {
  expect(plan(delivery, now)).toEqual(['boot 1']);
  delivery.ready(1);
  return plan(delivery, now);
}

function plan(delivery: Delivery<string>, now = 0): string[] {
  return delivery.plan(now).map((command: Command<string>) => {
    const { worker } = command;
    return command.do === 'hand' ? `hand ${namesOf(command.runs)} to ${worker}` : `${command.do} ${worker}`;
  });
}

function namesOf(runs: readonly Run<string>[]): string[] {
  return runs.flatMap(({ payloads }) => payloads);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, index) => index + 1);
}
