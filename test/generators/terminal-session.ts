// A terminal that a person sits at, by tmux: what is on the screen is read, keys are sent.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { onTestFinished, vi } from 'vitest';
import { cleanEnvironment, commandFile } from './commands.ts';

export interface Session {
  /** Waits until the screen shows a text; fails with the whole screen where it does not. */
  shows(text: string | RegExp): Promise<string>;
  /** Sends keys by tmux's names: `Enter`, `Down`, `C-c`. */
  keys(...names: string[]): void;
  /** Types a text. */
  types(text: string): void;
}

/** Runs create-divvy-task in a terminal of its own; when it has ended, the screen shows `exit <code>`. */
export const session = (argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Session =>
  open(
    ['sh', '-c', `${THEN_EXIT}; read -r _`, 'sh', process.execPath, commandFile('create-divvy-task'), ...argv],
    cwd,
    env,
  );

const THEN_EXIT = '"$@"; echo "exit $?"';

/** The same, typed into a shell that a person works in, as the child of a program that waits for it, as npm does. */
export function shellSession(argv: readonly string[], cwd: string): Session {
  const shell = open(['sh', '-i'], cwd, {
    PS1: '$ ',
    COMMAND: commandFile('create-divvy-task'),
    NODE: process.execPath,
  });
  shell.types(`sh -c '${THEN_EXIT}' sh "$NODE" "$COMMAND" ${argv.join(' ')}`);
  shell.keys('Enter');
  return shell;
}

function open(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Session {
  const socket = `divvy-${randomUUID()}`;
  const tmux = (...given: string[]): string => {
    try {
      return execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...given], {
        encoding: 'utf8',
        env: cleanEnvironment({ TERM: 'xterm-256color', ...env }),
      });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new Error("tmux is not on this machine: its test must begin with needs('tmux')");
    }
  };
  tmux('new-session', '-d', '-x', '100', '-y', '50', '-c', cwd, ...command);
  onTestFinished(() => {
    tmux('kill-server');
  });
  return {
    shows: (text) =>
      vi.waitFor(
        () => {
          const screen = tmux('capture-pane', '-p');
          const isThere = typeof text === 'string' ? screen.includes(text) : text.test(screen);
          if (!isThere) throw new Error(`the screen does not show ${text}:\n${screen}`);
          return screen;
        },
        { timeout: 60_000, interval: 50 },
      ),
    keys: (...names) => {
      tmux('send-keys', ...names);
    },
    types: (text) => {
      tmux('send-keys', '-l', text);
    },
  };
}
