// Generated `postgres` and `sqlite` projects over a table of many rows, with kills in the middle.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished } from 'vitest';
import type { Observed } from '../../runtime/events.ts';
import { cleanEnvironment } from '../generators/commands.ts';

/** What happens once so many batches are done. */
export interface Fault {
  readonly at: number;
  readonly what: 'kill the master' | 'kill a worker' | 'restart the database';
}

/** Faults at even distances: as many of each kind, and the restart in the middle. */
export function faultsOver(batches: number, masters: number, workers: number, restarts = 0): Fault[] {
  const spread = (count: number, what: Fault['what']): Fault[] =>
    Array.from({ length: count }, (_, index) => ({ at: Math.floor(((index + 0.5) * batches) / count), what }));
  const all = [
    ...spread(masters, 'kill the master'),
    ...spread(workers, 'kill a worker'),
    ...spread(restarts, 'restart the database'),
  ];
  return all.sort((one, other) => one.at - other.at);
}

/**
 * Runs the task of a project through the faults, with --resume after each kill of the master. Resolves with what the last
 * run said, and with the number of resumes.
 */
export async function runThrough(
  project: string,
  { args, env = {}, faults, restart }: RunThrough,
): Promise<{ stdout: string; resumes: number; exitCode: number | null }> {
  const left = [...faults];
  let done = 0;
  for (let resumes = 0; ; resumes++) {
    const options = ['-n', '2', '--retries', '5', '--backoff', '100ms', '--json', ...(resumes > 0 ? ['--resume'] : [])];
    const child = spawn(process.execPath, ['vendor/divvy/run.mjs', ...options, 'tasks/my-task.ts', ...args], {
      cwd: project,
      env: cleanEnvironment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const closed = once(child, 'close');
    const stdout = child.stdout.setEncoding('utf8').toArray();
    const workers = new Map<number, number>();
    const restarts: Promise<void>[] = [];
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      const event = line.startsWith('{') ? (JSON.parse(line) as Observed) : undefined;
      if (event?.type === 'worker forked' && event.pid !== undefined) workers.set(event.worker, event.pid);
      if (event?.type === 'item done') done += 1;
      for (let next = left[0]; next && next.at <= done && !child.killed; next = left[0]) {
        left.shift();
        if (next.what === 'kill the master') child.kill('SIGKILL');
        if (next.what === 'kill a worker') killIfThere([...workers.values()][next.at % workers.size]);
        if (next.what === 'restart the database' && restart) restarts.push(restart());
      }
    }
    const [exitCode] = (await closed) as [number | null];
    await Promise.all(restarts);
    if (child.killed) continue;
    expect(left, said.slice(-20).join('\n')).toEqual([]);
    return { stdout: (await stdout).join(''), resumes, exitCode };
  }
}

interface RunThrough {
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly faults: readonly Fault[];
  readonly restart?: () => Promise<void>;
}

/** It may just be being replaced. */
function killIfThere(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Lets the task of a project count how often it changes a row. */
export function countChanges(project: string): void {
  const file = join(project, 'tasks/my-task.ts');
  const text = readFileSync(file, 'utf8');
  const counting = text.replace("'email_lower = lower(email)'", "'email_lower = lower(email), changes = changes + 1'");
  expect(counting).not.toBe(text);
  writeFileSync(file, counting);
}
