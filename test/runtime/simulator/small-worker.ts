/** What the processes of a small case do, as simulated-process.ts has it, with every order of events instead of one at random. */

import type { SmallCase } from './small-case.ts';
import type { How, Process, State, Told } from './small-state.ts';
import { ensure } from './violation.ts';

export class SmallWorkers {
  readonly #case: SmallCase;

  constructor(small: SmallCase) {
    this.#case = small;
  }

  told(state: State, process: Process): void {
    const message = process.told.shift();
    if (message?.kind === 'items') {
      process.waiting.push(...message.numbers);
      process.batchAcks = process.batchAcks.filter((number) => !message.numbers.includes(number));
      if (message.batchAcks) process.batchAcks.push(...message.numbers);
      if (process.state === 'working') this.#beginMore(state, process);
      else giveBack(process);
    } else if (message?.kind === 'cancel') {
      if (process.inProgress.includes(message.number)) this.end(state, process, message.number, 'cancelled');
      else giveBack(process);
    } else {
      process.state = 'draining';
      giveBack(process);
    }
  }

  #beginMore(state: State, process: Process): void {
    while (process.state === 'working' && process.inProgress.length < this.#case.concurrency) {
      const number = process.waiting.shift();
      if (number === undefined) return;
      const others = [...state.processes, ...state.orphans].filter((other) => other?.alive && other !== process);
      const twice = others.some((other) => other?.inProgress.includes(number));
      ensure(!twice, `item ${number} is in two processes`);
      ensure(state.journal[number - 1] === undefined, `item ${number} is started though its outcome is recorded`);
      process.inProgress.push(number);
    }
  }

  end(state: State, process: Process, number: number, how: How): void {
    process.inProgress.splice(process.inProgress.indexOf(number), 1);
    if (how === 'done') {
      ensure(!state.processed[number - 1], `item ${number} was processed again for no reason`);
      state.processed[number - 1] = true;
    }
    gather(process, number, how, this.#case.ordered);
    const gathered = process.gathered.reduce((sum, said) => sum + (said.kind === 'done' ? said.count : 1), 0);
    const isLimited = how === 'rate limited';
    if (isLimited || !process.batchAcks.includes(number) || gathered >= this.#case.acksGathered) flush(process);
    if (isLimited) giveBack(process);
    this.#beginMore(state, process);
  }
}

export function tell(process: Process, message: Told): void {
  if (process.alive && process.state !== 'booting') process.told.push(message); // before, nobody hears
}

export function giveBack(process: Process): void {
  for (const number of process.waiting.splice(0)) process.said.push({ kind: 'nack', number });
}

/** It will say that an item has ended: of consecutive ones that are done, together. */
function gather({ gathered }: Process, number: number, how: How, isAlone: boolean): void {
  const last = gathered.at(-1);
  if (how !== 'done') gathered.push({ kind: how, number });
  else if (!isAlone && last?.kind === 'done' && number === last.number + last.count) last.count += 1;
  else gathered.push({ kind: how, number, count: 1 });
}

/** It says what has ended. */
export function flush(process: Process): void {
  process.said.push(...process.gathered.splice(0));
}

/** It is gone, with all that it had. */
export function exit(process: Process): void {
  process.alive = false;
  Object.assign(process, { waiting: [], gathered: [], inProgress: [], told: [] });
}
