/** What a case does its work with: its folder, its programs, its gate, and what it expects. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect, isDeepStrictEqual } from 'node:util';
import { parseJson } from '../json/parse.ts';
import { Gate } from './gate.ts';
import { aliveOf, type Ended, endAllOf, MARK, Program } from './program.ts';
import type { Scratch } from './scratch.ts';

/** A case: its name says what must hold. It rejects if that does not hold. */
export interface Case {
  readonly name: string;
  readonly run: (trial: Trial) => Promise<void>;
}

/** A line of ledger.ndjson. */
export interface Entry {
  readonly what: string;
  readonly item: string;
  readonly number: number;
  readonly attempt: number;
  readonly key: string;
  readonly worker: number;
  readonly pid: number;
  readonly [Other: string]: unknown;
}

export interface StartOptions {
  readonly task?: string;
  /** The arguments of the task. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly readsLater?: boolean;
}

/** Something that does not hold. */
export class Unmet extends Error {}

const LOOK_EVERY_MS = 10;
/** How long processes may take to be gone after a case, in milliseconds. */
const LEAVES_WITHIN_MS = 3000;

export class Trial {
  readonly folder: string;
  /** What it waits for, in words. */
  waitsFor = 'nothing';
  readonly #env: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;
  readonly #programs: Program[] = [];
  readonly #gates: Gate[] = [];

