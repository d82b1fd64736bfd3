/** The types that bin/ and the commands share. */

import type { FlagValues } from './flags.ts';
import type { Terminal } from './terminal.ts';

export interface Call {
  /** As it was typed, such as `create-divvy-task` or `divvy create`. */
  readonly shown: string;
  readonly values: FlagValues;
  /** The arguments that are not flags. */
  readonly words: readonly string[];
  /** Everything typed after the command's word. */
  readonly argv: readonly string[];
  /** Absolute: the current folder, or that of `--cwd`. */
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
}

/** An exit code, or the signal that this process ends itself with. */
export type Exit = number | NodeJS.Signals;

export type Command = (call: Call) => Promise<Exit>;
