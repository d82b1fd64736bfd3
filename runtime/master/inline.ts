/**
 * Runs a task in this one process: for a debugger (--inline) and for unit tests (runInline). Items are encoded and
 * decoded as on the way to a worker, so that the task gets exactly what a worker would get.
 */

import type { Writable } from 'node:stream';
import { meaningOf, toItemError } from '../item-error.ts';
import { contentKey } from '../key.ts';
import type { FitItem, ItemError, Parallelizable, WorkerExit, WorkerHandle, WorkerSelf } from '../parallelizable.ts';
import { type ArgumentValues, needDeclared, withValues } from '../task/declared.ts';
import type { AnyTask } from '../task/task.ts';
import { decodeValue, encodeValue } from '../wire/codec.ts';
import { encode, FrameReader } from '../wire/frames.ts';
import type { FromMaster, ToWorker } from '../wire/messages.ts';
import { Claims } from '../worker/claims.ts';
import { Processing, type ProcessingOptions, processApart } from '../worker/processing.ts';
import type { Mark, Outlet } from './barrier.ts';
import type { Output } from './output.ts';
import type { BootWorker, RunningWorker, WorkerEvents } from './worker.ts';

/** The outcome of an item that runInline processed. Public. */
export type InlineOutcome<Item, Result> = {
  readonly item: Item;
  readonly number: number;
  readonly attempts: number;
} & ({ readonly done: true; readonly result: Result } | { readonly done: false; readonly error: ItemError });

const LARGEST = 64 * 1024 * 1024;

/**
 * Runs `process` on items in this process, one after another. Also calls `afterFork`, `beforeExit` and `key`, and no
 * other hook. Public; for unit tests.
 *
 * task    - a task, or its class.
 * args    - the values of the task's arguments (taskArguments), by their names; for those left out the environment or the
 *           default.
 * items   - replace the items of the task's own `dispatch`.
 * retries - how often to try an item again, at once, after `process` threw; from 0; 0 by default. After PermanentError and
 *           RateLimited it is not tried again.
 *
 * Resolves with an outcome for each item. Rejects with any error that `dispatch` or a hook throws.
 */
export async function runInline<Item extends FitItem<Item>, Result>(
  task: (new () => Parallelizable<Item, Result>) | Parallelizable<Item, Result>,
  { args = {}, ...options }: InlineRun<NoInfer<Item>> & { args?: ArgumentValues } = {},
): Promise<InlineOutcome<Item, Awaited<Result>>[]> {
  needDeclared(Object.keys(args));
  return withValues(args, () => runItems(task, options));
}

/** What runInline is to run. */
interface InlineRun<Item> {
  items?: Iterable<Item> | AsyncIterable<Item>;
  retries?: number;
}

async function runItems<Item extends FitItem<Item>, Result>(
  task: (new () => Parallelizable<Item, Result>) | Parallelizable<Item, Result>,
  { items, retries = 0 }: InlineRun<NoInfer<Item>>,
): Promise<InlineOutcome<Item, Awaited<Result>>[]> {
  const instance = typeof task === 'function' ? new task() : task;
  const outcomes: InlineOutcome<Item, Awaited<Result>>[] = [];
  const self: WorkerSelf = { number: 1, pid: process.pid };
  await instance.afterFork?.(self);
  try {
    for await (const item of items ?? instance.dispatch()) {
      const number = outcomes.length + 1;
      const carried = { item, number };
      for (let attempts = 1; ; attempts++) {
        try {
          const received = decodeValue(encodeValue(item, `item ${number}`, LARGEST)) as Item;
          const key = instance.key?.(received) ?? contentKey(received);
          const context = { worker: 1, number, attempt: attempts, key, signal: new AbortController().signal };
          const result = await processApart(instance, received, context);
          outcomes.push({ ...carried, attempts, done: true, result });
          break;
        } catch (error) {
          if (attempts <= retries && meaningOf(error) === 'threw') continue;
          outcomes.push({ ...carried, attempts, done: false, error: toItemError(error) });
          break;
        }
      }
    }
  } finally {
    await instance.beforeExit?.(self);
  }
  return outcomes;
}

type InlineOptions = Omit<ProcessingOptions, 'self' | 'claims' | 'send' | 'exit' | 'output'>;

/**
 * Returns a function that boots a worker inside this process. Its conversation with the master is the same, but without
 * a socket. `stdout` is the master's own; `moved` is called when more of the items' output is out. Internal; for
 * --inline.
 */
export function bootInline(task: AnyTask, options: InlineOptions, stdout: Output, moved: () => void): BootWorker {
  const output = new OwnOutput(stdout, moved);
  return (worker, events) => new InlineWorker(task, worker, options, output, events);
}

