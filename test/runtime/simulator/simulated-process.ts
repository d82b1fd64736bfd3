/**
 * A worker's process as runtime/worker/main.ts and runtime/worker/processing.ts behave, and as it is to be from the outside:
 * it boots, or does not; it starts items in the order in which they arrive; it can be suspended, and go down, at any moment.
 * What it has written when it does is still read.
 */

import type { Thrown } from '../../../runtime/item-error.ts';
import type { Random } from './random.ts';
import { isStuck, type Scenario } from './scenario.ts';
import type { SimulatedPipe } from './simulated-pipe.ts';
import type { Work } from './world.ts';

/** An item as it is handed to a process: it has its number only in the run that this process belongs to. */
export interface Handed {
  readonly number: number;
  readonly work: Work;
  /** Its ack may be gathered with others. */
  readonly batchAcks: boolean;
}

export interface Outcome {
  readonly number: number;
  readonly ms: number;
  readonly how: 'done' | Thrown;
  /** How long the error asks to wait, where it does. */
  readonly afterMs: number | undefined;
  /** How much the process had written when the item ended. */
  readonly written: number;
}

export type Said =
  | { readonly kind: 'ready' | 'leaving' }
  | { readonly kind: 'overdue'; readonly number: number }
  | { readonly kind: 'nack'; readonly numbers: readonly number[] }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly Outcome[] };

export type Told =
  | { readonly kind: 'items'; readonly items: readonly Handed[] }
  | { readonly kind: 'drain' | 'forget' | 'abort' }
  | { readonly kind: 'cancel'; readonly number: number }
  | { readonly kind: 'time left'; readonly number: number; readonly ms: number };

/** What a process needs of the world that it is in. */
export interface Surroundings {
  readonly scenario: Scenario;
  readonly random: Random;
  readonly now: () => number;
  /** Has `act` done when so many milliseconds have passed. */
  readonly after: (ms: number, act: () => void) => void;
  /** Has `act` done at that time; what is to be done at the same time is done in the order in which it was asked for. */
  readonly at: (time: number, act: () => void) => void;
  readonly began: (process: SimulatedProcess, work: Work) => void;
  readonly ceased: (process: SimulatedProcess, work: Work) => void;
  /** It has done what there was to do with the item. */
  readonly processed: (work: Work) => void;
  /** The master reads what it is sent; while it does not, the sockets fill. */
  readonly reads: () => boolean;
  /** The master reads what the process wrote. */
  readonly said: (process: SimulatedProcess, message: Said) => void;
  /** The master hears of the lifeline that all behind so many items was taken back; null: nothing. */
  readonly reclaimed: (process: SimulatedProcess, claimed: number | null) => void;
  /** The master learns of its exit, after it has read everything. */
  readonly exited: (process: SimulatedProcess) => void;
}

/** So many messages fit into the socket of a master that does not read. */
const SOCKET_HOLDS = 3;
/** What waits in a process goes back when nothing has ended for so long. */
const PATIENCE_MS = 5;
/** Batched acks are gathered for so long at most. */
const GATHER_MS = 3;
/** An ack that is late is so late at most: later than any kill. */
const LATE_MS = 8000;

export class SimulatedProcess {
  readonly worker: number;
  alive = true;
  /** It will never be ready, nor hear anything. */
  readonly hung: boolean;

  readonly #world: Surroundings;
  readonly #waiting: Handed[] = [];
  readonly #inProgress = new Set<Handed>();
  /** What these have come to, whatever comes of them: they ran past their timeout, or were cancelled. */
  readonly #overruled = new Map<Handed, 'threw' | 'threw for good'>();
  /** What it writes. */
  readonly pipe: SimulatedPipe;
  #finished = 0;
  #outcomes: Outcome[] = [];
  /** It begins nothing while it has not said what has ended. */
  #isSendBlocked = false;
  #patient = false;
  /** How many items it has started, or given back, in the order in which they came; and whether the rest was taken back. */
  #taken = 0;
  #takenBack = false;
  /** The items that it has started. */
  readonly started = new Set<number>();
  #state: 'booting' | 'working' | 'leaving' | 'draining' | 'aborted' | 'gone' = 'booting';
  #connected = false;
  readonly #heard: Told[] = [];
  /** It does nothing: suspended by somebody, stuck in an item, or waiting in a write. */
  #still: 'no' | 'suspended' | 'stuck' | 'writing' = 'no';
  /** It was suspended, or the master was: it need not have done in time what it was told. */
  delayed = false;
  /** What it would have done meanwhile. */
  #missed: (() => void)[] = [];
  /** What has been sent that the master does not read yet, and what there was no room for any more. */
  #unread = 0;
  readonly #unsent: Said[] = [];
  #leavesWhenSent = false;
  #toldToLeave = false;
  /** When the last of what is on its way to the master, and from it, arrives. */
  #lastSaidAt = 0;
  #lastToldAt = 0;

