/**
 * When a master acts: not while it is suspended, and never once it is dead. What it is to do while it is suspended it does when
 * it goes on.
 */

import type { World } from './world.ts';

export class SimulatedMaster {
  readonly #world: World;
  readonly #turn: () => void;
  #state: 'running' | 'suspended' | 'dead' | 'ended' = 'running';
  #isAwake = false;
  /** What it is to do when it goes on. */
  #missed: (() => void)[] = [];
  /** It need not have done in time what was due. */
  wasSuspended = false;

  /** turn - what it does once something has happened. */
  constructor(world: World, turn: () => void) {
    this.#world = world;
    this.#turn = turn;
  }

  get state(): 'running' | 'suspended' | 'dead' | 'ended' {
    return this.#state;
  }

  /** It has nothing to do before something happens. */
  get isIdle(): boolean {
    return !this.#isAwake && this.#state === 'running';
  }

  /** What the master does: later where it is suspended, never where it is dead. */
  do(act: () => void): void {
    if (this.#state === 'running') act();
    else if (this.#state === 'suspended') this.#missed.push(act);
  }

  readonly later = (ms: number, act: () => void): void => this.#world.at(this.#world.now + ms, () => this.do(act));

  /** Whatever else happens at this moment may come before the master acts. */
  readonly wake = (): void => {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.later(0, () => {
      this.#isAwake = false;
      this.#turn();
    });
  };

  /** goesOn - called before it does what it missed. */
  suspend(ms: number, goesOn: () => void): void {
    this.#state = 'suspended';
    this.wasSuspended = true;
    this.#world.at(this.#world.now + ms, () => {
      if (this.#state !== 'suspended') return;
      this.#state = 'running';
      goesOn();
      for (const act of this.#missed.splice(0)) this.do(act);
    });
  }

  die(): void {
    this.#state = 'dead';
  }

  end(): void {
    this.#state = 'ended';
  }
}
