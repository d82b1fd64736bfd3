/**
 * A run of items: consecutive items that have the same history. Pure; runs in the master, and in the simulator of the
 * tests.
 *
 * Small items that wait for their first start are one run, so that a million of them cost little more than the bytes.
 * Pieces are cut off its front, for a worker or for an outcome. An item with a history of its own (it threw, or was in a
 * worker that died) is a run of one.
 */

/** Items of up to so many bytes join the run before them, and count as nothing where bytes are counted. */
const JOINED_BYTES = 1024;

/** Payload is the data that the master keeps with each item. */
export class Run<Payload> {
  /** Number of its first item. */
  number: number;
  /** One for each item. */
  readonly payloads: Payload[];
  /** Size in bytes, without what counts as nothing. */
  readonly size: number;
  /** How often a worker got it to process, not counting when it came back unstarted. */
  starts = 0;
  throws = 0;
  crashes = 0;
  /** It was in progress in a worker that died, so it gets a worker to itself. */
  suspect = false;
  /** A person has cancelled it: where its lease ends without an ack, it has failed. Only a run of one. */
  cancelled = false;
  /** The worker that holds it or held it last; 0 before the first. */
  worker = 0;
  /** Position of its first item among the items handed to the current process of its worker, from 1. */
  position = 0;
  /** The acks of its items may be batched. */
  batchAcks = false;
  /** How long the last attempt took in its worker, in milliseconds; of several items, the average. */
  durationMs = 0;

  constructor(number: number, payloads: Payload[], size: number) {
    this.number = number;
    this.payloads = payloads;
    this.size = size;
  }

  get count(): number {
    return this.payloads.length;
  }

  /** Adds the item after its last one, if that can be. Returns whether it could. */
  join(number: number, payload: Payload, size: number): boolean {
    if (this.worker > 0 || this.size > 0 || size > JOINED_BYTES || number !== this.number + this.count) return false;
    this.payloads.push(payload);
    return true;
  }

  /** Cuts off its first items, at most `count` of them: they are a run of their own from now on. */
  cut(count: number): Run<Payload> {
    if (count >= this.count) return this;
    const front = new Run(this.number, this.payloads.splice(0, count), this.size);
    const { starts, throws, crashes, suspect, worker, position, batchAcks, durationMs } = this;
    Object.assign(front, { starts, throws, crashes, suspect, worker, position, batchAcks, durationMs });
    this.number += count;
    this.position += count;
    return front;
  }

  /** Returns its items as runs of one. */
  apart(): Run<Payload>[] {
    const items: Run<Payload>[] = [];
    while (this.count > 1) items.push(this.cut(1));
    return [...items, this];
  }
}

/** Returns the run of an item that has just been dispatched; `size` is in bytes. */
export function runOf<Payload>(number: number, payload: Payload, size: number): Run<Payload> {
  return new Run(number, [payload], size > JOINED_BYTES ? size : 0);
}

/** How many items there are in these runs. */
export function countOf(runs: readonly Run<unknown>[]): number {
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** Returns the ranges of consecutive numbers: the first one and how many there are. */
export function* rangesOf(numbers: readonly number[]): Generator<[number, number]> {
  for (let from = 0, to = 0; from < numbers.length; from = to) {
    const first = numbers[from] ?? 0;
    for (to = from + 1; numbers[to] === first + to - from; ) to += 1;
    yield [first, to - from];
  }
}
