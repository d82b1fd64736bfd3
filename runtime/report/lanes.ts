/** What each worker of a run did, over time. Runs in commands that show a run. Internal. */

import { type Axis, FINEST_MS } from './axis.ts';
import type { Lane as Data } from './data.ts';
import type { How } from './throughput.ts';

const LANES_MAX = 100;
/** The busiest that a digit can say. */
const LEVELS = 35;

/** The workers of one lane. */
class Lane {
  readonly busy: Float64Array;
  readonly deaths: Float64Array;
  /** When its workers' processes were there. */
  readonly there: Float64Array;
  done = 0;
  failed = 0;
  retried = 0;
  processes = 0;
  died = 0;
  megabytes = 0;
  /** How many workers have been seen in it. */
  workers = 0;

  constructor(axis: Axis) {
    this.busy = axis.row();
    this.deaths = axis.row();
    this.there = axis.row();
  }
}

/** The lanes of one report. If there are more workers than lanes, neighbours share one. */
export class Lanes {
  readonly #axis: Axis;
  readonly #lanes: Lane[] = [];
  /** How many workers share a lane. */
  #width = 1;
  #lastWorker = 0;
  /** The workers' processes: since when they are there. */
  readonly #since = new Map<number, number>();
  readonly #seen = new Set<number>();
  /** How many items a worker does at once, at most: in the current part of the run, and in any. Infinity: not known. */
  #atOnce = 1;
  #atOnceEver = 1;
  /** Where the current part of the run begins, and whether it has forked a worker. */
  #beganMs = 0;
  #hasForked = false;

  constructor(axis: Axis) {
    this.#axis = axis;
  }

  /** Some items of a worker have ended, one after another, and kept it busy for so long. */
  ended(worker: number, count: number, tookMs: number, toMs: number, how: How): void {
    const lane = this.#laneOf(worker);
    if (!lane) return;
    // With --inline the master does the work, so a lane is there from the beginning on.
    if (!this.#hasForked && !this.#since.has(worker)) this.#since.set(worker, this.#beganMs);
    lane[how] += count;
    // They ended before the next tick. With --ordered, a line may also have been written long after its item ended.
    const [sinceMs, untilMs] = [this.#beganMs, toMs + FINEST_MS];
    this.#axis.fill(lane.busy, tookMs, toMs, { sinceMs, untilMs, most: lane.workers * this.#atOnce });
  }

  forked(worker: number, ms: number): void {
    const lane = this.#laneOf(worker);
    if (lane) lane.processes += 1;
    this.#hasForked = true;
    this.#since.set(worker, ms);
  }

  /** A host has joined, of a run over several machines: it has the lane, and its processes are not known. */
  joined(host: number, ms: number): void {
    this.#laneOf(host);
    this.#mayDoAtOnce(Infinity); // each host has as many workers as it was started with
    this.#hasForked = true;
    this.#since.set(host, ms);
  }

  exited(worker: number, ms: number, inOrder: boolean): void {
    const lane = this.#laneOf(worker);
    if (!lane) return;
    this.#leaves(worker, ms);
    if (inOrder) return;
    lane.died += 1;
    this.#axis.add(lane.deaths, ms, 1);
  }

  /** A part of the run begins. If the master did not say how the one before ended, it was killed, and its workers with it. */
  begins(ms: number, concurrency: unknown = 1): void {
    this.allLeave(ms);
    this.#mayDoAtOnce(Number.isSafeInteger(concurrency) && Number(concurrency) > 0 ? Number(concurrency) : Infinity);
    this.#beganMs = ms;
    this.#hasForked = false;
  }

  /** The master is gone, and so are all processes. */
  allLeave(ms: number): void {
    for (const worker of [...this.#since.keys()]) this.#leaves(worker, ms);
  }

  remembers(worker: number, megabytes: number): void {
    const lane = this.#laneOf(worker);
    if (lane) lane.megabytes = Math.max(lane.megabytes, megabytes);
  }

  #mayDoAtOnce(items: number): void {
    this.#atOnce = items;
    this.#atOnceEver = Math.max(this.#atOnceEver, items);
  }

  /** How many items were in progress in each column, on average. */
  running(): number[] {
    const all = new Float64Array(this.#axis.columns);
    for (const { busy } of this.#lanes)
      for (const column of all.keys()) all[column] = (all[column] ?? 0) + (busy[column] ?? 0);
    return Array.from(all, (ms) => Number((ms / this.#axis.widthMs).toPrecision(3)));
  }

  data(nowMs: number): Data[] {
    const axis = this.#axis;
    return this.#lanes.map((lane, index) => {
      const first = index * this.#width + 1;
      const last = Math.min(first + this.#width - 1, this.#lastWorker);
      const here = [...this.#since].filter(([worker]) => worker >= first && worker <= last);
      const there = here.reduce((sum, [, since]) => sum + nowMs - since, total(lane.there));
      const full = axis.widthMs * (last - first + 1);
      return {
        first,
        last,
        busy: axis
          .numbers(lane.busy, (ms) => Math.min(LEVELS, Math.ceil((ms / full) * LEVELS - 0.02)))
          .map(digit)
          .join(''),
        deaths: axis.numbers(lane.deaths).flatMap((count, column) => (count > 0 ? [column] : [])),
        done: lane.done,
        failed: lane.failed,
        retried: lane.retried,
        // How long it was there is known to a tick.
        load: there > 0 ? Number(Math.min(this.#atOnceEver, total(lane.busy) / there).toFixed(3)) : 0,
        processes: lane.processes,
        died: lane.died,
        ...(lane.megabytes > 0 && { megabytes: lane.megabytes }),
      };
    });
  }

  #leaves(worker: number, ms: number): void {
    const since = this.#since.get(worker);
    const lane = this.#laneOf(worker);
    if (since === undefined || !lane) return;
    this.#since.delete(worker);
    this.#axis.spread(lane.there, since, ms);
  }

  /** Undefined for what is no worker's number: the journal may have been edited. */
  #laneOf(worker: number): Lane | undefined {
    if (!Number.isSafeInteger(worker) || worker < 1 || worker > WORKERS_MAX) return undefined;
    this.#lastWorker = Math.max(this.#lastWorker, worker);
    while (worker > this.#width * LANES_MAX) this.#double();
    const index = Math.ceil(worker / this.#width) - 1;
    while (this.#lanes.length <= index) this.#lanes.push(new Lane(this.#axis));
    const lane = this.#lanes[index];
    if (lane && !this.#seen.has(worker)) lane.workers += 1;
    this.#seen.add(worker);
    return lane;
  }

  #double(): void {
    this.#width *= 2;
    for (let index = 0; index < this.#lanes.length; index++) {
      const [lane, other] = this.#lanes.slice(index, index + 2);
      if (!lane || !other) continue;
      this.#lanes.splice(index + 1, 1);
      for (const row of ['busy', 'deaths', 'there'] as const) this.#axis.merge(lane[row], other[row]);
      for (const count of ['done', 'failed', 'retried', 'processes', 'died', 'workers'] as const)
        lane[count] += other[count];
      lane.megabytes = Math.max(lane.megabytes, other.megabytes);
    }
  }
}

/** More than a run can have (options.ts). */
const WORKERS_MAX = 1_000_000;

const digit = (level: number): string => Math.max(0, level).toString(36);

const total = (row: Float64Array): number => row.reduce((sum, each) => sum + each, 0);
