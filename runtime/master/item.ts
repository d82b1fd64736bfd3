/** An item in the master, from dispatch to its end. Pure; the simulator in the tests uses the same type. */

/** Payload is the data that the master keeps with it. */
export interface Item<Payload> {
  readonly number: number;
  readonly payload: Payload;
  /** Size in bytes. */
  readonly size: number;
  state: 'pending' | 'leased' | 'retrying' | 'settling' | 'done' | 'failed' | 'released';
  /** How often a worker got it to process, not counting when it came back unstarted. */
  starts: number;
  throws: number;
  crashes: number;
  /** It was in progress in a worker that died, so it gets a worker to itself. */
  suspect: boolean;
  /** The worker that holds it or held it last; 0 before the first. */
  worker: number;
  /** Position among the items handed to the current process of its worker, from 1. */
  position: number;
  /** Its ack may be batched with others. */
  batchAcks: boolean;
  /** When it may have started, by the master's clock in milliseconds. */
  startedAt: number;
}

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