  /** signal - aborted when the case must end. */
  constructor(scratch: Scratch, signal: AbortSignal) {
    this.folder = scratch.folderOfCase();
    this.#env = { ...scratch.environmentOf(this.folder), [MARK]: this.folder };
    this.#signal = signal;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** What `work.ts` dispatches from now on. */
  dispatches(items: readonly string[]): void {
    writeFileSync(this.path('items.json'), JSON.stringify(items));
  }

  /** Starts a run of a task: of `work.ts` if no other is named. */
  start(options: readonly string[], { task = 'work', args = [], ...rest }: StartOptions = {}): Program {
    return this.program(['../runtime/run.mjs', ...options, `tasks/${task}.ts`, ...args], rest);
  }

  program(args: readonly string[], { env = {}, readsLater = false }: StartOptions = {}): Program {
    this.#signal.throwIfAborted();
    const program = new Program(args, { cwd: this.folder, env: { ...this.#env, ...env }, readsLater });
    this.#programs.push(program);
    return program;
  }

  /** Resolves when the run has ended. */
  async ended(program: Program): Promise<Ended> {
    this.waitsFor = 'the run to end';
    return this.#unlessAborted(program.ended);
  }

  /** Starts a run. Resolves when it has ended. */
  run(options: readonly string[], more: StartOptions = {}): Promise<Ended> {
    return this.ended(this.start(options, more));
  }

  async gate(): Promise<Gate> {
    const gate = await Gate.at(this.path('gate'));
    this.#gates.push(gate);
    return gate;
  }

  /** Resolves when these items have begun, and stand at the gate. */
  async arrived(gate: Gate, program: Program, ...items: readonly string[]): Promise<void> {
    for (let missing = gate.missing(items); missing.length > 0; missing = gate.missing(items)) {
      this.waitsFor = `these items to begin: ${missing.join(', ')}`;
      const ended = await this.#unlessAborted(Promise.race([program.ended, gate.next()]));
      const still = gate.missing(items);
      if (ended && still.length > 0)
        throw new Unmet(`expected these items to begin: ${still.join(', ')}, ${endOf(ended)}`);
    }
  }

  /** Resolves when it holds. Rejects if the program ends first, or if it takes too long. */
  async until(what: string, holds: () => boolean, program?: Program, withinMs = 10_000): Promise<void> {
    this.waitsFor = what;
    // There is no reliable event for what another process writes into a file: so look repeatedly.
    for (const end = performance.now() + withinMs; !holds(); await sleep(LOOK_EVERY_MS)) {
      this.#signal.throwIfAborted();
      if (program?.isOver && !holds()) throw new Unmet(`expected ${what}, ${endOf(await program.ended)}`);
      if (performance.now() > end) throw new Unmet(`expected ${what}, and it did not come within ${withinMs} ms`);
    }
  }

  /** Resolves when these processes have ended, or have had long enough, with those that live. */
  gone(pids: readonly number[]): Promise<number[]> {
    this.waitsFor = 'the workers of a killed master to end';
    return aliveOf(pids, this.#signal);
  }

  /** The lines of the ledger so far; only those that say this, if it is given. */
  ledger(what?: string): Entry[] {
    const entries = linesOf<Entry>(this.#text('ledger.ndjson'));
    return what === undefined ? entries : entries.filter((entry) => entry.what === what);
  }

  /** The items that the ledger has a line of that says this, in their order. */
  items(what: string): string[] {
    return this.ledger(what).map(({ item }) => item);
  }

  /** The keys of the items that journal.ndjson has as done. */
  recorded(): string[] {
    const records = linesOf<{ type: string; keys?: string[] }>(this.#text('journal.ndjson'));
    return records.flatMap(({ type, keys = [] }) => (type === 'done' ? keys : []));
  }

  /** The lines of a file of events. */
  events(file = 'events.ndjson'): Event[] {
    return linesOf<Event>(this.#text(file));
  }

  /** The counts at the end of the run whose events the file has. */
  counts(file?: string): Readonly<Record<string, number>> {
    return this.events(file).findLast(({ type }) => type === 'ended')?.result?.counts ?? {};
  }

  #text(name: string): string {
    return existsSync(this.path(name)) ? readFileSync(this.path(name), 'utf8') : '';
  }

  /** Ends everything. Resolves with the processes that the runs had left behind, unless `isCut`: then they had to. */
  async leave(isCut: boolean): Promise<number[]> {
    for (const program of this.#programs) if (isCut || !program.isOver) program.end();
    for (const gate of this.#gates) gate.close();
    return endAllOf(this.folder, isCut ? 0 : LEAVES_WITHIN_MS);
  }

  /** Rejects with the signal's reason once it is aborted. */
  async #unlessAborted<T>(promise: Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    const over = new AbortController();
    const aborted = new Promise<never>((_, reject) => {
      const abort = (): void => reject(this.#signal.reason);
      this.#signal.addEventListener('abort', abort, { once: true, signal: over.signal });
    });
    try {
      return await Promise.race([promise, aborted]);
    } finally {
      over.abort();
    }
  }
}

/** An event of --json or --events. */
export interface Event {
  readonly at?: unknown;
  readonly runId?: unknown;
  readonly type?: unknown;
  readonly result?: { readonly counts: Readonly<Record<string, number>> };
  readonly [Field: string]: unknown;
}

/** The whole lines of a text that are JSON; others are left out. */
export function linesOf<Line>(text: string): Line[] {
  return text.split('\n').flatMap((line) => {
    try {
      return parseJson(line) as Line;
    } catch {
      return [];
    }
  });
}

/** Throws Unmet unless both are equal. `what` says what it is. */
export function expectEqual(what: string, came: unknown, expected: unknown, ended?: Ended): void {
  if (isDeepStrictEqual(came, expected)) return;
  throw new Unmet(`expected ${what} to be ${shown(expected)}, got ${shown(came)}${ended ? saidBy(ended) : ''}`);
}

/** Throws Unmet unless both lists have the same, each as often, in any order. */
export function expectSame(what: string, came: readonly string[], expected: readonly string[], ended?: Ended): void {
  const missing = without(expected, came);
  const added = without(came, expected);
  if (missing.length + added.length === 0) return;
  const parts = [
    `expected ${expected.length} of ${what}, got ${came.length}`,
    ...(missing.length > 0 ? [`missing: ${shown(missing)}`] : []),
    ...(added.length > 0 ? [`too many: ${shown(added)}`] : []),
  ];
  throw new Unmet(`${parts.join('; ')}${ended ? saidBy(ended) : ''}`);
}

/** What the list has more of than the other. */
function without(list: readonly string[], other: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const each of other) counts.set(each, (counts.get(each) ?? 0) + 1);
  return list.filter((each) => {
    const count = counts.get(each) ?? 0;
    counts.set(each, count - 1);
    return count <= 0;
  });
}

/** Throws Unmet unless it holds. */
export function expectThat(holds: boolean, reason: string, ended?: Ended): void {
  if (!holds) throw new Unmet(`${reason}${ended ? saidBy(ended) : ''}`);
}

/** Throws Unmet unless the run ended with this exit code, or by this signal. `when` says after what. */
export function expectEnd(ended: Ended, expected: number | NodeJS.Signals, when: string): void {
  const wanted = typeof expected === 'number' ? `exit code ${expected}` : `an end by ${expected}`;
  if (expected !== (typeof expected === 'number' ? ended.code : ended.signal))
    throw new Unmet(`expected ${wanted} ${when}, got ${howOf(ended)}${saidBy(ended)}`);
}

const howOf = ({ code, signal }: Ended): string => (signal === null ? `exit code ${code}` : `an end by ${signal}`);
const endOf = (ended: Ended): string => `and the run ended with ${howOf(ended)}${saidBy(ended)}`;

/** The last lines that it wrote to stderr, without the stacks. */
function saidBy({ stderr }: Ended): string {
  const lines = stderr.split('\n').filter((line) => line !== '' && !/^(divvy: )?\s+at /.test(line));
  const last = lines.slice(-LAST_LINES).join('\n');
  return last === '' ? '; it said nothing' : `; it said:\n${last.slice(-LAST_CHARS)}`;
}

const LAST_LINES = 8;
const LAST_CHARS = 1500;
const shown = (value: unknown): string =>
  inspect(value, { breakLength: Infinity, compact: true, maxArrayLength: 10, maxStringLength: 200 });
