/** What must be so, whatever happens: Delivery's account against the simulator's own. */

import type { Delivery } from '../../../runtime/master/delivery.ts';
import { countOf, type Run } from '../../../runtime/master/run.ts';
import type { Truth } from './truth.ts';
import { ensure, same, Violation } from './violation.ts';
import type { Work } from './world.ts';

/** Items that wait for their time or for their hooks: past so many no more are pulled. */
const WAITING_MAX = 1000;
/** So many outcomes more may be on their way of each worker. */
const ENDED_IN_TURN_MAX = 256;

/** After each turn of the master: Delivery has every item where it is. */
export function checkAccounts(truth: Truth, delivery: Delivery<Work>): void {
  const accounts = accountsOf(delivery);
  for (const { number, place, holder, starts } of truth.items.active) {
    const account = accounts.get(number);
    // Not by ensure(): millions of messages would be made for nothing.
    if (account?.worker !== (holder?.worker ?? 0))
      throw new Violation(`item ${number} is ${place}, and Delivery has it elsewhere`);
    if (account.run.starts !== starts)
      throw new Violation(`item ${number} was started ${starts} times, not ${account.run.starts}`);
  }
  same('items that are not settled', accounts.size, truth.items.active.size);
}

/** After each step: Delivery counts as it is. */
export function checkStep(truth: Truth, delivery: Delivery<Work>): void {
  let leased = 0;
  for (const { holder } of truth.items.active) if (holder) leased += 1;
  same('items leased', delivery.leased, leased);
  same('distributed', delivery.distributed, truth.items.distributed.size);
  const { counts } = delivery;
  same('dispatched', counts.dispatched, truth.items.entries.length);
  same('skipped', counts.skipped, truth.items.skipped);
  same('done', counts.done, truth.items.ended.done);
  same('failed', counts.failed, truth.items.ended.failed);
  same('unfinished', counts.unfinished, truth.items.ended.unfinished);
  same('retried', counts.retried, truth.items.retried);
  same('spawned', counts.spawned, truth.spawned);
  same('crashed', counts.crashed, truth.deaths);
}

/** Where Delivery has each item that is not settled: in a worker, or in none (0). */
function accountsOf({ slots, backlog }: Delivery<Work>): Map<number, { worker: number; run: Run<Work> }> {
  const accounts = new Map<number, { worker: number; run: Run<Work> }>();
  const add = (worker: number, run: Run<Work>): void => {
    const account = { worker, run };
    for (let number = run.number; number < run.number + run.count; number++) {
      if (accounts.has(number)) throw new Violation(`Delivery has item ${number} twice`);
      accounts.set(number, account);
    }
  };
  for (const { number, leases, held } of slots) {
    for (const run of leases) add(number, run);
    same(`items that worker ${number} holds`, held, countOf(leases));
  }
  for (const run of [...backlog.pending, ...backlog.suspects]) add(0, run);
  for (const { run } of backlog.retrying) add(0, run);
  same('items that are pending', backlog.pendingCount, countOf(backlog.pending));
  return accounts;
}

/** After each plan: nothing that could be done, of what was due at `now`, is left undone. */
export function checkPlanned(truth: Truth, now: number): void {
  const over = truth.stopping !== 'no' || (truth.closed && truth.items.active.size === 0);
  for (const [worker, { state }] of truth.workers) {
    const stays = state !== 'asked to exit';
    ensure(!stays || (!over && worker <= truth.size), `worker ${worker} was not asked to exit`);
  }
  const waiting = truth.items.waiting(({ latest }) => latest <= now);
  const isOpen = truth.gate.isOpen(now);
  ensure(waiting === 0 || truth.idle() === undefined || !isOpen, `worker ${truth.idle()} idles while an item waits`);

  const suspects = truth.items.waiting(({ suspect, latest }) => suspect && latest <= now);
  const usable = [...truth.workers.values()].filter((each) => each.state === 'ready' && !truth.isAlone(each));
  const kept = usable.length === 0 || usable.some((each) => !truth.handedInPlan.has(each));
  ensure(suspects === 0 || kept, 'a suspect waits, and no worker is kept free for it');

  const ahead = [...truth.handedInPlan].find(({ held }) => held.length > truth.concurrency);
  ensure(
    !ahead || suspects > 0 || truth.idle() === undefined || !isOpen,
    `worker ${truth.idle()} idles, and another was sent more`,
  );

  // A worker is booted for what the others have no room for: as many as it takes, but one at a time for suspects, and
  // after a death when its time has come.
  const lacking = waiting - suspects - truth.room();
  let free = 0;
  for (let worker = 1; worker <= truth.size; worker++) {
    if (!truth.workers.has(worker) && truth.backoffEnds(worker) <= now) free += 1;
  }
  if (free === 0 || (lacking <= 0 && suspects === 0)) return;
  const booting = [...truth.workers.values()].some(({ state }) => state === 'booting');
  const enough = booting && lacking <= 0;
  ensure(enough, `${waiting} items wait for a worker that was not booted`);
}

/** As many items are pulled as find a worker, and where a worker idles, at least one. */
export function checkWanted(truth: Truth, wanted: number, now: number): void {
  const places = [...truth.items.active].map(({ place }) => place);
  const waiting = places.filter((place) => place === 'waiting').length;
  const later = places.filter((place) => place === 'later').length;
  const settlingMax = WAITING_MAX + truth.size * ENDED_IN_TURN_MAX;
  const full = later >= WAITING_MAX || truth.items.settling.size >= settlingMax;
  const room = truth.gate.room(now);
  const most = truth.closed || full ? 0 : Math.max(0, Math.min(truth.roomToPull(), Math.max(1, room)) - waiting);
  ensure(wanted <= most, `${wanted} items are wanted where ${most} find a worker`);
  const mayWait = truth.items.waiting(({ notBefore }) => notBefore <= now); // of those that are tried again, some perhaps
  const starving = !truth.closed && !full && mayWait === 0 && truth.idle() !== undefined;
  ensure(wanted > 0 || !starving, `worker ${truth.idle()} idles, and no item is wanted`);
}

/** At the end. */
export function checkFinished(truth: Truth, delivery: Delivery<Work>): void {
  same('items without an outcome', truth.items.active.size + truth.items.settling.size, 0);
  same('processes left', truth.workers.size, 0);
  const { dispatched, done, failed, unfinished } = delivery.counts;
  same('outcomes', done + failed + unfinished, dispatched);
  ensure(unfinished === 0 || truth.stopping !== 'no', 'an item is unfinished though nothing stopped the run');
}
