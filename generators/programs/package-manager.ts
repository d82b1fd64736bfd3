/** Which package manager a project uses, and how to write its commands. */

import { resolveCommand } from 'package-manager-detector/commands';
import { detect, getUserAgent } from 'package-manager-detector/detect';

export const PACKAGE_MANAGERS = ['npm', 'pnpm', 'yarn', 'bun'] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

const isOurs = (name: unknown): name is PackageManager => (PACKAGE_MANAGERS as readonly unknown[]).includes(name);

/**
 * The package manager for a folder: the named one; otherwise that of the lock file, `packageManager` or `devEngines` in
 * the folder or above it; otherwise the one that started this command; otherwise npm.
 */
export async function packageManagerFor(folder: string, named: PackageManager | undefined): Promise<PackageManager> {
  if (named !== undefined) return named;
  const found =
    (await detect({ cwd: folder, strategies: ['lockfile', 'packageManager-field', 'devEngines-field'] }))?.name ??
    getUserAgent();
  return isOurs(found) ? found : 'npm';
}

/** The package manager that started this command; undefined if none did, or an unknown one. */
export function userAgentManager(): PackageManager | undefined {
  const agent = getUserAgent();
  return isOurs(agent) ? agent : undefined;
}

/** The command that runs a program of an installed package: `npx`, `pnpm exec` … and its arguments. */
export function localProgram(manager: PackageManager, argv: readonly string[]): string[] {
  if (manager === 'yarn') return ['yarn', ...argv]; // Works in both Yarn 1 and newer Yarn.
  const resolved = resolveCommand(manager, 'execute-local', [...argv]);
  return resolved === null ? ['npx', ...argv] : [resolved.command, ...resolved.args];
}

/** The command that runs a program of a package that may not be installed: `npx`, `pnpm dlx` … and its arguments. */
export function onceOff(manager: PackageManager, argv: readonly string[]): string[] {
  const resolved = resolveCommand(manager, 'execute', [...argv]);
  return resolved === null ? ['npx', ...argv] : [resolved.command, ...resolved.args];
}

/** The command that adds a package as a development dependency. */
export const addDevelopment = (manager: PackageManager, name: string): string[] =>
  manager === 'npm' ? ['npm', 'install', '--save-dev', name] : [manager, 'add', '--dev', name];