  constructor(worker: number, fate: 'boots' | 'fails' | 'hangs', pipe: SimulatedPipe, world: Surroundings) {
    this.worker = worker;
    this.pipe = pipe;
    this.hung = fate === 'hangs';
    this.#world = world;
    const { random, scenario } = world;
    if (fate === 'hangs') {
      this.#after(60_000, () => this.die()); // somebody has had enough of it
      return;
    }
    const bootMs = random.whole(1, scenario.boots.ms);
    this.#after(random.whole(0, bootMs), () => {
      this.#connected = true;
    });
    this.#after(bootMs, () => {
      if (fate === 'fails') this.die();
      else this.#ready();
    });
  }

  // ---- from outside ----

  /** The master writes to it: nobody hears what is said before it has connected, or once it is dead. */
  tell(message: Told): void {
    if (message.kind === 'items') for (const { number } of message.items) this.started.delete(number);
    if (!this.#connected || !this.alive) return;
    this.#lastToldAt = this.#arrival(this.#lastToldAt);
    this.#world.at(this.#lastToldAt, () => {
      this.#act(() => {
        if (this.#state === 'booting') this.#heard.push(message);
        else this.#hear(message);
      });
    });
  }

  /** SIGTERM. */
  leave(): void {
    this.#act(() => this.#leave());
  }

  /** SIGSTOP, and SIGCONT so many milliseconds later. */
  suspend(ms: number): void {
    if (this.#still !== 'no') return;
    this.#still = 'suspended';
    this.delayed = true;
    this.#world.after(ms, () => this.#goOn());
  }

  /** Its lifeline takes back what is not started, also where it is stuck. */
  reclaim(): void {
    const answer = (): void => {
      const claimed = this.#takenBack ? null : this.#taken;
      this.#takenBack = true;
      this.#world.at(this.#arrival(0), () => this.#world.reclaimed(this, claimed));
    };
    this.#world.at(this.#arrival(0), () => {
      if (this.#still === 'suspended') this.#missed.push(answer);
      else if (this.alive) answer();
    });
  }

  /** It can find that its master is gone. */
  get hasLifeline(): boolean {
    return this.#still !== 'suspended';
  }

  /** The master reads again: there is room for what was not sent yet. */
  send(): void {
    if (!this.alive) return; // what it had not sent is lost
    this.delayed = true;
    this.#unread = 0;
    for (const message of this.#unsent.splice(0)) this.#say(message);
    if (this.#leavesWhenSent) this.die();
    this.#act(() => this.#beginMore());
  }

  #leave(): void {
    this.#toldToLeave = true;
    if (this.#state !== 'working') return;
    this.#state = 'leaving';
    this.#giveBack();
    this.#say({ kind: 'leaving' });
  }

  /** SIGKILL, or whatever else ends it on the spot. */
  die(): void {
    if (!this.alive) return;
    this.alive = false;
    for (const { work } of this.#inProgress) this.#world.ceased(this, work);
    this.#lastSaidAt = this.#arrival(this.#lastSaidAt);
    this.#world.at(this.#lastSaidAt, () => this.#world.exited(this));
  }

  // ---- what it does ----

  #ready(): void {
    this.#state = 'working';
    this.#say({ kind: 'ready' });
    for (const message of this.#heard.splice(0)) this.#hear(message);
    if (this.#toldToLeave) this.#leave();
  }

  #hear(message: Told): void {
    if (this.#state === 'gone') return;
    if (message.kind === 'items') {
      this.#waiting.push(...message.items);
      if (this.#state === 'working') this.#beginMore();
      else this.#giveBack();
    } else if (message.kind === 'forget') {
      this.#taken += this.#waiting.splice(0).length;
      this.#takenBack = false;
      if (this.#state === 'draining') this.#exitIfIdle();
    } else if (message.kind === 'drain') {
      if (this.#state !== 'aborted') this.#state = 'draining';
      this.#giveBack();
      this.#exitIfIdle();
    } else if (message.kind === 'time left') this.#timeLeft(message.number, message.ms);
    else if (message.kind === 'cancel') {
      const handed = [...this.#inProgress].find((each) => each.number === message.number);
      if (handed) this.#overrule(handed, 'threw for good');
      else this.#giveBack();
    } else {
      this.#state = 'aborted';
      for (const handed of this.#inProgress) this.#abort(handed);
      this.#exitIfIdle();
    }
  }

  #beginMore(): void {
    const { concurrency } = this.#world.scenario.rules;
    while (this.#state === 'working' && this.#inProgress.size < concurrency) {
      if (this.#isSendBlocked || this.#unsent.length > 0 || this.#still !== 'no') break;
      if (this.#waiting.length === 0 || !this.#take(1)) break;
      const handed = this.#waiting.shift();
      if (handed) this.#begin(handed);
    }
    if (this.#waiting.length > 0 && !this.#patient) this.#bePatient();
  }

  #take(items: number): boolean {
    if (this.#takenBack) return false;
    this.#taken += items;
    return true;
  }

  #bePatient(): void {
    const finished = this.#finished;
    this.#patient = true;
    this.#after(PATIENCE_MS, () => {
      this.#patient = false;
      if (this.#waiting.length === 0) return;
      if (this.#finished === finished) this.#giveBack();
      else this.#bePatient();
    });
  }

  #begin(handed: Handed): void {
    const { random, scenario } = this.#world;
    const { work } = handed;
    work.runs += 1;
    this.started.add(handed.number);
    this.#inProgress.add(handed);
    this.#world.began(this, work);
    if (scenario.timeoutMs < Infinity) this.#after(scenario.timeoutMs, () => this.#askForTime(handed));
    this.#write();
    if (work.nature === 'blocks its worker') this.#still = 'stuck';
    if (isStuck(work.nature)) return;
    const inTantrum = work.runs <= work.tantrums;
    const short = scenario.prefetch > 1 ? random.among([0, 0, 2, 30]) : 30;
    this.#after(work.nature === 'slow' ? random.whole(100, 1500) : random.whole(0, short), () => {
      if (!this.#inProgress.has(handed)) return;
      if (work.nature === 'poison' || (work.nature === 'poison at first' && inTantrum)) this.die();
      else if (work.nature === 'throws for good') this.#end(handed, 'threw for good');
      else if (work.nature === 'is limited' && inTantrum) this.#end(handed, 'rate limited');
      else this.#end(handed, work.nature === 'throws' && inTantrum ? 'threw' : 'done');
    });
  }

  /** At its beginning and at its end an item may write. Whoever reads it may be slow: then the process waits. */
  #write(): void {
    const { random, scenario } = this.#world;
    if (scenario.writes === 0 || !random.chance(scenario.writes) || this.#still !== 'no') return;
    const waits = this.pipe.write(random.whole(1, 3), () => {
      if (this.#still === 'writing') this.#goOn();
    });
    if (!waits) return;
    this.#still = 'writing';
    this.delayed = true;
  }

  #askForTime(handed: Handed): void {
    if (this.#inProgress.has(handed)) this.#say({ kind: 'overdue', number: handed.number });
  }

  #timeLeft(number: number, ms: number): void {
    const handed = [...this.#inProgress].find((each) => each.number === number);
    if (!handed) return;
    if (ms > 0) this.#after(ms, () => this.#askForTime(handed));
    else this.#overrule(handed, 'threw');
  }

  #overrule(handed: Handed, how: 'threw' | 'threw for good'): void {
    if (!this.#overruled.has(handed)) this.#overruled.set(handed, how);
    this.#abort(handed);
  }

  #abort(handed: Handed): void {
    if (isAbortable(handed)) this.#after(this.#world.random.whole(0, 5), () => this.#end(handed, 'threw'));
  }

  #end(handed: Handed, ended: Outcome['how']): void {
    if (!this.#inProgress.has(handed)) return;
    this.#write();
    this.#act(() => this.#ended(handed, ended));
  }

  #ended(handed: Handed, ended: Outcome['how']): void {
    const { random, scenario } = this.#world;
    if (!this.#inProgress.delete(handed)) return;
    const { number, work } = handed;
    const how = this.#overruled.get(handed) ?? ended;
    this.#world.ceased(this, work);
    if (how === 'done') this.#world.processed(work);
    const asks = how === 'rate limited' || (how === 'threw' && random.chance(0.2));
    const afterMs = asks ? random.among([undefined, 0, 10, 1500]) : undefined;
    this.#outcomes.push({ number, how, ms: random.whole(0, 30), written: this.pipe.written, afterMs });
    if (how === 'rate limited') {
      this.#flush();
      this.#giveBack();
    } else if (handed.batchAcks && this.#outcomes.length < scenario.rules.acksGathered)
      this.#after(random.whole(0, GATHER_MS), () => this.#flush());
    else {
      // Between the end of an item and its ack being written there is a moment in which the process can go down.
      this.#isSendBlocked = true;
      this.#after(random.chance(0.1) ? 3 : 0, () => {
        this.#flush();
        this.#beginMore();
      });
    }
    if (work.nature === 'deadly after its ack') this.#after(random.whole(3, 10), () => this.die());
    this.#finished += 1;
    if (this.#finished >= scenario.recycleAfter) this.#leave();
    if (this.#state === 'working') this.#beginMore();
    else this.#exitIfIdle();
  }

  #flush(): void {
    if (this.#outcomes.length > 0) this.#say({ kind: 'outcomes', outcomes: this.#outcomes });
    this.#outcomes = [];
    this.#isSendBlocked = false;
  }

  #giveBack(): void {
    if (this.#waiting.length === 0 || !this.#take(this.#waiting.length)) return;
    this.#say({ kind: 'nack', numbers: this.#waiting.splice(0).map(({ number }) => number) });
  }

  #exitIfIdle(): void {
    const drained = this.#state === 'draining' && this.#inProgress.size + this.#waiting.length === 0;
    const deaf = this.#state === 'aborted' && ![...this.#inProgress].some(isAbortable);
    if (!drained && !deaf) return;
    this.#state = 'gone';
    this.#flush();
    if (deaf) this.die();
    else this.#after(this.#world.random.whole(0, this.#world.scenario.exitMs), () => this.#exit());
  }

  /** It has done with everything, and exits when all is sent. */
  #exit(): void {
    if (this.#unsent.length === 0) this.die();
    else this.#leavesWhenSent = true;
  }

  #say(message: Said): void {
    const { random, scenario } = this.#world;
    if (this.#world.reads()) this.#unread = 0;
    else if (this.#unread++ >= SOCKET_HOLDS) {
      this.#unsent.push(message);
      return;
    }
    this.#lastSaidAt = this.#arrival(this.#lastSaidAt);
    if (message.kind === 'outcomes' && scenario.lateAcks && random.chance(0.1))
      this.#lastSaidAt += random.whole(0, LATE_MS);
    this.#world.at(this.#lastSaidAt, () => this.#world.said(this, message));
  }

  /** What is sent later does not arrive sooner. */
  #arrival(last: number): number {
    const { random, scenario } = this.#world;
    return Math.max(last, this.#world.now() + random.next() * scenario.latencyMs);
  }

  #after(ms: number, act: () => void): void {
    this.#world.after(ms, () => this.#act(act));
  }

  /** At once, or when it goes on. */
  #act(act: () => void): void {
    if (!this.alive) return;
    if (this.#still === 'no') act();
    else this.#missed.push(act);
  }

  #goOn(): void {
    this.#still = 'no';
    for (const act of this.#missed.splice(0)) this.#act(act);
  }
}

/** Whether it has asked for its signal, and ends when that is aborted. */
function isAbortable({ work }: Handed): boolean {
  return work.nature === 'slow' || work.nature === 'stuck, and isAbortable its signal';
}
