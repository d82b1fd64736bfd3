/**
 * What a queue must be able to do so that a run goes over several machines. One file of engines/ has it for each kind of
 * queue; the tests have one in memory. Runs in the dispatcher and in each host.
 *
 *   dispatcher (one)                 the queue                          host (any number)
 *   put: chunks of items       ──>   waiting
 *                                    active, locked by one host   <──   take
 *                                    its lock is put off          <──   renew, about three times as often as needed
 *   reports: outcomes so far   <──   its report                   <──   report, once a second
 *   outcomes                   <──   completed                    <──   finish, with an outcome for each item
 *   forget: they are recorded  ──>   gone
 *                                    waiting again                <──   give back; or the lock has run out
 *
 * The queue holds only chunks that are on their way, never the whole input. Nothing that it holds is the only copy: the
 * dispatcher keeps each chunk until its outcomes are recorded, and puts it again if the queue has lost it.
 *
 * A queue may forget: it is emptied, its server starts again from a file that lacks the last seconds, or a replica takes over
 * that was behind. And a dispatcher that was cut off may say things late, when another one has the queue. So a host begins a
 * chunk only if the dispatcher that has the queue now has put it, or adopted it, and if the server can't have forgotten
 * anything since. Chunks that must not begin are missing, sooner or later.
 *
 * Any method may reject while the queue can't be reached. Whoever called it asks again; each of them may be repeated.
 */

/** A chunk as the queue has it. Its text is made and read by chunk.ts. */
export interface QueuedChunk {
  /** Unique in the queue; the same whenever the chunk is put again. No colon, and not digits alone. */
  readonly id: string;
  readonly text: string;
}

/** What hosts have said of a chunk: how its items have ended, or have so far. */
export interface ReportedChunk {
  readonly id: string;
  readonly outcomes: string;
}

/** What the queue still has of an earlier dispatcher. */
export interface Leftovers {
  /**
   * There is no notice that says that the queue is whole; and if this dispatcher has asked before, something was forgotten since.
   * So hosts may work on chunks of which the queue does not know, until their locks have run out.
   */
  readonly hasForgotten: boolean;
  readonly finished: readonly (QueuedChunk & ReportedChunk)[];
  /** Chunks that hosts are working on, or have given back with outcomes. */
  readonly active: readonly QueuedChunk[];
}

/** What hosts are told of the run that goes on. */
export interface PublishedNotice {
  readonly text: string;
  /** The queue has all that it should have. */
  readonly isWhole: boolean;
}

export interface QueueCounts {
  readonly waiting: number;
  readonly active: number;
  readonly finished: number;
}

/** The dispatcher's end of a queue. */
export interface Feed {
  /** Keeps other dispatchers out for as long as a lock holds. Resolves with false if there is another one. */
  claim(): Promise<boolean>;
  /** Returns whether a dispatcher has the queue: it is there, or was within the last lock. */
  hasDispatcher(): Promise<boolean>;
  /**
   * Takes over what an earlier dispatcher has put. What no host has begun is taken out, and the rest is returned. Resolves with
   * undefined if another dispatcher has the queue.
   */
  adopt(): Promise<Leftovers | undefined>;
  /**
   * Tells hosts which run goes on.
   *
   * isWhole - the queue has all that it should have. Nothing happens if the server may have forgotten something since this
   *           dispatcher last called `adopt` or `publish`.
   */
  publish(notice: string, isWhole: boolean): Promise<void>;
  /** Returns the notice; undefined if there is none, or if the server may have forgotten something since it was published. */
  notice(): Promise<PublishedNotice | undefined>;
  /** Adds chunks, once this dispatcher has adopted. Those whose id is there are left as they are. */
  put(chunks: readonly QueuedChunk[]): Promise<void>;
  /** Returns finished chunks, those that were finished first, at most `most`. They stay until they are forgotten. */
  finished(most: number): Promise<readonly ReportedChunk[]>;
  /** Returns what hosts have reported of chunks that they hold: outcomes so far. */
  reports(): Promise<readonly ReportedChunk[]>;
  forget(ids: readonly string[]): Promise<void>;
  /** Returns those of these chunks that the queue does not have, in whatever state, or that must not begin: these it takes out. */
  missing(ids: readonly string[]): Promise<readonly string[]>;
  /** Takes out the chunks that wait and that no host can have. Returns them, with what an earlier host had reported. */
  withdraw(): Promise<readonly { readonly id: string; readonly report: string | undefined }[]>;
  /** Returns how many chunks there are of each kind. */
  counts(): Promise<QueueCounts>;
  /** Returns the hosts that have said within the last seconds that they are there. */
  hosts(): Promise<readonly HostNotice[]>;
  /** Lets other dispatchers in. `notice` is what hosts get to know from now on; undefined: what they know already. */
  close(notice?: string): Promise<void>;
}

/** What a host says of itself. */
export interface HostNotice {
  /** Unique for each start of a host. */
  readonly id: string;
  /** The machine's name, and the process id on it. */
  readonly name: string;
  /** How many items it can have in progress. */
  readonly capacity: number;
}

/** A chunk in the hands of a host. */
export interface TakenChunk extends QueuedChunk {
  /** The last report of a host that has held it; undefined if there is none. */
  readonly report: string | undefined;
  /** How often its lock has run out. */
  readonly lapses: number;
}

/** A host's end of a queue. */
export interface Membership {
  /** Returns the notice of the run that goes on; undefined if there is none, as with the dispatcher. */
  notice(): Promise<string | undefined>;
  /** Says that this host is there. To be called every few seconds. */
  present(host: HostNotice): Promise<void>;
  /** Says that it is not there any more. */
  absent(host: HostNotice): Promise<void>;
  /** Waits for a chunk, a few seconds at most. It is locked from the moment at which this was called. */
  take(): Promise<TakenChunk | undefined>;
  /** Puts off the end of the locks. Returns those that this host no longer holds. */
  renew(ids: readonly string[]): Promise<readonly string[]>;
  /** Resolves with false if this host no longer held the chunk: then nothing is changed. */
  report(id: string, outcomes: string): Promise<boolean>;
  /** Resolves with false if this host no longer held the chunk: then its outcomes are lost, and somebody does it again. */
  finish(id: string, outcomes: string): Promise<boolean>;
  /** Puts a chunk back, first in line. */
  giveBack(id: string): Promise<void>;
  close(): Promise<void>;
}

/** How to reach the queue of a task. */
export interface QueueOptions {
  /** With the password, so never to be shown or recorded. */
  readonly url: string;
  /** The task's name. */
  readonly task: string;
  /** How long a lock holds, in milliseconds. */
  readonly lockMs: number;
  /** Told once each time the queue can't be reached, with the reason, and once each time it can be again, with undefined. */
  readonly reached: (problem: string | undefined) => void;
}

/** A kind of queue. Both reject with UsageError if the queue's settings won't do, or if it refuses the password. */
export interface Engine {
  feed(options: QueueOptions): Promise<Feed>;
  join(options: QueueOptions): Promise<Membership>;
}
