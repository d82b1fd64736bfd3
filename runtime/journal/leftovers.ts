/**
 * Kills the processes that a worker's items started and that outlived the worker, if it did not leave in good order.
 * Runs in the master. Internal.
 */

import fs from 'node:fs';
import type { ProcessName } from './records.ts';

/**
 * Kills the remaining processes in the groups of dead workers. Returns whether there were any. Only on Linux: elsewhere
 * nothing shows which worker a group belongs to.
 */
export function killLeftovers(workers: readonly ProcessName[]): boolean {
  if (process.platform !== 'linux' || workers.length === 0) return false;
  const startedAt = new Map(workers.map(({ pid, started }) => [pid, ticksOf(started)]));
  let any = false;
  for (const pid of processIds()) {
    const found = lookAt(pid);
    if (!found || found.group !== found.session) continue;
    const leader = startedAt.get(found.group);
    // While a group exists, no new process gets its leader's id. If a process has that id now, it leads a group of its
    // own.
    if (leader === undefined || isTaken(found.group)) continue;
    if (!(found.started >= leader) || !isOfWorker(pid)) continue;
    try {
      process.kill(pid, 'SIGKILL');
      any = true;
    } catch {
      // It has just ended by itself.
    }
  }
  return any;
}

function processIds(): number[] {
  try {
    return fs.readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return []; // there is no /proc
  }
}

interface Found {
  readonly group: number;
  readonly session: number;
  /** In ticks since the boot. */
  readonly started: number;
}

/** Returns undefined if there is no such process, or it is dead. */
function lookAt(pid: number): Found | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields after the name: the state, the parent, the group, the session, …, and field 22, the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
    return { group: Number(fields[2]), session: Number(fields[3]), started: Number(fields[19]) };
  } catch {
    return undefined;
  }
}

/** Returns whether a process has this id. The worker itself is dead, so it would not be found. */
function isTaken(pid: number): boolean {
  return lookAt(pid) !== undefined;
}

/** Returns whether a worker started the process: it then has the worker's environment. */
function isOfWorker(pid: number): boolean {
  try {
    const environment = fs.readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
    return environment.some((variable) => variable.startsWith('DIVVY_WORKER='));
  } catch {
    return false; // it belongs to another user, or is gone
  }
}

/** Returns the ticks, the part after the boot id, of a start time made by processes.ts. */
function ticksOf(started: string): number {
  return Number(started.split(' ')[1] ?? Number.NaN);
}
