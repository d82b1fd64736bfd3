/**
 * Starts other programs: git, a package manager, a project's runner. Only this file uses execa, and loads it with the
 * first program.
 */

import { once } from 'node:events';
import type { Exit } from '../terminal/command.ts';

/** How a tool ended: what it printed, or why it failed. */
export type ToolResult =
  | { readonly done: true; readonly output: string }
  | {
      readonly done: false;
      readonly reason: string;
      /** Its stderr, if that was collected. */
      readonly said: string;
      /** Its stdout, if that was collected. */
      readonly output: string;
      /** The tool is not installed on this machine. */
      readonly missing: boolean;
      /** Absent if it was killed or could not be run. */
      readonly exitCode?: number | undefined;
    };

/**
 * Runs a tool and waits for its end.
 *
 * show - whether to pass its output on to stderr at once, for people; otherwise its output is collected.
 */
export async function runTool(
  command: string,
  argv: readonly string[],
  options: {
    readonly cwd: string;
    readonly environment?: NodeJS.ProcessEnv;
    readonly show?: boolean;
    /** Its stdin; empty by default. */
    readonly input?: string;
  },
): Promise<ToolResult> {
  const { output, said, ...ended } = await toItsEnd(command, argv, options);
  if (ended.reason === undefined) return { done: true, output: output.toString('utf8') };
  const { reason, missing, exitCode } = ended;
  const printed = { said: said.toString('utf8').trimEnd(), output: output.toString('utf8') };
  return { done: false, reason, ...printed, missing, exitCode };
}

/**
 * Runs a task with a project's own runner, as if it replaced this process: same terminal, same signals, same end.
 *
 * The terminal sends Ctrl+C to the runner too, so this process only ignores INT and QUIT. It passes on TERM and HUP,
 * which may have been sent to this process alone.
 */
export async function runRunner(runner: string, argv: readonly string[], cwd: string): Promise<Exit> {
  const { execa } = await import('execa');
  const child = execa(process.execPath, [runner, ...argv], {
    cwd,
    stdio: 'inherit',
    reject: false,
    // The runner decides by itself how long a stop may take.
    forceKillAfterDelay: false,
  });
  const ignore = () => {};
  const handOn = (signal: NodeJS.Signals) => child.kill(signal);
  const ignored = ['SIGINT', 'SIGQUIT'] as const;
  const handedOn = ['SIGTERM', 'SIGHUP'] as const;
  for (const signal of ignored) process.on(signal, ignore);
  for (const signal of handedOn) process.on(signal, handOn);
  try {
    const { exitCode, signal } = await child;
    return (signal as NodeJS.Signals | undefined) ?? exitCode ?? 1;
  } finally {
    for (const signal of ignored) process.off(signal, ignore);
    for (const signal of handedOn) process.off(signal, handOn);
  }
}

/**
 * Runs a tool that prints a line now and then, maybe for hours, until it ends or the signal aborts: then its stdin ends, and
 * it has to leave. Not by execa, which keeps all that is printed.
 *
 * line - called with each line of its stdout.
 *
 * Resolves with what it said on stderr, its last 10,000 characters, and its exit code.
 */
export async function runLines(
  command: string,
  argv: readonly string[],
  { cwd, signal, line }: { readonly cwd: string; readonly signal: AbortSignal; readonly line: (text: string) => void },
): Promise<{ said: string; exitCode: number | undefined }> {
  const { spawn } = await import('node:child_process');
  const { createInterface } = await import('node:readline');
  const child = spawn(command, argv, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  child.stdin.on('error', () => {}); // it has left
  const leave = (): void => void child.stdin.end();
  if (signal.aborted) leave();
  signal.addEventListener('abort', leave);
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-10_000);
  });
  createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }).on('line', line);
  try {
    const [code] = await ended;
    return { said: said.trimEnd(), exitCode: typeof code === 'number' ? code : undefined };
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** How long a program has to say that it can't do what it was started for, in milliseconds. */
const FAILS_WITHIN_MS = 2000;

/**
 * Starts a program that goes on by itself, such as a browser. Resolves with why it failed, if it soon did; otherwise with
 * undefined.
 */
export async function startApart(command: string, argv: readonly string[]): Promise<string | undefined> {
  const { spawn } = await import('node:child_process');
  const child = spawn(command, argv, { stdio: 'ignore', detached: true });
  child.unref();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FAILS_WITHIN_MS, undefined);
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve(error.code === 'ENOENT' ? `${command} is not on this machine` : error.message);
    });
    child.on('exit', (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? undefined : `${command} ended with exit code ${code}`);
    });
  });
}

/** How a tool ended whose output may be anything, and of any length. */
export type BoundedResult =
  | { readonly done: true; readonly output: Buffer }
  | {
      readonly done: false;
      readonly reason: string;
      /** Its stderr. */
      readonly said: string;
      readonly missing: boolean;
      /** It printed more than it may. */
      readonly isTooMuch: boolean;
    };

/** Runs a tool whose output is bytes; kills it if it prints too much, takes too long, or the signal aborts. */
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
  /** Absent if it succeeded. */
  readonly reason?: string;
  readonly missing: boolean;
  readonly isTooMuch: boolean;
  readonly exitCode?: number | undefined;
}

async function toItsEnd(
  command: string,
  argv: readonly string[],
  options: {
    readonly cwd: string;
    readonly environment?: NodeJS.ProcessEnv;
    readonly show?: boolean;
    readonly input?: string;
    readonly mostBytes?: number;
    readonly seconds?: number;
    readonly signal?: AbortSignal;
  },
): Promise<Ended> {
  const { input, seconds } = options;
  const { execa } = await import('execa');
  const shown = options.show ? 2 : 'pipe';
  try {
    const child = execa(command, argv, {
      cwd: options.cwd,
      env: options.environment ?? process.env,
      extendEnv: false,
      stdio: [input === undefined ? 'ignore' : 'pipe', shown, shown],
      encoding: 'buffer',
      stripFinalNewline: false,
      reject: false,
      ...(options.mostBytes !== undefined && { maxBuffer: options.mostBytes }),
      ...(seconds !== undefined && { timeout: seconds * 1000 }),
      ...(options.signal && { cancelSignal: options.signal }),
    });
    const { nodeChildProcess } = child;
    nodeChildProcess.once('exit', () => {
      if (!nodeChildProcess.killed) return;
      // Child processes of the tool may keep these open; after a kill we do not wait for them.
      nodeChildProcess.stdout?.destroy();
      nodeChildProcess.stderr?.destroy();
    });
    child.stdin?.end(input);
    const result = await child;
    const { exitCode, signal, timedOut } = result;
    const ended = {
      output: Buffer.from(result.stdout ?? []),
      said: Buffer.from(result.stderr ?? []),
      missing: result.code === 'ENOENT',
      isTooMuch: result.isMaxBuffer || result.isCanceled,
    };
    if (!result.failed) return ended;
    if (timedOut) return { ...ended, reason: `${command} took longer than ${seconds} seconds` };
    if (ended.isTooMuch) return { ...ended, reason: `${command} was stopped` };
    if (ended.missing) return { ...ended, reason: `${command} is not on this machine` };
    if (exitCode === undefined && signal === undefined) throw result.cause;
    return { ...ended, exitCode, reason: `${command} ended with ${signal ?? `exit code ${exitCode}`}` };
  } catch (error) {
    const nothing = Buffer.alloc(0);
    const reason = `${command} could not be run: ${(error as Error).message}`;
    return { output: nothing, said: nothing, reason, missing: false, isTooMuch: false };
  }
}
