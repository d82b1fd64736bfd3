/** What bin/ and a command of the generator say to each other. */

import type { FlagValues } from './flags.ts';
import type { Terminal } from './terminal.ts';

/** A command as it was called. */
export interface Call {
  /** As it was typed, such as `create-divvy-task` or `divvy create`. */
  readonly shown: string;
  readonly values: FlagValues;
  /** What is not a flag. */
  readonly words: readonly string[];
  /** The command line behind the command's word, as it was typed. */
  readonly argv: readonly string[];
  /** Absolute: the current folder, or that of `--cwd`. */
  readonly cwd: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly terminal: Terminal;
}

/** An exit code, or the signal to end by. */
export type Exit = number | NodeJS.Signals;

export type Command = (call: Call) => Promise<Exit>;
