/**
 * Runs a task of test/runtime/tasks for real, by the runner and on the Node.js that runs the tests, in a process group of its
 * own. Each worker leads another: all that a run has started is known by a mark in its environment, and is noticed where it is left
 * behind, and ended with the test.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFailed, onTestFinished } from 'vitest';

/** What Node.js is told besides: stripped.ts. Nothing in the tests of generated projects. */
const NODE_OPTIONS: string = (inject('nodeOptions') as string | undefined) ?? '';

export const RUNNER: string = join(import.meta.dirname, '../../runtime/run.mjs');

/** The path of a task of test/runtime/tasks. */
export const taskFile = (name: string): string => join(import.meta.dirname, 'tasks', `${name}.ts`);

/**
 * The path of the same task in a project of its own: for a run whose locks other runs can't look into, as that of PID 1 in a
 * namespace. These would be refused meanwhile.
 */
export function taskApart(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-apart-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'divvy.json'), '{}');
  symlinkSync(taskFile(name), join(folder, `${name}.ts`));
  return join(folder, `${name}.ts`);
}

/** All that the runner says of a run in which every item is done: its summary. */
export const ALL_WELL: RegExp = /^divvy: [\d,]+ items?(: [\d,]+ done)?\. Took [\d.]+ (ms|s|min)\.\n$/;

/** How the runner ended, and all that was written. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** The runner's options, and after `--` the task's arguments. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Node.js's own options. */
  readonly nodeArgs?: readonly string[];
  /** What is written to stdin, which is then closed; without it there is nothing to read. */
  readonly stdin?: string;
  /** Another command in place of the runner; it is given the runner's command line as its arguments. */
  readonly by?: readonly string[];
  /** Stdout is read like by somebody with a pager: after each piece nothing for some time. */
  readonly readsSlowly?: boolean;
  /** Nobody reads stdout before `read` is called. */
  readonly readsLater?: boolean;
  /** Whether it has a terminal, on stdin, stdout and stderr alike; what it writes then all comes as stdout. */
  readonly onTerminal?: boolean;
}

/** Starts the runner on a task of test/runtime/tasks, or on one of this path. */
export function runTask(name: string, options: RunOptions = {}): TaskRun {
  const { by = [], nodeArgs = [], args = [] } = options;
  const at = args.includes('--') ? args.indexOf('--') : args.length;
  // Other tests run the same task at the same time.
  const runner = [process.execPath, ...nodeArgs, RUNNER, '--concurrent-run'];
  const file = name.includes('/') ? name : taskFile(name);
  const command = [...by, ...runner, ...args.slice(0, at), file, ...args.slice(at)];
  return new TaskRun(options.onTerminal ? onTerminal(command) : command, options);
}

/** Starts a program of test/runtime/programs: one that uses the runtime as a library. */
export function runProgram(name: string, options: RunOptions = {}): TaskRun {
  const { nodeArgs = [], args = [] } = options;
  const file = join(import.meta.dirname, 'programs', `${name}.ts`);
  return new TaskRun([process.execPath, ...nodeArgs, file, ...args], options);
}

/**
 * The command that gives another a terminal, by a program that each system has.
 *
 * shown - a file for what the terminal shows.
 */
export function onTerminal(command: readonly string[], shown = '/dev/null'): string[] {
  if (process.platform === 'darwin') return ['script', '-q', shown, ...command];
  return ['script', '-qec', command.map((word) => `'${word}'`).join(' '), shown];
}

/** A runner that runs. */
export class TaskRun {
  readonly pid: number;
  /** Where the runner makes its socket's folder; empty after a run that ended by itself. */
  readonly socketParent: string = mkdtempSync(join(tmpdir(), 'divvy-run-'));
  /** Stdout is read from now on; or never again, as by a `head` that has ended. */
  readonly read: () => void;
  readonly closeStdout: () => void;
  /** Resolves when it has exited, whether or not its output has been read. */
  readonly exited: Promise<void>;
  /** Resolves when it has exited and all of its output has been read. */
  readonly closed: Promise<Ended>;
  #stdout: Buffer[] = [];
  #stderr: Buffer[] = [];
  #heard: (() => void)[] = [];
  #over = false;

