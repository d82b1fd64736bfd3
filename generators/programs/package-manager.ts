/** Which package manager a project is worked with, and how its commands are written. */

import { resolveCommand } from 'package-manager-detector/commands';
import { detect, getUserAgent } from 'package-manager-detector/detect';

export const PACKAGE_MANAGERS = ['npm', 'pnpm', 'yarn', 'bun'] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

const isOurs = (name: unknown): name is PackageManager => (PACKAGE_MANAGERS as readonly unknown[]).includes(name);

/**
 * The one that was named; else that of the lock file, `packageManager` or `devEngines` in the folder or above it; else the one that
 * started this command; else npm.
 */
export async function packageManagerFor(folder: string, named: PackageManager | undefined): Promise<PackageManager> {
  if (named !== undefined) return named;
  const found =
    (await detect({ cwd: folder, strategies: ['lockfile', 'packageManager-field', 'devEngines-field'] }))?.name ??
    getUserAgent();
  return isOurs(found) ? found : 'npm';
}

/** The one that started this command; undefined where it was none that is known. */
export function userAgentManager(): PackageManager | undefined {
  const agent = getUserAgent();
  return isOurs(agent) ? agent : undefined;
}

/** The command that runs a program of a package that is installed: `npx`, `pnpm exec` … and its arguments. */
export function localProgram(manager: PackageManager, argv: readonly string[]): string[] {
  if (manager === 'yarn') return ['yarn', ...argv]; // Its two kinds have only this in common.
  const resolved = resolveCommand(manager, 'execute-local', [...argv]);
  return resolved === null ? ['npx', ...argv] : [resolved.command, ...resolved.args];
}

/** The command that runs a program of a package that need not be installed: `npx`, `pnpm dlx` … and its arguments. */
export function onceOff(manager: PackageManager, argv: readonly string[]): string[] {
  const resolved = resolveCommand(manager, 'execute', [...argv]);
  return resolved === null ? ['npx', ...argv] : [resolved.command, ...resolved.args];
}

/** The command that adds a package that is needed for development. */
export const addDevelopment = (manager: PackageManager, name: string): string[] =>
  manager === 'npm' ? ['npm', 'install', '--save-dev', name] : [manager, 'add', '--dev', name];