class InlineWorker implements RunningWorker {
  readonly pid = process.pid;
  readonly output: OwnOutput;
  readonly #events: WorkerEvents;
  readonly #processing: Processing;
  #isOver = false;

  constructor(task: AnyTask, worker: WorkerHandle, options: InlineOptions, output: OwnOutput, events: WorkerEvents) {
    this.output = output;
    this.#events = events;
    const self: WorkerSelf = { number: worker.number, pid: process.pid };
    this.#processing = new Processing(task, {
      self,
      ...options,
      claims: new Claims(),
      output: { openLines: () => undefined, isWritten: () => true }, // OwnOutput waits for it
      // As from a socket: only after this turn of the event loop, so that signals get their turn.
      send: (message) => {
        setImmediate(events.said, message);
        return true;
      },
      exit: (how) => {
        if (how === 'at once') this.#end({ code: null, signal: 'SIGKILL' });
        else void this.#leave(task, self);
      },
    });
    // Not at once: the pool must first record this as the worker's process.
    queueMicrotask(() => void this.#boot(task, self));
  }

  /** Goes through the frames, so that the worker gets the same as in another process. */
  send(message: ToWorker): void {
    setImmediate(() => {
      const reader = new FrameReader(0);
      reader.allowItems(Infinity);
      for (const piece of encode(message)) {
        for (let heard = reader.read(piece); heard; heard = reader.read()) this.#processing.hear(heard as FromMaster);
      }
    });
  }

  kill(signal: NodeJS.Signals): boolean {
    // An inline worker can't be killed alone, so its items keep running and the run ends without it.
    if (signal === 'SIGKILL') this.#end({ code: null, signal });
    else this.#processing.leave();
    return true;
  }

  /** Processes that items start are in the master's own group, so there is no group to kill. */
  killGroup(): void {}

  /** If the main thread is stuck, it is the master's own: nothing can be reclaimed. */
  reclaim(): void {}

  stack(): Promise<string> {
    return Promise.resolve('    runs in the master (--inline)');
  }

  heldUntil(): number {
    return -Infinity;
  }

  async #boot(task: AnyTask, self: WorkerSelf): Promise<void> {
    try {
      await task.afterFork?.(self);
    } catch (error) {
      this.#events.said({ kind: 'boot failed', error: toItemError(error) });
      this.#end({ code: 1, signal: null });
      return;
    }
    this.#events.said({ kind: 'ready' });
  }

  async #leave(task: AnyTask, self: WorkerSelf): Promise<void> {
    try {
      await task.beforeExit?.(self);
    } catch (error) {
      this.#events.said({ kind: 'hook failed', hook: 'beforeExit', error: toItemError(error) });
    }
    this.#end({ code: 0, signal: null });
  }

  /** Only once: an item that was left running may still end later. */
  #end(exit: WorkerExit): void {
    if (!this.#isOver) setImmediate(this.#events.exited, exit);
    this.#isOver = true;
  }
}

/** The output of this process itself while items run in it (--inline): it is out once the stream's buffer is empty. */
class OwnOutput implements Outlet {
  readonly isHeld = false;
  readonly #streams: readonly Writable[] = [process.stdout, process.stderr];
  readonly #stdout: Output;
  readonly #moved: () => void;
  readonly #asked: number[] = [0, 0];
  readonly #out: number[] = [0, 0];

  /** moved - called when more is out. */
  constructor(stdout: Output, moved: () => void) {
    this.#stdout = stdout;
    this.#moved = moved;
  }

  get isClear(): boolean {
    return !this.#isLost && this.#streams.every(({ writableLength }) => writableLength === 0);
  }

  /** The reader of stdout has gone, or the task has closed stdout. */
  get #isLost(): boolean {
    const { destroyed, writableEnded } = process.stdout;
    return this.#stdout.hasFailed || destroyed || writableEnded;
  }

  openTo(): void {}

  takeHeldMs(): number {
    return 0;
  }

  caughtUp(): boolean {
    return true;
  }

  mark(): Mark {
    return this.#streams.map((stream, index) => {
      const asked = this.#asked[index] ?? 0;
      if (stream.writableLength === 0) return asked;
      this.#asked[index] = asked + 1;
      stream.write('', (error) => {
        // If the reader of stderr goes, nothing that counts is lost.
        if (error) this.#out[index] = stream === process.stdout ? -Infinity : Infinity;
        else this.#out[index] = Math.max(this.#out[index] ?? 0, asked + 1);
        this.#moved();
      });
      return asked + 1;
    });
  }

  isOut(mark: Mark): 'yes' | 'not yet' | 'lost' {
    if (this.#isLost || this.#out.includes(-Infinity)) return 'lost';
    return mark.every((place, index) => place <= (this.#out[index] ?? 0)) ? 'yes' : 'not yet';
  }
}
