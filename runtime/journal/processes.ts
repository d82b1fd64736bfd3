/**
 * Whether a process that a journal names still lives: process ids are used again, so its start time is compared too. Runs in
 * the master. Internal.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import type { ProcessName } from './records.ts';

/** Returns when the process started, as text that only serves to be compared; undefined where there is none, or it is dead. */
export function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      // Behind the name, which may hold anything but ends with the last bracket: the state, …, and field 22, the start.
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${bootId()} ${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  const { stdout, status } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

/** Whether a process is stopped, as by SIGSTOP. False where that cannot be known. */
export function isStopped(pid: number): boolean {
  if (process.platform !== 'linux') {
    return spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.startsWith('T');
  }
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return 'Tt'.includes(stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3));
  } catch {
    return false;
  }
}

/** Start times count from the boot: the same one after a reboot is another process. */
function bootId(): string {
  return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
}

/** Whether the process is still there. */
export function lives({ pid, started }: ProcessName): boolean {
  return startOf(pid) === started;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has just gone by itself
  }
}

/** How often a process that is on its way out is looked for, in milliseconds: of no child of ours nobody tells. */
const LOOK_MS = 20;

/** Resolves when none of the processes is there any more: first they are given `patienceMs`, then they are killed. */
export async function waitUntilGone(processes: readonly ProcessName[], patienceMs: number): Promise<void> {
  const patience = performance.now() + patienceMs;
  for (let left = processes.filter(lives); left.length > 0; left = left.filter(lives)) {
    if (performance.now() >= patience) for (const { pid } of left) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
