/**
 * After the write and git: installs packages, and runs the commands of a template. If this fails, the written files
 * stay.
 */

import type { PackageManager } from '../programs/package-manager.ts';
import { runTool } from '../programs/processes.ts';
import { commandLine, inFolder } from '../programs/shell.ts';
import type { TemplateManifest } from '../sources/templates.ts';
import type { Call } from '../terminal/command.ts';
import { saying } from '../terminal/waiting.ts';

/** A step after the write that failed: why, and how to do it by hand. */
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
 * Runs the package manager's own install if there are packages to install; --install and --no-install override that. Then
 * runs the template's commands; by now the template is trusted.
 *
 * needed - what a template declares, or what else the command has put into package.json.
 * root - the package's folder, absolute.
 * shown - the same folder, as a person would type it after `cd`.
 */
export async function install(
  { values, terminal }: Call,
  manager: PackageManager,
  needed: Pick<TemplateManifest, 'dependencies' | 'permissions'>,
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
  const { dependencies = {}, permissions = {} } = needed;
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
