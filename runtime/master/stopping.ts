/**
 * How a run stops: by a signal, by `divvy stop`, by the library, by a fault, by --halt, or because the reader of its output has gone;
 * and its exit code. Runs in the master. Internal.
 *
 *   gracefully   no new items; items in progress finish; workers exit
 *   forcefully   items in progress are aborted; their workers are killed (kills.ts); then waits a few seconds at most
 *
 * INT, QUIT, HUP (unless --ignore-hup): gracefully; another one at least --force-after later, forcefully. TERM: forcefully; with --grace,
 * gracefully first.
 */

import { type DivvyError, exitCodeOf } from '../errors.ts';
import type { RunEvent } from '../events.ts';
import type { Settings } from '../options.ts';
import type { SignalRow } from '../signals.ts';
import { itemsInProgress, plural, seconds } from '../text/words.ts';
import type { Delivery } from './delivery.ts';
import type { Dispatch } from './dispatch.ts';
import type { Payload } from './ended.ts';
import type { Outputs } from './output.ts';
import type { Pool } from './pool.ts';
import { LONGEST_TIMER_MS } from './wakeup.ts';

/** How long a forceful stop waits for hooks after every worker has been killed, in milliseconds. */
const ABANDON_AFTER_MS = 2000;
/** How long a forceful stop waits for the reader of the output, in milliseconds. */
const DISCARD_AFTER_MS = 1000;
/** A signal within so many milliseconds is the same keypress again, sent by npm. */
const SAME_KEYPRESS_MS = 500;
/** Exit codes of the possible faults; the first that applies wins. */
const FAULT_CODES: readonly number[] = [74, 75, 70, 69, 2];
/** --halt with a share is not checked before so many items have ended. */
const HALT_SHARE_AFTER = 100;

type How = 'gracefully' | 'forcefully';

/** What stopping needs from the run. */
export interface StoppingOptions {
  readonly settings: Settings;
  readonly delivery: Delivery<Payload>;
  readonly pool: Pool;
  readonly outputs: Outputs;
  readonly dispatch: Dispatch;
  /** Its one worker is a queue. */
  readonly isQueue: boolean;
  readonly observe: (event: RunEvent) => void;
  readonly wake: () => void;
}

/** How one run is stopped. */
export class Stopping {
  /**
   * A signal's name, `halt`, `shutdown`, `abort`, `divvy stop` or `stdout closed`; undefined while the run goes on, and if
   * it fails.
   */
  by: string | undefined;
  /** The error with which the run fails. */
  fault: DivvyError | undefined;
  /** A hook that runs at an exit threw. */
  exitHookFailed = false;
  /** A forceful stop has waited long enough: anything still running, such as a hook that hangs, is abandoned. */
  hasAbandoned = false;
  readonly #run: StoppingOptions;
  /** When the first signal for a graceful stop came, by performance.now(). */
  #interruptedAt: number | undefined;
  /** When a stop began that had to wait for items, by performance.now(). */
  #waitsSince: number | undefined;
  #graceTimer: NodeJS.Timeout | undefined;
  #abandonTimer: NodeJS.Timeout | undefined;
  #discardTimer: NodeJS.Timeout | undefined;

  constructor(run: StoppingOptions) {
    this.#run = run;
  }

  /** Stops the run. If it is already stopping this way, only reports that. */
  stop(by: string, how: How): void {
    // Of several signals the first counts, and a signal counts more than anything else.
    const first = this.by === undefined || (by.startsWith('SIG') && !this.by.startsWith('SIG'));
    if (first) this.by = by;
    this.#begin(by, how, false);
  }

  /** The run cannot go on. Items in progress finish. */
  fail(fault: DivvyError): void {
    this.failWith(fault);
    this.#begin(fault.message.split(/[:;]/, 1)[0] ?? fault.message, 'gracefully', true);
  }

  /**
   * Sets the error with which the run fails. Of several, the exit code that comes first in the list wins; then the
   * error that came first.
   */
  failWith(fault: DivvyError): void {
    const rank = ({ exitCode }: DivvyError): number => FAULT_CODES.indexOf(exitCode);
    if (!this.fault || rank(fault) < rank(this.fault)) this.fault = fault;
  }

