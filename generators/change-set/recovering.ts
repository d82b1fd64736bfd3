/** Before a command does anything, repairs what a command that was cut short left behind, and tells the person. */

import { isTracked } from '../programs/git.ts';
import { harmless } from '../terminal/harmless.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { saying } from '../terminal/waiting.ts';
import { recordInGit } from './errors.ts';
import { placesOf } from './record.ts';
import { isPending, recover } from './recovery.ts';

/**
 * Rejects with a Refusal if another command is at work, or if the record is unusable or did not come from this machine.
 */
export async function recoverFirst(root: string, terminal: Terminal): Promise<void> {
  if (isPending(root)) await refuseTracked(root, terminal);
  const command = recover(root);
  if (command === undefined) return;
  terminal.note(`A command was cut short here, and what it had written has been taken back:\n${harmless(command)}`);
}

/**
 * A record says which files to remove and what to put in their place. divvy keeps it out of git. So a record that is in
 * git came with the repository, and no command on this machine left it.
 *
 * Rejects with a Refusal with exit code 3 if git has it.
 */
export async function refuseTracked(root: string, { note }: Terminal): Promise<void> {
  const text = 'Still looking whether .divvy is in git: waiting for git.';
  if (await saying(note, text, () => isTracked(root, '.divvy'))) throw recordInGit(placesOf(root).home);
}
