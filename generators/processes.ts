/** Other programs that the generator starts: git, a package manager, a project's runner. The one owner of
 * execa, which is loaded when the first one is started. */

import type { Exit } from './command.ts';

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
  const { execa } = await import('execa');
  const output = options.show ? 2 : 'pipe';
  const result = await execa(command, argv, {
    cwd: options.cwd,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    stdout: output,
    stderr: output,
    reject: false,
    // What is printed is taken as it is, to the last line end.
    stripFinalNewline: { stdout: false },
    ...(options.environment && { env: options.environment, extendEnv: false }),
  });
  if (!result.failed) return { done: true, output: String(result.stdout ?? '') };
  const missing = result.code === 'ENOENT';
  return {
    done: false,
    reason: missing ? `${command} is not on this machine` : (result.shortMessage ?? 'it failed'),
    said: String(result.stderr ?? ''),
    output: String(result.stdout ?? ''),
    missing,
  };
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
  const { execa } = await import('execa');
  const result = await execa(command, argv, {
    cwd: options.cwd,
    env: options.environment,
    extendEnv: false,
    ...(options.input === undefined ? { stdin: 'ignore' } : { input: options.input }),
    reject: false,
    encoding: 'buffer',
    stripFinalNewline: false,
    maxBuffer: options.mostBytes,
    timeout: options.seconds * 1000,
    cancelSignal: options.signal,
  });
  if (!result.failed) return { done: true, output: Buffer.from(result.stdout) };
  const missing = result.code === 'ENOENT';
  return {
    done: false,
    reason: missing
      ? `${command} is not on this machine`
      : result.timedOut
        ? `${command} took longer than ${options.seconds} seconds`
        : `${command} failed`,
    said: Buffer.from(result.stderr ?? '').toString('utf8'),
    missing,
    isTooMuch: result.isMaxBuffer || result.isCanceled,
  };
}
