/**
 * Tells whether a process that a journal or a lock names is still alive. Process ids are reused, so it compares the
 * start time, too. Ids mean nothing on another host or in another container. Runs in the master. Internal.
 */

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { killLeftovers } from './leftovers.ts';
import type { Machine, ProcessName } from './records.ts';

/**
 * Returns the start time of the process, as text to compare only; undefined if there is no such process, or it is dead.
 */
export function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      // Fields after the name (which may contain anything, but ends with the last bracket): the state, …, and field 22,
      // the start.
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${bootId().slice(0, 8)} ${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  const { stdout, status } = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : undefined;
}

/** Returns whether a process is stopped, as by SIGSTOP. False if that can't be known. */
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

/** Start times count from the boot, so the same time after a reboot is another process. */
function bootId(): string {
  return fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Returns where this process runs. */
export function machineHere(): Machine {
  const host = os.hostname();
  if (process.platform !== 'linux') return { host };
  try {
    return { host, boot: bootId(), namespace: fs.readlinkSync('/proc/self/ns/pid') };
  } catch {
    return { host }; // there is no /proc
  }
}

/** Returns whether this process can see the processes of that place. */
export function canLookInto({ host, boot, namespace }: Machine): boolean {
  const here = machineHere();
  return host === here.host && boot === here.boot && namespace === here.namespace;
}

/** Returns whether the process is still alive. */
export function lives({ pid, started }: ProcessName): boolean {
  return startOf(pid) === started;
}

/** Kills a worker and what its items have started: it leads a process group. */
function killWorker(pid: number): void {
  if (pid <= 1) return; // -1 would be every process
  for (const each of [-pid, pid]) {
    try {
      process.kill(each, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has just ended by itself
    }
  }
}

/**
 * How often to check for a process that should end, in milliseconds: the system reports only the end of own children.
 */
const LOOK_MS = 20;

/**
 * Resolves when all the workers, and what their items have started, are gone. Gives them `patienceMs` to go by
 * themselves, then kills them.
 */
export async function waitUntilGone(workers: readonly ProcessName[], patienceMs: number): Promise<void> {
  const patience = performance.now() + patienceMs;
  for (let left = workers.filter(lives); left.length > 0; left = left.filter(lives)) {
    if (performance.now() >= patience) for (const { pid } of left) killWorker(pid);
    await sleep(LOOK_MS);
  }
  while (killLeftovers(workers)) await sleep(LOOK_MS);
}
