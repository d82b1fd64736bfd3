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
  options: { readonly cwd: string; readonly environment?: NodeJS.ProcessEnv; readonly show?: boolean },
): Promise<ToolResult> {
  const { execa } = await import('execa');
  const output = options.show ? 2 : 'pipe';
  const result = await execa(command, argv, {
    cwd: options.cwd,
    stdin: 'ignore',
    stdout: output,
    stderr: output,
    reject: false,
    ...(options.environment && { env: options.environment, extendEnv: false }),
  });
  if (!result.failed) return { done: true, output: String(result.stdout ?? '') };
  const missing = result.code === 'ENOENT';
  return {
    done: false,
    reason: missing ? `${command} is not on this machine` : (result.shortMessage ?? 'it failed'),
    said: String(result.stderr ?? ''),
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
