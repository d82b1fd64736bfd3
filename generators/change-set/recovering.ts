/** What a command that was cut short has left is put right before another command does anything, and the person is told. */

import { isTracked } from '../programs/git.ts';
import { harmless } from '../terminal/harmless.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { saying } from '../terminal/waiting.ts';
import { recordInGit } from './errors.ts';
import { placesOf } from './record.ts';
import { isPending, recover } from './recovery.ts';

/** Rejects with a Refusal where another command is at work, or the record is of no use or not of this machine. */
export async function recoverFirst(root: string, terminal: Terminal): Promise<void> {
  if (isPending(root)) await refuseTracked(root, terminal);
  const command = recover(root);
  if (command === undefined) return;
  terminal.note(`A command was cut short here, and what it had written has been taken back:\n${harmless(command)}`);
}

/**
 * A record says which files are removed, and what is put in their place. divvy keeps it out of git; one that git has came
 * with the repository, and no command of this machine has left it.
 *
 * Rejects with a Refusal with exit code 3 where it did.
 */
export async function refuseTracked(root: string, { note }: Terminal): Promise<void> {
  const text = 'Still looking whether .divvy is in git: waiting for git.';
  if (await saying(note, text, () => isTracked(root, '.divvy'))) throw recordInGit(placesOf(root).home);
}