  /** A signal arrived that stops a run. */
  signalled({ signal, action }: SignalRow): void {
    if (signal === 'SIGHUP' && this.#run.settings.ignoreHup)
      this.#run.observe({ type: 'signal ignored', signal, waitsFor: '', forInMs: undefined });
    else if (action === 'forceful') this.#terminate(signal);
    else this.#interrupt(signal);
  }

  /** Stops the run if --halt says so; `done` and `failed` count the items that have ended. */
  haltIfDue({ done, failed }: { readonly done: number; readonly failed: number }): void {
    const { halt } = this.#run.settings;
    if (this.#run.delivery.stopping !== 'no' || failed === 0) return;
    const isShare = typeof halt === 'string';
    if (isShare && done + failed < HALT_SHARE_AFTER) return;
    const isReached = isShare ? (failed / (done + failed)) * 100 >= Number.parseFloat(halt) : failed >= halt;
    if (isReached) this.stop('halt', 'gracefully');
  }

  /** How long items in progress still have, in milliseconds; below 0 if their time is over. */
  get leftMs(): number {
    return (this.#waitsSince ?? 0) + this.#run.settings.killAfterMs - performance.now();
  }

  /**
   * The first code in the list of errors.ts that applies. `failed` counts the items that failed, in this run or before.
   */
  exitCode(failed: number): number {
    if (this.by?.startsWith('SIG')) return exitCodeOf(this.by);
    if (this.by === 'stdout closed') return 141;
    if (this.fault) return this.fault.exitCode;
    return failed > 0 || this.exitHookFailed || this.by !== undefined ? 1 : 0;
  }

  /** Clears the timers when the run is over. */
  end(): void {
    clearTimeout(this.#graceTimer);
    clearTimeout(this.#abandonTimer);
    clearTimeout(this.#discardTimer);
  }

  #begin(by: string, how: How, failing: boolean): void {
    const { settings, delivery, dispatch, pool, isQueue, observe } = this.#run;
    const already = delivery.stopping === how;
    // Always answer Ctrl+C, even if something else is already stopping the run.
    if (delivery.stopping === 'forcefully' || (already && !by.startsWith('SIG'))) return;
    const isTerm = by === 'SIGTERM';
    const againAfterMs = by.startsWith('SIG') && !isTerm ? settings.forceAfterMs : undefined;
    const waitsFor = `${this.waitsFor}${isTerm ? `, at most ${seconds(settings.graceMs)} (--grace)` : ''}`;
    const { inProgress } = delivery;
    const unread = this.#unread;
    observe({ type: 'stopping', by, failing, how, already, inProgress, isQueue, unread, waitsFor, againAfterMs });
    if (already) return;
    if (inProgress > 0) this.#waitsSince ??= performance.now();
    dispatch.stop();
    if (how === 'forcefully') {
      pool.kills.killWorkers(by);
      this.#setForcefulTimers();
    }
    delivery.stop(how);
    this.#run.wake();
  }

  #setForcefulTimers(): void {
    const { settings, outputs, wake } = this.#run;
    const abandon = (): void => {
      this.hasAbandoned = true;
      wake();
    };
    // The reader has had long enough: output that is not out is lost, and the items that wrote it are unfinished.
    const discard = (): void => {
      outputs.discard();
      wake();
    };
    this.#abandonTimer = setTimeout(abandon, Math.min(settings.killAfterMs + ABANDON_AFTER_MS, LONGEST_TIMER_MS));
    this.#discardTimer = setTimeout(discard, Math.min(settings.killAfterMs, DISCARD_AFTER_MS));
  }

  #interrupt(signal: string): void {
    const now = performance.now();
    if (this.#interruptedAt === undefined) {
      this.#interruptedAt = now;
      this.stop(signal, 'gracefully');
      return;
    }
    const left = this.#interruptedAt + this.#run.settings.forceAfterMs - now;
    if (left <= 0) this.stop(signal, 'forcefully');
    else if (this.#run.delivery.inProgress > 0 || now - this.#interruptedAt > SAME_KEYPRESS_MS)
      this.#run.observe({ type: 'signal ignored', signal, waitsFor: this.waitsFor, forInMs: left });
  }

  #terminate(signal: string): void {
    const { graceMs } = this.#run.settings;
    if (graceMs === 0) {
      this.stop(signal, 'forcefully');
      return;
    }
    this.stop(signal, 'gracefully');
    this.#graceTimer ??= setTimeout(() => this.stop(signal, 'forcefully'), graceMs);
  }

  /** How many ended items have output that waits for the reader. */
  get #unread(): number {
    return this.#run.outputs.isFull ? this.#run.delivery.settling : 0;
  }

  /** What a stopping run waits for, in words. */
  get waitsFor(): string {
    const { inProgress } = this.#run.delivery;
    const running = this.#run.pool.workers.filter((worker) => worker.running).length;
    if (this.#unread > 0) {
      const more = inProgress > 0 ? `${plural(inProgress, 'item')}, and for ` : '';
      return `${more}whoever reads the output of ${plural(this.#unread, 'item')} that ${this.#unread === 1 ? 'has' : 'have'} ended`;
    }
    if (inProgress > 0) return this.#run.isQueue ? itemsInProgress(inProgress, true) : plural(inProgress, 'item');
    return running > 0 && !this.#run.settings.inline ? `${plural(running, 'worker')} to exit` : 'a hook, or dispatch';
  }
}
