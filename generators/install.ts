/** Installing packages after the write, where there is something to install. What was written stays if it fails. */

import type { Call } from './command.ts';
import type { PackageManager } from './package-manager.ts';
import { runTool } from './processes.ts';
import { inFolder } from './shell.ts';

/** What follows a write and failed: why, and how to do it by hand. */
export interface Failed {
  readonly what: string;
  readonly reason: string;
  readonly commandLine: string;
}

export type Installed = { readonly install: 'done' | 'off' } | { readonly install: 'failed'; readonly failed: Failed };

export const NOTHING_INSTALLED: Installed = { install: 'off' };

/**
 * Runs the package manager's own install.
 *
 * root     - the package's folder, absolute; `shown` as a person would go there.
 * isNeeded - whether it is run unless --install or --no-install says something else.
 */
export async function install(
  { values }: Call,
  manager: PackageManager,
  { root, shown, isNeeded }: { readonly root: string; readonly shown: string; readonly isNeeded: boolean },
): Promise<Installed> {
  if (!(values.install ?? isNeeded)) return { install: 'off' };
  const result = await runTool(manager, ['install'], { cwd: root, show: true });
  if (result.done) return { install: 'done' };
  const argv = [manager, 'install'];
  return {
    install: 'failed',
    failed: { what: argv.join(' '), reason: result.reason, commandLine: inFolder(shown, argv) },
  };
}
