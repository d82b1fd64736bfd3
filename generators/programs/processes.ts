/** Other programs that the generator starts: git, a package manager, a project's runner. The one owner of
 * execa, which is loaded when the first one is started. */

import type { Exit } from '../terminal/command.ts';

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
  const { execa } = await import('execa');
  const child = execa(process.execPath, [runner, ...argv], {
    cwd,
    stdio: 'inherit',
    reject: false,
    // The runner has its own rules for how long a stop may take.
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
      // Whatever it has started itself may hold these, and is not waited for once it was stopped.
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
    return { ...ended, reason: `${command} ended with ${signal ?? `exit code ${exitCode}`}` };
  } catch (error) {
    const nothing = Buffer.alloc(0);
    const reason = `${command} could not be run: ${(error as Error).message}`;
    return { output: nothing, said: nothing, reason, missing: false, isTooMuch: false };
  }
}
