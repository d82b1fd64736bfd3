/** Which package manager a repository uses, according to its own files. */

import { join } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { stat } from '../disk/disk.ts';
import { PACKAGE_MANAGERS, type PackageManager, userAgentManager } from '../programs/package-manager.ts';
import type { Call } from '../terminal/command.ts';
import { isInteractive } from '../terminal/terminal.ts';
import { twoLockFiles } from './errors.ts';
import type { Place } from './place.ts';

const LOCK_FILES: Readonly<Record<string, PackageManager>> = {
  'package-lock.json': 'npm',
  'npm-shrinkwrap.json': 'npm',
  'pnpm-lock.yaml': 'pnpm',
  'yarn.lock': 'yarn',
  'bun.lock': 'bun',
  'bun.lockb': 'bun',
};

/**
 * Chooses the package manager: the one that --pm names; otherwise that of the nearest `packageManager`, `devEngines` or
 * lock file, from the package upwards; otherwise the one that started this command; otherwise npm.
 *
 * Rejects with a Refusal with exit code 2 if there are lock files of several package managers, and nothing and nobody
 * decides.
 */
export async function settleManager(call: Call, { levels }: Place, ask: Workshop['ask']): Promise<PackageManager> {
  if (call.values.pm !== undefined) return call.values.pm;
  for (const { folder, packageJson } of levels) {
    const named = PACKAGE_MANAGERS.find((name) => name === packageJson?.packageManager);
    if (named !== undefined) return named;
    const files = Object.keys(LOCK_FILES).filter((name) => stat(join(folder, name))?.isFile());
    const managers = [...new Set(files.flatMap((name) => LOCK_FILES[name] ?? []))];
    const [only, ...more] = managers;
    if (only !== undefined && more.length === 0) return only;
    if (only === undefined) continue;
    if (!isInteractive(call)) throw twoLockFiles(files, managers);
    const choices = managers.map((value) => ({ value, hint: '' }));
    return (await ask({
      type: 'select',
      message: `There are ${files.join(' and ')}. Which package manager is in use?`,
      choices,
    })) as PackageManager;
  }
  return userAgentManager() ?? 'npm';
}
