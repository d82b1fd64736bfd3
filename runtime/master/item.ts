/** An item in the master's hands, from its dispatch to its end. Pure; the simulator in the tests has the same. */

/** Payload is what the master carries with it. */
export interface Item<Payload> {
  readonly number: number;
  readonly payload: Payload;
  /** What it comes to, in bytes. */
  readonly size: number;
  state: 'pending' | 'leased' | 'retrying' | 'settling' | 'done' | 'failed' | 'released';
  /** How often a worker was given it to process, less what came back unstarted. */
  starts: number;
  throws: number;
  crashes: number;
  /** It was in progress in a worker that died, so it gets a worker to itself. */
  suspect: boolean;
  /** The worker that has or had it last; 0 before the first. */
  worker: number;
  /** Position among the items that its worker's present process has been handed, from 1. */
  position: number;
  /** Its ack may be batched with others. */
  batchAcks: boolean;
  /** Since when it may be in progress, by the master's clock in milliseconds. */
  startedAt: number;
}

/** Returns a new item. */
export function itemOf<Payload>(number: number, payload: Payload, size: number): Item<Payload> {
  return {
    number,
    payload,
    size,
    state: 'pending',
    starts: 0,
    throws: 0,
    crashes: 0,
    suspect: false,
    worker: 0,
    position: 0,
    batchAcks: false,
    startedAt: 0,
  };
}
