// A run over several machines, all of them here: a dispatcher and hosts as processes, a Redis of the test's own, and what items
// have noted of their time.
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import { runTask, type TaskRun, taskFile } from '../run-task.ts';
import { RedisServer } from './redis.ts';

/** The shortest lock that there is. */
export const LOCK_MS = 5000;
const LOCK = `${LOCK_MS}ms`;

/** How often an item was begun, and whether it was in two processes at once. */
export interface Stamps {
  readonly begun: ReadonlyMap<number, number>;
  readonly ended: ReadonlySet<number>;
  readonly overlaps: readonly string[];
}

interface Attempt {
  readonly pid: string;
  readonly beganAt: bigint;
  lastAt: bigint;
}

export class Machines {
  readonly redis: RedisServer;
  readonly folder: string;
  readonly task: string;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(redis: RedisServer, folder: string, env: NodeJS.ProcessEnv) {
    this.redis = redis;
    this.folder = folder;
    this.task = join(folder, 'stamped.ts');
    this.#env = { DIVVY_ENGINE_URL: redis.url, STAMPS: join(folder, 'stamps'), ...env };
    writeFileSync(join(folder, 'stamps'), '');
    writeFileSync(join(folder, 'divvy.json'), '{}');
    symlinkSync(taskFile('stamped'), this.task);
  }

  /** flags - of the server. env - of the dispatcher and of each host. */
  static async start(env: NodeJS.ProcessEnv = {}, flags: readonly string[] = []): Promise<Machines> {
    const redis = await RedisServer.start(flags);
    const folder = mkdtempSync(join(tmpdir(), 'divvy-machines-'));
    onTestFinished(async () => {
      await redis[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    });
    return new Machines(redis, folder, env);
  }

  /** by - a command that runs the command line. */
  dispatcher(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}, by: readonly string[] = []): TaskRun {
    return this.#start(['--lock', LOCK, ...args], env, by);
  }

  host(args: readonly string[] = [], env: NodeJS.ProcessEnv = {}, by: readonly string[] = []): TaskRun {
    return this.#start(['--join', '-n', '2', ...args], env, by);
  }

  #start(args: readonly string[], env: NodeJS.ProcessEnv, by: readonly string[]): TaskRun {
    return runTask(this.task, { args: ['--engine', 'bullmq', ...args], env: { ...this.#env, ...env }, by });
  }

  /** The lines of the run's journal, of all of its dispatchers. */
  journal(): Record<string, unknown>[] {
    const folder = join(this.folder, '.divvy', 'stamped');
    const files = readdirSync(folder).filter((file) => file.endsWith('.ndjson'));
    const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** How often the journal has an outcome of each item. */
  recorded(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const line of this.journal()) {
      const keys =
        line['type'] === 'done' ? (line['keys'] as string[]) : line['type'] === 'failed' ? [String(line['key'])] : [];
      for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return counts;
  }

  /** Resolves when so many items have begun. */
  async begun(count: number): Promise<void> {
    while (this.stamps().begun.size < count) await sleep(50);
  }

  stamps(): Stamps {
    const attempts = new Map<number, Attempt[]>();
    const ended = new Set<number>();
    const lines = readFileSync(join(this.folder, 'stamps'), 'utf8').trim().split('\n').filter(Boolean);
    for (const line of lines) {
      const [, what = '', number = '', pid = '', at = '0'] =
        /^(begins|goes on|ends) (\d+) (\d+) (\d+)$/.exec(line) ?? [];
      const those = attempts.get(Number(number)) ?? [];
      attempts.set(Number(number), those);
      const attempt = those.findLast((each) => each.pid === pid);
      if (what === 'begins') those.push({ pid, beganAt: BigInt(at), lastAt: BigInt(at) });
      else if (attempt) attempt.lastAt = BigInt(at);
      if (what === 'ends') ended.add(Number(number));
    }
    const overlaps: string[] = [];
    for (const [number, those] of attempts) {
      those.sort((a, b) => (a.beganAt < b.beganAt ? -1 : 1));
      for (const [at, { pid, beganAt }] of those.entries()) {
        const before = those[at - 1];
        if (before && before.lastAt > beganAt) overlaps.push(`item ${number} in ${before.pid} and in ${pid}`);
      }
    }
    return { begun: new Map([...attempts].map(([number, those]) => [number, those.length])), ended, overlaps };
  }
}

/** The numbers of items that were begun more than once. */
export const redone = ({ begun }: Stamps): number[] =>
  [...begun].filter(([, times]) => times > 1).map(([number]) => number);

export const numbersTo = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1);

/** Every item has one outcome, and none was in two processes at once. */
export function expectWhole(machines: Machines, count: number): void {
  expect(machines.recorded()).toEqual(new Map(numbersTo(count).map((number) => [`item-${number}`, 1])));
  const stamps = machines.stamps();
  expect(stamps.overlaps).toEqual([]);
  expect([...stamps.ended].sort((a, b) => a - b)).toEqual(numbersTo(count));
}

export async function endedWell(run: TaskRun): Promise<void> {
  const { status, signal, stderr } = await run.ended();
  expect([status, signal], stderr).toEqual([0, null]);
}
