/**
 * What a person does with a running run: pauses it, goes on with it, changes the number of its workers, cancels an item,
 * stops it, or asks how it stands. Through the control socket (control/), signals, or the library. Runs in the master.
 * Internal.
 *
 * While the run is paused no item starts, and what waits in workers is taken back. Items in progress finish. A stop of any
 * kind works as ever. A resume is not paused.
 */

import { type ControlAnswer, type ControlRequest, ITS_WORKERS, type RunningStatus } from '../control/messages.ts';
import type { RunEvent } from '../events.ts';
import { type Settings, WORKERS_MAX } from '../options.ts';
import { type Expected, NOTHING_EXPECTED, outlookOf } from '../text/outlook.ts';
import { Rate } from '../text/rate.ts';
import { grouped, inspected, plural, seconds, whatFinishes } from '../text/words.ts';
import { makeFolder, removePlace } from '../wire/socket-path.ts';
import type { Cursor } from './cursor.ts';
import type { Delivery } from './delivery.ts';
import type { Dispatch } from './dispatch.ts';
import type { Payload } from './ended.ts';
import type { Outputs } from './output.ts';
import type { Pool } from './pool.ts';
import type { Results } from './results.ts';
import type { Stopping } from './stopping.ts';
import type { Throttle } from './throttle.ts';

/** How often to count what has ended, for the rate, in milliseconds. */
const COUNT_EVERY_MS = 1000;
/** The control socket is opened so many milliseconds after the run has begun: by then the first item is on its way. */
const OPEN_AFTER_MS = 150;
/** How many keys a message names. */
const NAMED_MAX = 10;
/** How a key is shown. */
const SHORT = { maxStringLength: 100, breakLength: Infinity };

/** What controls need from the run. */
export interface ControlsOptions {
  readonly settings: Settings;
  readonly delivery: Delivery<Payload>;
  readonly pool: Pool;
  readonly stopping: Stopping;
  readonly dispatch: Dispatch;
  readonly outputs: Outputs;
  readonly throttle: Throttle;
  /** Undefined if the task has none. */
  readonly cursor: Cursor | undefined;
  /** Undefined without --results. */
  readonly results: Results | undefined;
  /** Its one worker is a queue. */
  readonly isQueue: boolean;
  readonly observe: (event: RunEvent) => void;
  readonly wake: () => void;
  /** Items have to be looked at from now on: one may not end in time. */
  readonly lookAtTimes: () => void;
}

/** The controls of one run. */
export class Controls {
  /** Known once the run begins. */
  expected: Expected = NOTHING_EXPECTED;
  isPaused = false;
  readonly #run: ControlsOptions;
  readonly #rate = new Rate(performance.now());
  #counting: NodeJS.Timeout | undefined;
  #closeSocket: (() => Promise<void>) | undefined;
  #openingSoon: NodeJS.Timeout | undefined;
  #opening: Promise<void> | undefined;

  constructor(run: ControlsOptions) {
    this.#run = run;
  }

