/**
 * A small case of everything: two workers and three items, of which each event that can come next is known. The rules are
 * those of runtime/master/delivery.ts, the resumes those of runtime/master/intake.ts and journal/key-set.ts; what is around them is as
 * simulated-process.ts and records.ts have it, with every order of events instead of one at random.
 */

import type { Delivery } from '../../../runtime/master/delivery.ts';
import type { Code } from './simulation.ts';
import type { SmallCase } from './small-case.ts';
import { writeMark } from './small-cursor.ts';
import { SmallMaster, stop } from './small-master.ts';
import { found, type Payload, type Process, type State } from './small-state.ts';
import { exit, flush, giveBack, SmallWorkers, tell } from './small-worker.ts';
import { ensure, same } from './violation.ts';

/** An event, and what it does to a state. */
export interface Move {
  readonly what: string;
  readonly act: (state: State) => void;
}

export class SmallWorld {
  readonly #case: SmallCase;
  readonly #master: SmallMaster;
  readonly #workers: SmallWorkers;

  constructor(small: SmallCase, code: Code) {
    this.#case = small;
    this.#master = new SmallMaster(small, code);
    this.#workers = new SmallWorkers(small);
  }

  begin(): State {
    const { workers, items, budget } = this.#case;
    const none = { now: 0, heldUntil: 0, yielded: 0, taken: [], orphans: [], unwritten: [], throws: [] };
    const state: State = {
      ...none,
      delivery: undefined,
      results: undefined,
      cursor: undefined,
      isPaused: false,
      processes: Array.from({ length: workers }, () => undefined),
      journal: Array.from({ length: items }, () => undefined),
      processed: Array.from({ length: items }, () => false),
      crashes: [],
      cancelled: [],
      stopped: false,
      left: { ...budget },
    };
    this.#master.resume(state);
    return state;
  }

  /** Whether everything has ended. Throws where it has not ended as it should. */
  isOver({ delivery, stopped, journal, processes, results, cursor }: State): boolean {
    if (!delivery?.finished || stopped) return false;
    const { dispatched, done, failed, skipped } = delivery.counts;
    ensure(done + failed === dispatched, `${dispatched} items were dispatched, ${done} done and ${failed} failed`);
    const before = cursor?.cursor.begin?.number ?? 0;
    ensure(
      before + dispatched + skipped === journal.length,
      `${dispatched} items were dispatched and ${skipped} skipped`,
    );
    ensure(!processes.some((process) => process), 'a process is left');
    for (const [index, how] of journal.entries()) ensure(how !== undefined, `item ${index + 1} is lost`);
    if (results) same('results', results.lines.length, journal.filter((how) => how === 'done').length);
    return true;
  }

