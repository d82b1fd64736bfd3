/** What follows the write, beside git: packages, and the commands of a template. What was written stays if it fails. */

import type { PackageManager } from '../programs/package-manager.ts';
import { runTool } from '../programs/processes.ts';
import { commandLine, inFolder } from '../programs/shell.ts';
import type { Template } from '../sources/templates.ts';
import type { Call } from '../terminal/command.ts';
import { saying } from '../terminal/waiting.ts';

/** What follows a write and failed: why, and how to do it by hand. */
export interface Failed {
  readonly what: string;
  readonly reason: string;
  readonly commandLine: string;
}

export interface Installed {
  readonly install: 'done' | 'off' | 'failed';
  /** The first thing that failed: the install, or a command of the template. */
  readonly failed?: Failed;
}

export const NOTHING_INSTALLED: Installed = { install: 'off' };

/**
 * Runs the package manager's own install where a template needs packages, or as --install and --no-install say; and then
 * the commands of the template, which is trusted by now.
 *
 * root  - the package's folder, absolute.
 * shown - the same as a person would go there.
 */
export async function install(
  { values, terminal }: Call,
  manager: PackageManager,
  template: Template,
  { root, shown }: { readonly root: string; readonly shown: string },
): Promise<Installed> {
  const run = async (argv: readonly string[]): Promise<Failed | undefined> => {
    const [command = '', ...rest] = argv;
    const text = `Still waiting for ${commandLine(argv)}.`;
    const result = await saying(terminal.note, text, () => runTool(command, rest, { cwd: root, show: true }));
    return result.done
      ? undefined
      : { what: commandLine(argv), reason: result.reason, commandLine: inFolder(shown, argv) };
  };
  const { dependencies = {}, permissions = {} } = template.manifest;
  const isWanted = values.install ?? Object.keys(dependencies).length > 0;
  const failed = isWanted ? await run([manager, 'install']) : undefined;
  if (failed) return { install: 'failed', failed };
  const installed = { install: isWanted ? 'done' : 'off' } as const;
  for (const argv of permissions.run ?? []) {
    const failed = await run(argv);
    if (failed) return { ...installed, failed };
  }
  return installed;
}
