/**
 * Tries a runtime from outside: runs small tasks with it, and looks at what becomes of them. `divvy upgrade` does so with
 * a merged runtime before it puts that in place.
 */

import { availableParallelism } from 'node:os';
import { CASES } from './cases.ts';
import { Scratch } from './scratch.ts';
import { type Case, Trial, Unmet } from './trial.ts';

/** A case that does not hold. */
export interface Failure {
  readonly name: string;
  /** What was expected and what came, in words. */
  readonly reason: string;
}

/** What came of the cases. Those that were not tried are in neither list. */
export interface Conformity {
  readonly passed: readonly string[];
  readonly failed: readonly Failure[];
}

/** How long a case may take, in milliseconds. */
const CASE_MS = 20_000;
/** How many cases run at once. */
const LEAST_AT_ONCE = 2;
const MOST_AT_ONCE = 4;

export const caseNames: readonly string[] = CASES.map(({ name }) => name);

export interface ConformOptions {
  /** Names of cases; all by default. */
  readonly only?: readonly string[];
  /** Stop at the first failure. */
  readonly firstOnly?: boolean;
  /** Stop, kill everything, and reject with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Resolves with the cases that hold for this runtime, and those that don't. When it has settled, no process and no file
 * is left.
 *
 * runtime - every file of the vendored runtime, by its path relative to its folder, with `/`.
 *
 * Rejects with RangeError if there is no case of a name, and with errors of fs.
 */
export async function conform(
  runtime: ReadonlyMap<string, Buffer>,
  { only = caseNames, firstOnly = false, signal }: ConformOptions = {},
): Promise<Conformity> {
  const unknown = only.find((name) => !caseNames.includes(name));
  if (unknown !== undefined) throw new RangeError(`there is no case ${unknown}`);
  signal?.throwIfAborted();
  const scratch = new Scratch(runtime);
  try {
    const cases = CASES.filter(({ name }) => only.includes(name));
    return await new Trials(scratch, cases, firstOnly, signal).all();
  } finally {
    await scratch.remove();
  }
}

/** All cases of one suite. */
class Trials {
  readonly #scratch: Scratch;
  readonly #cases: readonly Case[];
  readonly #firstOnly: boolean;
  readonly #signal: AbortSignal | undefined;
  /** Ends the cases that still run. */
  readonly #stop = new AbortController();
  readonly #reasons = new Map<Case, string | undefined>();

  constructor(scratch: Scratch, cases: readonly Case[], firstOnly: boolean, signal: AbortSignal | undefined) {
    this.#scratch = scratch;
    this.#cases = cases;
    this.#firstOnly = firstOnly;
    this.#signal = signal;
  }

  async all(): Promise<Conformity> {
    const aborted = (): void => this.#stop.abort(this.#signal?.reason);
    this.#signal?.addEventListener('abort', aborted);
    try {
      await this.#runAll();
    } finally {
      this.#signal?.removeEventListener('abort', aborted);
    }
    this.#signal?.throwIfAborted();
    const ended = this.#cases.filter((each) => this.#reasons.has(each));
    const failed = ended.flatMap((each) => {
      const reason = this.#reasons.get(each);
      return reason === undefined ? [] : { name: each.name, reason };
    });
    return { passed: ended.filter((each) => this.#reasons.get(each) === undefined).map(({ name }) => name), failed };
  }

  async #runAll(): Promise<void> {
    const [first, ...others] = this.#cases;
    if (!first) return;
    // The first one alone: after it, Node.js has the runtime's compiled code. And if it hangs, each one would.
    const hangs = await this.#runCase(first);
    if (hangs) {
      const reason = `not tried, because the case "${first.name}" had not ended within ${CASE_MS / 1000} s`;
      if (!this.#firstOnly) for (const each of others) this.#reasons.set(each, reason);
      return;
    }
    if (others.length === 0 || this.#stop.signal.aborted) return;
    await this.#scratch.strip();
    const atOnce = Math.max(LEAST_AT_ONCE, Math.min(availableParallelism(), MOST_AT_ONCE));
    const line = async (): Promise<void> => {
      for (let next = others.shift(); next && !this.#stop.signal.aborted; next = others.shift())
        await this.#runCase(next);
    };
    const lines = Array.from({ length: atOnce }, line);
    try {
      await Promise.all(lines);
    } finally {
      // If one has thrown, as on a full disk, the others must have ended before their folders go.
      this.#stop.abort();
      await Promise.allSettled(lines);
    }
  }

  /** Resolves with whether the case had to be cut off. */
  async #runCase(each: Case): Promise<boolean> {
    const deadline = AbortSignal.timeout(CASE_MS);
    const stop = this.#stop.signal;
    const trial = new Trial(this.#scratch, AbortSignal.any([deadline, stop]));
    let reason: string | undefined;
    try {
      await each.run(trial);
    } catch (error) {
      reason = reasonOf(error);
    }
    const hangs = deadline.aborted && reason !== undefined;
    if (hangs) reason = `it had not ended within ${CASE_MS / 1000} s; it waited for ${trial.waitsFor}`;
    const left = await trial.leave(reason !== undefined);
    if (left.length > 0 && reason === undefined)
      reason = `expected no process to be left behind, got ${left.join(', ')}`;
    if (stop.aborted && !hangs) return false; // it was cut off, and says nothing
    this.#reasons.set(each, reason);
    if (reason !== undefined && this.#firstOnly) this.#stop.abort();
    return hangs;
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Unmet) return error.message;
  return error instanceof Error ? `the case itself threw: ${error.stack ?? error.message}` : String(error);
}