  /** All that can happen next. */
  moves(state: State): Move[] {
    const { delivery, processes, orphans, left, now } = state;
    const moves: Move[] = [];
    const add = (what: string, act: (state: State) => void): void => void moves.push({ what, act });
    for (const process of processes)
      if (process) this.#movesOf(state, process, (of) => found(of.processes[process.worker - 1]), add);
    for (const [index, process] of orphans.entries()) {
      this.#movesOf(state, process, (of) => found(of.orphans[index]), add);
      add(`orphan ${process.worker} is gone`, (of) => void of.orphans.splice(index, 1));
    }
    if (!delivery || (delivery.finished && state.stopped)) {
      if (orphans.length === 0) add('a resume', (of) => this.#master.resume(of));
      return moves;
    }
    if (state.results && state.results.waiting.length > 0) add('results are synced', (of) => this.#master.sync(of));
    if (state.unwritten.length > 0) add('the outcomes are written', (of) => this.#master.write(of));
    const wakeAt = delivery.wakeAt(now);
    if (wakeAt > now && wakeAt < Infinity) {
      add('time passes', (of) => {
        of.now = wakeAt;
        this.#master.turn(of);
      });
    }
    if (left.deaths > 0) add('the master is killed', (of) => this.#master.die(of));
    if (state.cursor?.cursor.unrecorded) {
      add('the mark is written', (of) => {
        writeMark(found(of.cursor), of.journal);
        this.#master.turn(of);
      });
    }
    if (left.cancels > 0) this.#movesOfCancel(delivery, add);
    if (state.isPaused || left.pauses > 0) {
      add(state.isPaused ? 'it is continued' : 'it is paused', (of) => {
        if (!of.isPaused) of.left.pauses -= 1;
        of.isPaused = !of.isPaused;
        found(of.delivery).gate.close('pause', of.isPaused ? Infinity : -Infinity);
        this.#master.turn(of);
      });
    }
    if (left.stops > 0 && delivery.stopping === 'no') {
      add('a graceful stop', (of) => {
        of.left.stops -= 1;
        stop(of);
        this.#master.turn(of);
      });
    }
    return moves;
  }

  #movesOfCancel(delivery: Delivery<Payload>, add: (what: string, act: (state: State) => void) => void): void {
    for (const { number: worker, inProgress } of delivery.slots)
      for (const { number } of inProgress)
        add(`somebody cancels item ${number}`, (of) => {
          of.left.cancels -= 1;
          ensure(found(of.delivery).cancel(worker, number), `item ${number} cannot be cancelled`);
          of.cancelled[number] = true;
          const process = of.processes[worker - 1];
          if (process) tell(process, { kind: 'cancel', number });
        });
  }

  /** What a process does, and what comes of what it has said. */
  #movesOf(
    { left, processes }: State,
    process: Process,
    it: (state: State) => Process,
    add: (what: string, act: (state: State) => void) => void,
  ): void {
    const { worker, alive, state, inProgress, told, said } = process;
    const who = `worker ${worker}`;
    const orphan = processes[worker - 1] !== process;
    if (!orphan && (said.length > 0 || !alive)) add(`the master hears ${who}`, (of) => this.#master.hear(of, it(of)));
    if (!alive) return;
    if (state === 'booting') {
      add(`${who} is ready`, (of) => {
        it(of).state = 'working';
        it(of).said.push({ kind: 'ready' });
      });
    }
    if (process.gathered.length > 0) add(`${who} says what has ended`, (of) => flush(it(of)));
    if (process.waiting.length > 0 && !orphan) {
      add(`${who} gives back what waits`, (of) => giveBack(it(of)));
    }
    if (told.length > 0) add(`${who} hears`, (of) => this.#workers.told(of, it(of)));
    for (const number of inProgress) {
      add(`${who} ends item ${number}`, (of) => this.#workers.end(of, it(of), number, 'done'));
      if (left.throws > 0) {
        add(`${who} throws at item ${number}`, (of) => {
          of.left.throws -= 1;
          this.#workers.end(of, it(of), number, 'threw');
        });
      }
      if (left.limits > 0) {
        add(`${who} throws RateLimited at item ${number}`, (of) => {
          of.left.limits -= 1;
          this.#workers.end(of, it(of), number, 'rate limited');
        });
      }
    }
    if (state === 'draining' && inProgress.length === 0) {
      add(`${who} exits`, (of) => {
        flush(it(of));
        exit(it(of));
      });
    }
    if (orphan) return;
    if (left.kills > 0) {
      add(`${who} is killed`, (of) => {
        of.left.kills -= 1;
        exit(it(of));
      });
    }
    if (left.terms > 0 && state === 'working') {
      add(`${who} is told to exit`, (of) => {
        of.left.terms -= 1;
        it(of).state = 'leaving';
        giveBack(it(of));
        it(of).said.push({ kind: 'leaving' });
      });
    }
    if (left.timeouts > 0) {
      for (const number of inProgress) {
        add(`${who} is killed for item ${number}`, (of) => {
          of.left.timeouts -= 1;
          it(of).said.push({ kind: 'timed out', number });
          it(of).killedFor = [];
          exit(it(of));
        });
      }
      if (inProgress.length > 0) {
        add(`${who} is killed: it is stuck`, (of) => {
          of.left.timeouts -= 1;
          it(of).killedFor = [];
          exit(it(of));
        });
      }
    }
  }
}
