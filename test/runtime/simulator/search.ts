/**
 * Every order of events of a small case: from each state each event that can come next, until no state is new. States are
 * told apart by all that the future depends on; of times that is how far away they are, of counts nothing.
 */

import type { Boots } from '../../../runtime/master/boots.ts';
import type { Delivery } from '../../../runtime/master/delivery.ts';
import type { Run } from '../../../runtime/master/run.ts';
import type { Code } from './simulation.ts';
import type { SmallCase } from './small-case.ts';
import { nameOfCursor } from './small-cursor.ts';
import { nameOfResults } from './small-results.ts';
import type { State } from './small-state.ts';
import { SmallWorld } from './small-world.ts';
import { ensure, Violation } from './violation.ts';

export interface Found {
  readonly states: number;
  readonly events: number;
  /** States in which a run has ended with everything done. */
  readonly ends: number;
}

/**
 * Searches them all. `code` has its private names opened: openedCode in faults.ts. Throws a Violation with what led to it
 * where a rule is broken, where nothing can happen any more before the end, or where the end is out of reach.
 */
export function search(small: SmallCase, code: Code): Found {
  const world = new SmallWorld(small, code);
  const begin = world.begin();
  const known = new Map<string, number>([[nameOf(begin), 0]]);
  const cameBy: { from: number; what: string }[] = [{ from: -1, what: 'it begins' }];
  /** By state: from where it can be reached. */
  const before: number[][] = [[]];
  const ends: number[] = [];
  const open: { state: State; number: number }[] = [{ state: begin, number: 0 }];
  let events = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { state, number } = next;
    const path = (what: string): string[] => {
      const steps = [what];
      for (let at = number; at >= 0; at = cameBy[at]?.from ?? -1) steps.unshift(cameBy[at]?.what ?? '');
      return steps;
    };
    let what = '';
    try {
      if (world.isOver(state)) {
        ends.push(number);
        continue;
      }
      const moves = world.moves(state);
      ensure(moves.length > 0, 'nothing can happen any more, and the run is not finished');
      for (const move of moves) {
        what = move.what;
        events += 1;
        const then = copyOf(state);
        move.act(then);
        const name = nameOf(then);
        const same = known.get(name);
        if (same !== undefined) {
          before[same]?.push(number);
          continue;
        }
        open.push({ state: then, number: known.size });
        cameBy.push({ from: number, what });
        before.push([number]);
        known.set(name, known.size);
      }
    } catch (error) {
      throw new Violation(`${error}\n${path(what).join('\n')}`);
    }
  }
  checkReachable(ends, before, cameBy);
  return { states: known.size, events, ends: ends.length };
}

/** From every state the end can be reached. */
function checkReachable(
  ends: readonly number[],
  before: readonly number[][],
  cameBy: readonly { from: number; what: string }[],
): void {
  const reaches = new Uint8Array(before.length);
  const open = [...ends];
  for (const end of ends) reaches[end] = 1;
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const from of before[at] ?? []) {
      if (reaches[from] === 1) continue;
      reaches[from] = 1;
      open.push(from);
    }
  }
  const lost = reaches.indexOf(0);
  if (lost < 0) return;
  const steps: string[] = [];
  for (let at = lost; at >= 0; at = cameBy[at]?.from ?? -1) steps.unshift(cameBy[at]?.what ?? '');
  throw new Violation(`the end is out of reach\n${steps.join('\n')}`);
}

/** What Delivery keeps to itself, with its names opened. */
interface Opened {
  readonly _boots: Boots<unknown>;
  readonly _settling: number;
  readonly _closed: boolean;
}

interface OpenedGate {
  readonly _tokens: number;
  readonly _filledAt: number;
  readonly _until: Readonly<Record<string, number>>;
}

function nameOf(state: State): string {
  const { delivery, now, left, orphans, processes, unwritten, journal, processed, throws, crashes, yielded } = state;
  const { stopped, cancelled } = state;
  const unsettled = unwritten.map(({ run, how }) => `${run.number}-${run.count} ${how}`);
  const around = JSON.stringify([left, orphans, processes, unsettled, journal, processed, yielded, stopped, cancelled]);
  if (!delivery) return `${around}${state.results?.lines} ${state.cursor?.mark?.number}`;
  const history = ({ number, count, starts, throws, crashes, suspect, batchAcks }: Run<unknown>): string =>
    `${number}-${count} ${starts > 0} ${throws} ${crashes} ${suspect} ${batchAcks}`;
  const histories = (runs: readonly Run<unknown>[]): string => runs.map(history).join();
  const opened = delivery as unknown as Opened & Delivery<unknown>;
  const { backlog, _boots: boots } = opened;
  const { _tokens, _filledAt, _until } = delivery.gate as unknown as OpenedGate;
  const held = Object.values(_until).map((until) => Math.max(0, until - now));
  const gate = `${_tokens.toFixed(3)} ${Math.max(0, now - _filledAt)} ${held}`;
  const slots = opened.slots.map(({ state, leases, finished, deathsInARow, bootNotBefore, prefetch, reserved }) => {
    const wait = Math.max(0, bootNotBefore - now);
    return `${state} ${histories(leases)} ${finished > 0} ${deathsInARow} ${wait} ${prefetch > 0} ${reserved}`;
  });
  const waits = backlog.retrying.map(({ run, notBefore }) => `${history(run)} ${Math.max(0, notBefore - now)}`);
  return [
    around,
    state.results ? nameOfResults(state.results) : '',
    state.cursor ? nameOfCursor(state.cursor) : '',
    state.isPaused,
    gate,
    throws,
    crashes,
    ...slots,
    ...waits,
    histories(backlog.pending),
    histories(backlog.suspects),
    opened._settling,
    opened._closed,
    boots.everReady,
    opened.counts.crashed > 0,
    opened.stopping,
  ].join(';');
}

/** A copy that shares nothing with it but functions. */
function copyOf<T>(value: T, copies = new Map<unknown, unknown>()): T {
  if (typeof value !== 'object' || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known as T;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    copies.set(value, list);
    for (const part of value) list.push(copyOf(part, copies));
    return list as T;
  }
  if (value instanceof Map) {
    const map = new Map<unknown, unknown>();
    copies.set(value, map);
    for (const [key, part] of value) map.set(key, copyOf(part, copies));
    return map as T;
  }
  if (value instanceof Set) {
    const set: Set<unknown> = new Set(value);
    copies.set(value, set);
    return set as T;
  }
  const copy = Object.create(Object.getPrototypeOf(value)) as Record<string, unknown>;
  copies.set(value, copy);
  for (const name of Object.keys(value)) copy[name] = copyOf((value as Record<string, unknown>)[name], copies);
  return copy as T;
}
