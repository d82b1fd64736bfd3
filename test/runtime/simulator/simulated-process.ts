/**
 * A worker's process as runtime/worker-process.ts and runtime/processing.ts behave, and as it is to be from the outside:
 * it boots, or does not; it starts items in the order in which they arrive; it can go down at any moment. What it has
 * written when it does is still read.
 */

import type { Random } from './random.ts';
import type { Nature, Scenario } from './scenario.ts';

/** An item as it is in reality, whatever the master believes. */
export interface Work {
  readonly number: number;
  readonly nature: Nature;
  /** How often it misbehaves before it has done with that. */
  readonly tantrums: number;
  /** How often a process has begun with it. */
  runs: number;
}

export interface Outcome {
  readonly number: number;
  readonly how: 'done' | 'threw' | 'threw for good';
}

export type Said =
  | { readonly kind: 'ready' | 'leaving' }
  | { readonly kind: 'returned'; readonly numbers: readonly number[] }
  | { readonly kind: 'outcomes'; readonly outcomes: readonly Outcome[] };

export type Told = { readonly kind: 'items'; readonly items: readonly Work[] } | { readonly kind: 'drain' | 'abort' };

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
  /** The master reads what the process wrote. */
  readonly said: (process: SimulatedProcess, message: Said) => void;
  /** The master learns of its exit, after it has read everything. */
  readonly exited: (process: SimulatedProcess) => void;
}

export class SimulatedProcess {
  readonly worker: number;
  alive = true;
  /** It will never be ready, nor hear anything. */
  readonly hung: boolean;

  readonly #world: Surroundings;
  readonly #waiting: Work[] = [];
  readonly #inProgress = new Set<Work>();
  #outcomes: Outcome[] = [];
  #state: 'booting' | 'working' | 'leaving' | 'draining' | 'aborted' | 'gone' = 'booting';
  #connected = false;
  readonly #heard: Told[] = [];
  #toldToLeave = false;
  /** When the last of what is on its way to the master, and from it, arrives. */
  #lastSaidAt = 0;
  #lastToldAt = 0;

  constructor(worker: number, fate: 'boots' | 'fails' | 'hangs', world: Surroundings) {
    this.worker = worker;
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
    if (!this.#connected || !this.alive) return;
    this.#lastToldAt = this.#arrival(this.#lastToldAt);
    this.#world.at(this.#lastToldAt, () => {
      if (!this.alive) return;
      if (this.#state === 'booting') this.#heard.push(message);
      else this.#hear(message);
    });
  }

  /** SIGTERM. */
  leave(): void {
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
    for (const work of this.#inProgress) this.#world.ceased(this, work);
    this.#lastSaidAt = this.#arrival(this.#lastSaidAt);
    this.#world.at(this.#lastSaidAt, () => this.#world.exited(this));
  }

  // ---- what it does ----

  #ready(): void {
    this.#state = 'working';
    this.#say({ kind: 'ready' });
    for (const message of this.#heard.splice(0)) this.#hear(message);
    if (this.#toldToLeave) this.leave();
  }

  #hear(message: Told): void {
    if (this.#state === 'gone') return;
    if (message.kind === 'items') {
      this.#waiting.push(...message.items);
      if (this.#state === 'working') this.#beginMore();
      else this.#giveBack();
    } else if (message.kind === 'drain') {
      if (this.#state !== 'aborted') this.#state = 'draining';
      this.#giveBack();
      this.#exitIfIdle();
    } else {
      this.#state = 'aborted';
      for (const work of this.#inProgress) {
        if (obeys(work)) this.#after(this.#world.random.whole(0, 5), () => this.#end(work, 'threw'));
      }
      this.#exitIfIdle();
    }
  }

  #beginMore(): void {
    while (this.#state === 'working' && this.#inProgress.size < this.#world.scenario.rules.concurrency) {
      const work = this.#waiting.shift();
      if (!work) return;
      this.#begin(work);
    }
  }

  #begin(work: Work): void {
    const { random } = this.#world;
    work.runs += 1;
    this.#inProgress.add(work);
    this.#world.began(this, work);
    if (work.nature === 'stuck') return;
    const inTantrum = work.runs <= work.tantrums;
    this.#after(work.nature === 'slow' ? random.whole(100, 1500) : random.whole(0, 30), () => {
      if (work.nature === 'poison' || (work.nature === 'poison at first' && inTantrum)) this.die();
      else if (work.nature === 'throws for good') this.#end(work, 'threw for good');
      else this.#end(work, work.nature === 'throws' && inTantrum ? 'threw' : 'done');
    });
  }

  #end(work: Work, how: Outcome['how']): void {
    const { random } = this.#world;
    if (!this.#inProgress.delete(work)) return;
    this.#world.ceased(this, work);
    // Between the end of an item and its ack being written there is a moment in which the process can go down.
    if (this.#outcomes.length === 0) this.#after(random.chance(0.1) ? 3 : 0, () => this.#flush());
    this.#outcomes.push({ number: work.number, how });
    if (work.nature === 'deadly after its ack') this.#after(random.whole(3, 10), () => this.die());
    if (this.#state === 'working') this.#beginMore();
    else this.#exitIfIdle();
  }

  #flush(): void {
    if (this.#outcomes.length > 0) this.#say({ kind: 'outcomes', outcomes: this.#outcomes });
    this.#outcomes = [];
  }

  #giveBack(): void {
    const numbers = this.#waiting.splice(0).map(({ number }) => number);
    if (numbers.length > 0) this.#say({ kind: 'returned', numbers });
  }

  #exitIfIdle(): void {
    const drained = this.#state === 'draining' && this.#inProgress.size === 0;
    const deaf = this.#state === 'aborted' && ![...this.#inProgress].some(obeys);
    if (!drained && !deaf) return;
    this.#state = 'gone';
    this.#flush();
    if (deaf) this.die();
    else this.#after(this.#world.random.whole(0, this.#world.scenario.exitMs), () => this.die());
  }

  #say(message: Said): void {
    this.#lastSaidAt = this.#arrival(this.#lastSaidAt);
    this.#world.at(this.#lastSaidAt, () => this.#world.said(this, message));
  }

  /** What is sent later does not arrive sooner. */
  #arrival(last: number): number {
    const { random, scenario } = this.#world;
    return Math.max(last, this.#world.now() + random.next() * scenario.latencyMs);
  }

  #after(ms: number, act: () => void): void {
    this.#world.after(ms, () => {
      if (this.alive) act();
    });
  }
}

/** Whether it has asked for its signal, and ends when that is aborted. */
function obeys({ nature, number }: Work): boolean {
  return nature === 'slow' || (nature === 'stuck' && number % 2 === 0);
}
