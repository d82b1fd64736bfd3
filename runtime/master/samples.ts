/**
 * Records now and then how many items wait and how much memory each process uses, for `divvy report`. Runs in the
 * master. Internal.
 */

import { execFile } from 'node:child_process';
import fs from 'node:fs';
import type { Journal } from '../journal/journal.ts';
import type { Expected } from '../text/outlook.ts';
import type { Delivery } from './delivery.ts';
import type { Payload } from './ended.ts';
import type { Worker } from './worker.ts';

/** A run that takes a second has a sample, too. */
const FIRST_AFTER_MS = 1000;
const EVERY_MS = 5000;
/** How many workers one sample looks at: of more, the next sample looks at the next ones. */
const WORKERS_MAX = 100;

/** What samples need of the run. */
export interface SamplesOptions {
  readonly journal: Journal;
  readonly delivery: Delivery<Payload>;
  readonly workers: readonly Worker[];
  /** How many items there will be, if known, and whether the run is paused. */
  readonly controls: { readonly expected: Expected; readonly isPaused: boolean };
  /** Called after a sample was added: the journal has to be written. */
  readonly wake: () => void;
}

/** The samples of one run. */
export class Samples {
  readonly #options: SamplesOptions;
  #timer: NodeJS.Timeout | undefined;
  #isFirst = true;
  #isOver = false;
  /** The worker at which the next sample begins, from 0. */
  #from = 0;

  constructor(options: SamplesOptions) {
    this.#options = options;
    this.#next(FIRST_AFTER_MS);
  }

  /** No more samples: the journal is about to end. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #next(ms: number): void {
    this.#timer = setTimeout(() => void this.#takeIfPossible(), ms).unref();
  }

  /** Without /proc or free descriptors nobody knows the memory. That is no fault of the run. */
  async #takeIfPossible(): Promise<void> {
    try {
      await this.#take();
    } catch {
      // The next one may be possible.
    }
    if (!this.#isOver) this.#next(EVERY_MS);
  }

  async #take(): Promise<void> {
    const { journal, delivery, workers, controls, wake } = this.#options;
    const running = workers.filter(({ pid }) => pid !== undefined && pid !== process.pid);
    const looked = this.#lookedAt(running);
    const bytes = await memoryOf(looked.map(({ pid = 0 }) => pid));
    if (this.#isOver) return;
    const memory = looked.flatMap(({ number }, at) => (bytes[at] ? [[number, megabytes(bytes[at])] as const] : []));
    // That of a retry is not that of the run.
    const items = this.#isFirst && !controls.expected.isRetry ? controls.expected.total : undefined;
    this.#isFirst = false;
    journal.add({
      type: 'sample',
      workers: running.length,
      pending: delivery.unstarted,
      leased: delivery.leased,
      memory: [[0, megabytes(process.memoryUsage.rss())], ...memory],
      ...(controls.isPaused && { paused: true }),
      ...(items !== undefined && { total: items }),
    });
    wake();
  }

  #lookedAt(running: readonly Worker[]): readonly Worker[] {
    if (running.length <= WORKERS_MAX) return running;
    const from = this.#from % running.length;
    this.#from = from + WORKERS_MAX;
    return [...running.slice(from), ...running.slice(0, from)].slice(0, WORKERS_MAX);
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / 1024 / 1024);

/** Resolves with the memory that each process uses, in bytes; 0 if it is gone or that can't be known. */
export async function memoryOf(pids: readonly number[]): Promise<number[]> {
  return process.platform === 'linux' ? pids.map(residentIn) : askedOfPs(pids);
}

function residentIn(pid: number): number {
  try {
    const [, kilobytes = '0'] = /^VmRSS:\s*(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  } catch {
    return 0; // it has exited
  }
}

/** Where there is no /proc, as on macOS. */
export async function askedOfPs(pids: readonly number[]): Promise<number[]> {
  if (pids.length === 0) return [];
  const output = await new Promise<string>((resolve) => {
    // If a process of these has exited, ps lists the others, and fails.
    execFile('ps', ['-o', 'pid=,rss=', '-p', pids.join(',')], (_, stdout) => resolve(stdout));
  });
  const lines = output.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const bytes = new Map(lines.map(([pid = 0, kilobytes = 0]) => [pid, kilobytes * 1024]));
  return pids.map((pid) => bytes.get(pid) ?? 0);
}