  constructor(
    [program = '', ...args]: readonly string[],
    { env = {}, stdin = '', readsSlowly, readsLater }: RunOptions,
  ) {
    const child = spawn(program, args, {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NODE_OPTIONS,
        XDG_RUNTIME_DIR: this.socketParent,
        [MARK]: this.socketParent,
        ...env,
      },
    });
    if (child.pid === undefined) throw new Error(`${program} could not be started`);
    this.pid = child.pid;
    onTestFailed(({ task }) => {
      // In the error itself, so that it is in a report and at the end of a log, too.
      const said = `\n${program} ${args.join(' ')} had said:\n${this.stdout.slice(-END)}\n${this.stderr.slice(-END)}`;
      for (const error of task.result?.errors?.slice(0, 1) ?? [])
        error.stack = `${error.stack ?? error.message}${said}`;
    });
    onTestFinished(() => {
      for (const pid of this.alive()) killIfThere(pid);
      rmSync(this.socketParent, { recursive: true, force: true });
    });
    child.stdin.on('error', () => {}); // nobody need read it
    child.stdin.end(stdin);
    const keep = (list: Buffer[]) => (chunk: Buffer) => {
      list.push(chunk);
      for (const tell of this.#heard.splice(0)) tell();
    };
    child.stdout.on('data', keep(this.#stdout));
    child.stderr.on('data', keep(this.#stderr));
    if (readsLater) child.stdout.pause();
    this.read = () => void child.stdout.resume();
    this.closeStdout = () => void child.stdout.destroy();
    if (readsSlowly) {
      child.stdout.on('data', () => {
        child.stdout.pause();
        setTimeout(() => child.stdout.resume(), SLOW_MS);
      });
    }
    this.exited = new Promise((resolve) => child.on('exit', () => resolve()));
    this.closed = new Promise((resolve) => {
      child.on('close', (status, signal) => {
        this.#over = true;
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr });
        for (const tell of this.#heard.splice(0)) tell();
      });
    });
  }

  get stdoutBytes(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  get stdout(): string {
    return this.stdoutBytes.toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** Resolves once it has written this, on either stream, at least this often. */
  async said(pattern: RegExp, times = 1): Promise<RegExpExecArray> {
    const each = new RegExp(pattern, `${pattern.flags.replace('g', '')}g`);
    for (;;) {
      const found = [this.stdout, this.stderr].map((text) => [...text.matchAll(each)][times - 1]).find(Boolean);
      if (found) return found;
      const often = times === 1 ? '' : ` ${times} times`;
      if (this.#over)
        throw new Error(`it ended without having said ${pattern}${often}:\n${this.stdout}\n${this.stderr}`);
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  /** Resolves with how it ended. Throws where a process, or the socket's folder, is left behind. */
  async ended(): Promise<Ended> {
    const ended = await this.closed;
    const left = this.alive();
    if (left.length > 0) throw new Error(`processes are left behind: ${left.join(', ')}\n${ended.stderr}`);
    const files = readdirSync(this.socketParent);
    if (files.length > 0) throw new Error(`left behind: ${files.join(', ')}`);
    return ended;
  }

  /** The processes that it has started, and itself, as far as they live. */
  alive(): number[] {
    const marked = markedBy(`${MARK}=${this.socketParent}`);
    return processTable()
      .filter(({ pid, group, state }) => !state.startsWith('Z') && (group === this.pid || marked.has(pid)))
      .map(({ pid }) => pid);
  }

  /** Resolves when none of them is there any more; throws once they have been there for too long. */
  async gone(withinMs = 2000): Promise<void> {
    // Nobody is told of the end of a process that is not its own: it has to be looked at again and again.
    for (const end = performance.now() + withinMs; this.alive().length > 0; ) {
      if (performance.now() > end) throw new Error(`${this.alive().join(', ')} are still there after ${withinMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Sends a signal to the runner alone. */
  kill(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Sends a signal to the runner's process group, as a terminal does. */
  killGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // all of them have ended
    }
  }
}

const UNSHARE = ['unshare', '--pid', '--fork', '--mount-proc'];
/** The command before the runner that makes it PID 1 of a PID namespace, as in a container. Linux only. */
export const AS_PID_1: readonly string[] = process.getuid?.() === 0 ? UNSHARE : ['sudo', '-n', '-E', ...UNSHARE];

/** The runner of a run as PID 1, as seen from here: below `unshare`, which may stand below `sudo`. */
export function innermost(pid: number): number {
  const comm = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  if (comm !== 'sudo' && comm !== 'unshare') return pid;
  if (!child) throw new Error(`${comm} (${pid}) has started nothing`);
  return innermost(Number(child));
}

/** How many characters of each stream stand in the error of a test that failed. */
const END = 2000;
/** How long a slow reader reads nothing, in milliseconds. */
const SLOW_MS = 20;

/** In the environment of all that a run starts. */
const MARK = 'DIVVY_TEST_RUN';

/** The processes that have this in the environment that they were started with. */
function markedBy(mark: string): Set<number> {
  if (process.platform !== 'linux') {
    const table = execFileSync('ps', ['-A', '-E', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n');
    return new Set(table.filter((line) => line.includes(mark)).map((line) => Number.parseInt(line, 10)));
  }
  const isMarked = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(mark);
    } catch {
      return false; // it has just ended
    }
  };
  return new Set(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && isMarked(name))
      .map(Number),
  );
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Every process: its group, and its state as ps has it. One that only waits to be reaped is a Z. */
function processTable(): { pid: number; group: number; state: string }[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,pgid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  return table.map((line) => {
    const [pid, group, state = ''] = line.trim().split(/\s+/);
    return { pid: Number(pid), group: Number(group), state };
  });
}

/** Whether there is a process of this id. One that only waits to be reaped is none. */
export function isAlive(pid: number): boolean {
  return processTable().some((each) => each.pid === pid && !each.state.startsWith('Z'));
}

/** Suspends a process. Resolves when it is: until then its threads may go on for a moment. */
export async function suspend(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  const isStopped = (): boolean => processTable().some((each) => each.pid === pid && each.state.startsWith('T'));
  while (!isStopped()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** Resolves when there is no such process any more; throws once it has been there for too long. */
export async function gone(pid: number, withinMs = 2000): Promise<void> {
  // Nobody is told of the end of a process that is not its own: it has to be looked at again and again.
  for (const end = performance.now() + withinMs; isAlive(pid); ) {
    if (performance.now() > end) throw new Error(`${pid} is still there after ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A gate that items wait at until the test opens it, so that neither has to guess how long the other takes. */
export interface Gate {
  /** For the run's environment; a task waits with `waitAtGate`. */
  readonly env: { readonly GATE: string };
  /** Resolves with the names of all who have arrived, once there are so many. */
  arrived(count: number): Promise<string[]>;
  /** Lets everybody pass, from now on. */
  open(): void;
}

export async function makeGate(): Promise<Gate> {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-gate-'));
  const path = join(folder, 'gate');
  const names: string[] = [];
  const waiting = new Set<net.Socket>();
  let isOpen = false;
  let heard: (() => void)[] = [];
  const server = net.createServer((socket) => {
    waiting.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => waiting.delete(socket));
    socket.once('data', (name) => {
      names.push(String(name));
      for (const tell of heard.splice(0)) tell();
      if (isOpen) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => {
    for (const socket of waiting) socket.destroy();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    env: { GATE: path },
    async arrived(count) {
      while (names.length < count) await new Promise<void>((resolve) => (heard = [...heard, resolve]));
      return [...names];
    },
    open() {
      isOpen = true;
      for (const socket of waiting) socket.end();
    },
  };
}