  /**
   * Opens the control socket. `folder` is made for it, unless it is undefined. A run without that socket goes on, and says
   * so.
   */
  open(socketPath: string, folder: string | undefined): void {
    this.#openingSoon = setTimeout(() => {
      this.#opening = this.#open(socketPath, folder);
    }, OPEN_AFTER_MS);
  }

  async #open(socketPath: string, folder: string | undefined): Promise<void> {
    const { settings, observe } = this.#run;
    this.#counting = setInterval(() => this.#perSecond(), COUNT_EVERY_MS);
    try {
      const { startControl } = await import('../control/server.ts');
      if (folder !== undefined) makeFolder(folder);
      const close = await startControl(socketPath, (request) => this.answer(request));
      this.#closeSocket = async () => {
        await close();
        if (folder !== undefined) removePlace(folder);
      };
    } catch (error) {
      const text = `this run can't be paused or asked from another terminal: ${(error as Error).message}`;
      if (!settings.dryRun) observe({ type: 'note', text });
    }
  }

  /** Closes the control socket when the run is over. */
  async end(): Promise<void> {
    clearTimeout(this.#openingSoon);
    await this.#opening;
    clearInterval(this.#counting);
    await this.#closeSocket?.();
  }

  /** Does what was asked. */
  answer(request: ControlRequest): ControlAnswer {
    switch (request.do) {
      case 'pause':
        return this.pause();
      case 'continue':
        return this.continue();
      case 'workers':
        return this.resize(request.workers);
      case 'cancel':
        return this.cancel(request.key);
      case 'stop':
        return this.#stop(request.now);
      case 'status':
        return { ok: true, text: '', status: this.#status() };
    }
  }

  /** No item starts until `continue`. */
  pause(): ControlAnswer {
    const { delivery, pool, isQueue, observe } = this.#run;
    if (delivery.stopping !== 'no' || delivery.finished) return this.#isStopping();
    if (this.isPaused) return done('It was paused already.');
    this.isPaused = true;
    delivery.gate.close('pause', Infinity);
    pool.reclaimAll();
    const { inProgress } = delivery;
    observe({ type: 'paused', inProgress, isQueue });
    return done(`Paused.${whatFinishes(inProgress, isQueue)}`);
  }

  continue(): ControlAnswer {
    const { delivery, observe, wake } = this.#run;
    if (!this.isPaused) return done('It was not paused.');
    this.isPaused = false;
    delivery.gate.close('pause', -Infinity);
    observe({ type: 'continued' });
    wake();
    return done('It goes on.');
  }

  /** From now on so many workers may run. */
  resize(count: number): ControlAnswer {
    const { settings, delivery, pool, observe, wake } = this.#run;
    if (delivery.stopping !== 'no' || delivery.finished) return this.#isStopping();
    if (settings.inline) return refused('It runs with --inline: all its work is done in one process.');
    if (this.#run.isQueue) return refused('Its workers are on its hosts: start another host, or end one.');
    if (!(Number.isSafeInteger(count) && count >= 1 && count <= WORKERS_MAX))
      return refused(`The number of workers must be a whole number from 1 to ${WORKERS_MAX}, and is ${count}.`);
    delivery.resize(count);
    pool.addWorkers(count);
    observe({ type: 'workers changed', workers: count });
    wake();
    return done(`Up to ${plural(count, 'worker')} from now on.`);
  }

  /** Aborts the items in progress with this key; they fail, whatever comes of it. */
  cancel(key: string): ControlAnswer {
    const { settings, delivery, pool, observe, lookAtTimes } = this.#run;
    if (delivery.stopping === 'forcefully') return this.#isStopping();
    if (this.#run.isQueue) return refused('Its items are on its hosts, where one item alone cannot be cancelled.');
    const items = pool.cancel(key);
    if (items.length === 0) {
      const keys = this.#workers().flatMap((worker) => worker.items.map((item) => item.key));
      const more = keys.length > NAMED_MAX ? ` and ${grouped(keys.length - NAMED_MAX)} more` : '';
      const named = keys.slice(0, NAMED_MAX).map((each) => inspected(each, SHORT));
      const others = keys.length === 0 ? '' : ` In progress: ${named.join(', ')}${more}.`;
      return refused(`No item with the key ${inspected(key, SHORT)} is in progress.${this.#waits(key)}${others}`);
    }
    for (const { worker, number } of items) observe({ type: 'item cancelled', worker: worker.number, number, key });
    lookAtTimes();
    const names = items.map(({ worker, number }) => `item ${number} (worker ${worker.number})`).join(', ');
    const within = seconds(settings.killAfterMs);
    if (settings.inline) return done(`Cancelled: ${names}. With --inline it runs on if it does not obey its signal.`);
    return done(`Cancelled: ${names}. A worker whose item does not obey its signal within ${within} is killed.`);
  }

  /** Says if an item with this key waits for its retry: then it is in no worker. */
  #waits(key: string): string {
    const waiting = this.#run.delivery.backlog.retrying.find(({ run }) => run.payloads[0]?.key === key);
    if (!waiting) return '';
    const ms = Math.max(0, waiting.notBefore - performance.now());
    return ` Item ${waiting.run.number} waits for its retry, in ${seconds(ms)}: it can be cancelled once it is in progress.`;
  }

  #stop(isNow: boolean): ControlAnswer {
    const { delivery, stopping } = this.#run;
    if (delivery.finished) return this.#isStopping();
    const before = delivery.stopping;
    stopping.stop('divvy stop', isNow ? 'forcefully' : 'gracefully');
    const begin = before === delivery.stopping ? 'It is stopping already' : 'Stopping';
    const rest = delivery.stopping === 'forcefully' ? 'items in progress will be unfinished' : '';
    return done(`${begin}: ${rest || `it waits for ${stopping.waitsFor}`}.`);
  }

  #isStopping(): ControlAnswer {
    if (this.#run.delivery.finished)
      return refused('All its items have ended: it waits for a hook, or dispatch, to end.');
    return refused(`The run is stopping: it waits for ${this.#run.stopping.waitsFor}.`);
  }

  #status(): RunningStatus {
    const { delivery } = this.#run;
    const counts = { ...delivery.counts };
    const perSecond = this.#perSecond();
    const state = delivery.stopping !== 'no' ? 'stopping' : this.isPaused ? 'paused' : 'running';
    const { met, total, left } = outlookOf(counts, this.expected);
    const isKnown = left !== undefined && state === 'running' && perSecond > 0;
    return {
      state,
      counts,
      met,
      ...(total !== undefined && { total }),
      perSecond,
      ...(isKnown && { leftMs: (left / perSecond) * 1000 }),
      waitsFor: this.waitsFor,
      workers: this.#workers(),
    };
  }

  #perSecond(): number {
    return this.#rate.perSecond(this.#run.delivery.counts, performance.now());
  }

  #workers(): RunningStatus['workers'] {
    const { delivery, pool } = this.#run;
    const now = performance.now();
    const running = pool.workers.filter((worker) => worker.running);
    return running.map(({ number, pid }) => {
      const slot = delivery.slot(number);
      const items = slot.inProgress.map((item) => {
        const key = slot.single(item.number)?.payloads[0]?.key ?? '';
        return { number: item.number, key, ms: now - item.startedAt };
      });
      return { number, pid, items };
    });
  }

  /** Reports what each process is at, after USR2. */
  async dump(): Promise<void> {
    const { delivery, pool, observe } = this.#run;
    const { dispatched, done: ended, failed } = delivery.counts;
    const lines = await pool.state();
    lines.push(
      `master (${process.pid}): ${plural(dispatched, 'item')} dispatched, ${grouped(ended)} done, ${grouped(failed)} failed`,
      `    waits for ${this.waitsFor}`,
    );
    observe({ type: 'state', lines });
  }

  /** What the run waits for, in words. */
  get waitsFor(): string {
    const { settings, delivery, dispatch, outputs, throttle, cursor, results, stopping } = this.#run;
    const now = performance.now();
    if (delivery.stopping !== 'no') return stopping.waitsFor;
    if (this.isPaused) return 'somebody to continue it: it is paused';
    const since = dispatch.waitedSince;
    if (since !== undefined) return `dispatch to give an item, for ${seconds(now - since)}`;
    if (outputs.isFull) return 'its output to be read';
    if (cursor && cursor.room <= 0)
      return `item ${cursor.firstOpen}: dispatch is as far ahead of it as it may be (cursor)`;
    if (throttle.isAsking) return 'throttle to answer';
    const { gate, backlog } = delivery;
    const ms = gate.opensAt(now) - now;
    const isIdle = delivery.slots.some((slot) => slot.state === 'ready' && slot.held === 0);
    if (ms <= 0 || backlog.pendingCount + backlog.suspects.length === 0) {
      const isHeld = settings.rate < Infinity && isIdle && !dispatch.isComplete;
      if (isHeld) return 'the next item that --rate allows';
      const { held = 0, firstOpen } = results?.order ?? {};
      return held > 0
        ? `${ITS_WORKERS}; ${plural(held, 'result')} wait for item ${firstOpen} to end (--ordered)`
        : ITS_WORKERS;
    }
    const holders = ['throttle', 'RateLimited'] as const;
    const holder = holders.find((each) => gate.closedUntil(each) - now >= ms) ?? '--rate';
    return `${seconds(ms)} more, because of ${holder}`;
  }
}

function done(text: string): ControlAnswer {
  return { ok: true, text };
}

function refused(text: string): ControlAnswer {
  return { ok: false, text };
}
