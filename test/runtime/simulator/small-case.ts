/** What a small case is: the rules, and how often each thing may go wrong. */

/** What is to be tried: the rules, and how often each thing may go wrong. */
export interface SmallCase {
  readonly workers: number;
  readonly items: number;
  readonly concurrency: number;
  /** How many items may wait in a worker, and whether it may gather its acks, and how many. */
  readonly prefetch: number;
  readonly batchAcks: boolean;
  readonly acksGathered: number;
  /** The items are equal, and have no key of their own. */
  readonly equal: boolean;
  readonly retries: number;
  readonly maxCrashes: number;
  /** How many items may be handed out in a second. */
  readonly rate: number;
  /** What is returned is kept, in the order of `dispatch`. */
  readonly ordered: boolean;
  /** The task has a cursor, and so many items share a place; 0: it has none. */
  readonly ties: number;
  readonly budget: Readonly<Budget>;
}

/** How often something may happen yet. */
export interface Budget {
  /** `process` throws. */
  throws: number;
  /** `process` throws RateLimited. */
  limits: number;
  /** A worker is killed. */
  kills: number;
  /** A worker is killed since an item ran past its timeout. */
  timeouts: number;
  /** SIGTERM to a worker. */
  terms: number;
  /** The master is killed. */
  deaths: number;
  /** The run is stopped gracefully. */
  stops: number;
  /** A person cancels an item. */
  cancels: number;
  /** A person pauses the run, and continues it. */
  pauses: number;
}

/** Two workers and three items, one at once in each, an item tried twice, and nothing that goes wrong but what is said. */
export function smallCase(rules: Partial<Omit<SmallCase, 'budget'>>, budget: Partial<Budget>): SmallCase {
  return {
    workers: 2,
    items: 3,
    concurrency: 1,
    prefetch: 0,
    batchAcks: false,
    acksGathered: 2,
    equal: false,
    retries: 1,
    maxCrashes: 2,
    rate: Infinity,
    ordered: false,
    ties: 0,
    ...rules,
    budget: {
      throws: 0,
      limits: 0,
      kills: 0,
      timeouts: 0,
      terms: 0,
      deaths: 0,
      stops: 0,
      cancels: 0,
      pauses: 0,
      ...budget,
    },
  };
}
