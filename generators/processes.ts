/** Other programs that the generator starts: git, a package manager, a project's runner. The one owner of
 * cross-spawn, which finds programs on Windows as a shell does; it is loaded when the first one is started. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { Exit } from './command.ts';

/** Between asking a tool to end and SIGKILL. */
const KILL_AFTER_MS = 5000;
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** How a tool ended: what it printed, or why it failed. */
export type ToolResult =
  | { readonly done: true; readonly output: string }
  | {
      readonly done: false;
      readonly reason: string;
      /** What it had to say of it on stderr, where that was collected. */
      readonly said: string;
      /** The same of stdout. */
      readonly output: string;
      /** It is not on this machine. */
      readonly missing: boolean;
    };

/**
 * Runs a tool to its end.
 *
 * show - whether its output goes to stderr as it comes, for people; else it is collected.
 */
export async function runTool(
  command: string,
  argv: readonly string[],
  options: {
    readonly cwd: string;
    readonly environment?: NodeJS.ProcessEnv;
    readonly show?: boolean;
    /** What it reads on stdin; nothing without it. */
    readonly input?: string;
  },
): Promise<ToolResult> {
  const { output, said, ...ended } = await toItsEnd(command, argv, options);
  if (ended.reason === undefined) return { done: true, output: output.toString('utf8') };
  const { reason, missing } = ended;
  return { done: false, reason, said: said.toString('utf8').trimEnd(), output: output.toString('utf8'), missing };
}

/**
 * Runs a task by a project's own runner, in the place of this process: the same terminal, signals and end.
 *
 * Ctrl+C reaches the runner by the terminal already, so INT and QUIT are only ignored here. TERM and HUP, which may be
 * for this process alone, are handed on.
 */
export async function runRunner(runner: string, argv: readonly string[], cwd: string): Promise<Exit> {
  const child = spawn(process.execPath, [runner, ...argv], { cwd, stdio: 'inherit' });
  const ignore = () => {};
  const handOn = (signal: NodeJS.Signals) => child.kill(signal);
  const ignored = ['SIGINT', 'SIGQUIT'] as const;
  const handedOn = ['SIGTERM', 'SIGHUP'] as const;
  for (const signal of ignored) process.on(signal, ignore);
  for (const signal of handedOn) process.on(signal, handOn);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number, null] | [null, NodeJS.Signals];
    return signal ?? code;
  } finally {
    for (const signal of ignored) process.off(signal, ignore);
    for (const signal of handedOn) process.off(signal, handOn);
  }
}

/** How a tool ended whose output may be anything, and too much. */
export type BoundedResult =
  | { readonly done: true; readonly output: Buffer }
  | {
      readonly done: false;
      readonly reason: string;
      /** What it had to say of it on stderr. */
      readonly said: string;
      readonly missing: boolean;
      /** It printed more than it may. */
      readonly isTooMuch: boolean;
    };

/** Runs a tool whose output is bytes; it is killed once it prints too much, takes too long, or the signal says so. */
export async function runBounded(
  command: string,
  argv: readonly string[],
  options: {
    readonly cwd: string;
    readonly environment: NodeJS.ProcessEnv;
    readonly input?: string;
    readonly mostBytes: number;
    readonly seconds: number;
    readonly signal: AbortSignal;
  },
): Promise<BoundedResult> {
  const { output, said, ...ended } = await toItsEnd(command, argv, options);
  if (ended.reason === undefined) return { done: true, output };
  const { reason, missing, isTooMuch } = ended;
  return { done: false, reason, said: said.toString('utf8'), missing, isTooMuch };
}

interface Ended {
  readonly output: Buffer;
  readonly said: Buffer;
  /** Absent where it succeeded. */
  readonly reason?: string;
  readonly missing: boolean;
  readonly isTooMuch: boolean;
}

interface Limits {
  readonly mostBytes?: number;
  readonly seconds?: number;
  readonly signal?: AbortSignal;
}

async function toItsEnd(
  command: string,
  argv: readonly string[],
  options: Limits & {
    readonly cwd: string;
    readonly environment?: NodeJS.ProcessEnv;
    readonly show?: boolean;
    readonly input?: string;
  },
): Promise<Ended> {
  const { cwd, environment = process.env, input, show } = options;
  const shown = show ? 2 : 'pipe';
  const { default: spawnAnywhere } = await import('cross-spawn');
  try {
    const child = spawnAnywhere(command, argv, {
      cwd,
      env: environment,
      stdio: [input === undefined ? 'ignore' : 'pipe', shown, shown],
      windowsHide: true,
    });
    // It may end without having read all of it.
    child.stdin?.on('error', () => {}).end(input);
    return await endOf(child, command, options);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const reason = missing ? 'is not on this machine' : `could not be run: ${(error as Error).message}`;
    const nothing = Buffer.alloc(0);
    return { output: nothing, said: nothing, reason: `${command} ${reason}`, missing, isTooMuch: false };
  }
}

/** A signal that ends this process ends the tool as well. */
async function endOf(child: ChildProcess, command: string, { mostBytes, seconds, signal }: Limits): Promise<Ended> {
  let stopped: 'it was too much' | 'it took too long' | undefined;
  let killing: NodeJS.Timeout | undefined;
  const stop = (why: typeof stopped): void => {
    if (stopped !== undefined) return;
    stopped = why;
    child.kill();
    killing = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS);
    // Whatever it has started itself may hold these, and is not waited for.
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  const timer = seconds === undefined ? undefined : setTimeout(() => stop('it took too long'), seconds * 1000);
  const tooMuch = () => stop('it was too much');
  signal?.addEventListener('abort', tooMuch);
  if (signal?.aborted) tooMuch();
  const end = (name: NodeJS.Signals) => {
    child.kill();
    letGo();
    // Whoever else listens decides what becomes of this process.
    if (process.listenerCount(name) === 0) process.kill(process.pid, name);
  };
  const letGo = () => {
    for (const name of ENDING) process.off(name, end);
  };
  for (const name of ENDING) process.on(name, end);

  const output: Buffer[] = [];
  const said: Buffer[] = [];
  let bytes = 0;
  const collect = (stream: Readable | null, chunks: Buffer[]) =>
    stream?.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (mostBytes !== undefined && bytes > mostBytes) tooMuch();
    });
  collect(child.stdout, output);
  collect(child.stderr, said);
  try {
    const [code, endedBy] = (await once(child, 'close')) as [number, null] | [null, NodeJS.Signals];
    const isTooMuch = stopped === 'it was too much';
    const all = { output: Buffer.concat(output), said: Buffer.concat(said), missing: false, isTooMuch };
    if (stopped === 'it took too long') return { ...all, reason: `${command} took longer than ${seconds} seconds` };
    if (isTooMuch) return { ...all, reason: `${command} was stopped` };
    return code === 0 ? all : { ...all, reason: `${command} ended with ${endedBy ?? `exit code ${code}`}` };
  } finally {
    letGo();
    clearTimeout(timer);
    clearTimeout(killing);
    signal?.removeEventListener('abort', tooMuch);
  }
}
