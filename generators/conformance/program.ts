/** Runs a program of a case, and finds and ends what cases have started. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** How a program ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Nobody reads its stdout before `read` is called. */
  readonly readsLater?: boolean;
}

/** A program of Node.js that runs. It leads a process group. */
export class Program {
  readonly pid: number;
  /** Resolves when it has ended and all of its output has been read. Rejects if it could not be started. */
  readonly ended: Promise<Ended>;
  isOver = false;
  readonly #child: ChildProcess;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];

  constructor(args: readonly string[], { cwd, env, readsLater = false }: ProgramOptions) {
    const child = spawn(process.execPath, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.pid = child.pid ?? 0;
    if (!readsLater) this.read();
    child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    this.ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => {
        this.isOver = true;
        resolve({ code, signal, stdout: Buffer.concat(this.#stdout).toString(), stderr: this.stderr });
      });
    });
    this.ended.catch(() => {}); // whoever awaits it gets the error
  }

  /** What it has written so far. */
  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** From now on its stdout is read. */
  read(): void {
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Kills it and its group, and reads no more: a process that it has left behind may hold its output open. */
  end(): void {
    if (this.pid > 0 && !this.isOver) killIfThere(-this.pid);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}

/** The name of the variable by which everything that a case has started is known. Its value is the case's folder. */
export const MARK = 'CONFORMANCE_OF';

/** How long processes may take to be gone, in milliseconds. */
const GONE_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 20;

/** Resolves with the processes that were started for this folder, or one below it, and live. */
export async function startedFor(folder: string): Promise<number[]> {
  const isFor = (environment: string): boolean =>
    [`${MARK}=${folder}\0`, `${MARK}=${folder} `, `${MARK}=${folder}/`].some((mark) => environment.includes(mark));
  if (process.platform !== 'linux') {
    const table = await output('ps', ['-A', '-E', '-o', 'pid=,stat=,command=']);
    const lines = table.split('\n').filter((line) => isFor(`${line} `));
    return lines.map((line) => line.trim().split(/\s+/)).flatMap(([pid, state]) => (isDead(state) ? [] : Number(pid)));
  }
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => isFor(environmentOf(pid))).map(Number);
}

/** A process that only waits to be reaped has no environment any more. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1');
  } catch {
    return ''; // it has ended, or is somebody else's
  }
}

/** Resolves with those of the processes that live, as soon as none does, or once they have had long enough. */
export async function aliveOf(pids: readonly number[], signal: AbortSignal): Promise<number[]> {
  // There is no event for the end of a process that this one has not started: so look repeatedly.
  for (const end = performance.now() + GONE_WITHIN_MS; ; await sleep(LOOK_EVERY_MS, undefined, { signal })) {
    const table = await output('ps', ['-A', '-o', 'pid=,stat=']);
    const living = new Set(
      table.split('\n').flatMap((line) => {
        const [pid, state] = line.trim().split(/\s+/);
        return isDead(state) ? [] : Number(pid);
      }),
    );
    const alive = pids.filter((pid) => living.has(pid));
    if (alive.length === 0 || performance.now() > end) return alive;
  }
}

const isDead = (state = 'Z'): boolean => state.startsWith('Z');

/** Kills all that was started for this folder, until there is no more. Resolves with those that were still there. */
export async function endAllOf(folder: string, graceMs = 0): Promise<number[]> {
  const found = new Set<number>();
  const began = performance.now();
  for (;;) {
    const alive = await startedFor(folder);
    const elapsed = performance.now() - began;
    if (alive.length === 0 || elapsed > graceMs + GONE_WITHIN_MS) return [...found];
    if (elapsed >= graceMs)
      for (const pid of alive) {
        found.add(pid);
        killIfThere(pid);
      }
    await sleep(LOOK_EVERY_MS);
  }
}

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Resolves with what a program of the system prints; with nothing if it fails. */
function output(program: string, args: readonly string[]): Promise<string> {
  const options = { maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => execFile(program, args, options, (_error, stdout) => resolve(stdout)));
}
