/**
 * Decides which worker gets which item. Pure; runs in the master, and in the simulator of the tests.
 *
 * The worker with the fewest items is served first. A suspect gets a worker to itself. Nothing is handed out while the
 * gate is closed.
 */

import type { Backlog } from './backlog.ts';
import type { OwnCounts } from './counts.ts';
import type { Gate } from './gate.ts';
import type { Command, DeliveryRules } from './rules.ts';
import type { Run } from './run.ts';
import type { Slot } from './slot.ts';

/** The handing out of one run. */
export class Handing<Payload> {
  /** Items that were handed out at least once. */
  distributed = 0;
  readonly #slots: readonly Slot<Payload>[];
  readonly #backlog: Backlog<Payload>;
  readonly #gate: Gate;
  readonly #counts: OwnCounts;
  readonly #batchesAcks: DeliveryRules['batchesAcks'];

  constructor(
    slots: readonly Slot<Payload>[],
    backlog: Backlog<Payload>,
    gate: Gate,
    counts: OwnCounts,
    batchesAcks: DeliveryRules['batchesAcks'],
  ) {
    this.#slots = slots;
    this.#backlog = backlog;
    this.#gate = gate;
    this.#counts = counts;
    this.#batchesAcks = batchesAcks;
  }

  /** Leases what can be handed out now. Returns the commands for it. */
  due(now: number): Command<Payload>[] {
    const commands = this.#handSuspects(now);
    return this.#backlog.pendingCount > 0 ? [...commands, ...this.#handPending(now)] : commands;
  }

  /** A suspect gets an idle worker. If there is none, one worker gets no more items until it is idle. */
  #handSuspects(now: number): Command<Payload>[] {
    // Choose the reserved worker anew each time: its suspect may be elsewhere by now.
    for (const slot of this.#slots) if (slot.reserved) slot.reserved = slot.leases[0]?.suspect === true;
    const commands: Command<Payload>[] = [];
    const { suspects } = this.#backlog;
    if (suspects.length === 0) return commands;
    for (const slot of this.#slots) {
      const [suspect] = suspects;
      if (!suspect || this.#gate.room(now) < 1) return commands;
      if (slot.state !== 'ready' || slot.held > 0) continue;
      suspects.shift();
      slot.reserved = true;
      this.#lease(slot, suspect, false, now);
      commands.push({ do: 'hand', worker: slot.number, runs: [suspect], batchAcks: false });
    }
    if (suspects.length === 0) return commands;
    const busy = this.#slots.filter((slot) => slot.state === 'ready' && !slot.reserved);
    const keep = busy.sort((a, b) => a.held - b.held)[0];
    if (keep) keep.reserved = true;
    return commands;
  }

  /** Serves the worker with the fewest items first: item by item, or, where acks are batched, with its share at once. */
  #handPending(now: number): Command<Payload>[] {
    const open = this.#slots.filter((slot) => slot.state === 'ready' && !slot.reserved && !slot.backpressure);
    const handed = new Map<Slot<Payload>, Run<Payload>[]>();
    let room = this.#gate.room(now);
    while (this.#backlog.pendingCount > 0 && room >= 1) {
      let least: Slot<Payload> | undefined;
      for (const slot of open) if ((!least || slot.held < least.held) && slot.held < slot.most) least = slot;
      if (!least) break;
      const batchAcks = this.#batchesAcks(least.pace);
      const unserved = open.filter((slot) => slot.held < slot.most && !handed.has(slot)).length;
      const share = Math.ceil(this.#backlog.pendingCount / Math.max(1, unserved));
      const run = this.#backlog.take(batchAcks ? Math.min(share, least.most - least.held, room) : 1);
      if (!run) break;
      room -= run.count;
      this.#lease(least, run, batchAcks, now);
      const runs = handed.get(least);
      if (runs) runs.push(run);
      else handed.set(least, [run]);
    }
    return [...handed].map(([{ number, pace }, runs]) => ({
      do: 'hand',
      worker: number,
      runs,
      batchAcks: this.#batchesAcks(pace),
    }));
  }

  #lease(slot: Slot<Payload>, run: Run<Payload>, batchAcks: boolean, now: number): void {
    if (run.worker === 0) this.distributed += run.count;
    slot.lease(run, batchAcks, now);
    if (run.starts > 1) this.#counts.retried += run.count;
    this.#gate.passed(run.count);
  }
}
