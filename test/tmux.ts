// A terminal that a person sits at, by tmux: what is on the screen is read, keys are sent.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { onTestFinished, vi } from 'vitest';

export interface Session {
  /** Waits until the screen shows a text; fails with the whole screen where it does not. Returns the screen. */
  shows(text: string | RegExp): Promise<string>;
  /** Sends keys by tmux's names: `Enter`, `Down`, `C-c`. */
  keys(...names: string[]): void;
  /** Types a text. */
  types(text: string): void;
  /** Makes the window so wide. */
  resize(columns: number): void;
}

/** Runs a command in a terminal of its own, in a window of 100 columns. It is ended with the test. */
export function openTerminal(command: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Session {
  const socket = `divvy-${randomUUID()}`;
  const tmux = (...given: string[]): string => {
    try {
      return execFileSync('tmux', ['-L', socket, '-f', '/dev/null', ...given], { encoding: 'utf8', env });
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
    resize: (columns) => {
      tmux('resize-window', '-x', String(columns));
    },
  };
}
