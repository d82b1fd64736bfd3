/** A folder and those above it, up to the repository's: divvy looks for settings in these. */

import { dirname, join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { type Level, type PackageJson, readPackageJson } from './package-json.ts';

export const PNPM_WORKSPACE = 'pnpm-workspace.yaml';

/**
 * A folder and those above it, up to the repository's. Throws a Refusal with exit code 3 if divvy cannot read a
 * package.json in one of them.
 */
export const levelsOf = (root: string): Level[] =>
  upwards(root).map((folder) => ({ folder, packageJson: packageJsonIn(folder) }));

/** Stops at the repository's root: folders above it do not belong to it. */
export function upwards(folder: string): string[] {
  const above = dirname(folder);
  return stat(join(folder, '.git')) !== undefined || above === folder ? [folder] : [folder, ...upwards(above)];
}

function packageJsonIn(folder: string): PackageJson | undefined {
  const file = join(folder, PACKAGE_JSON);
  return stat(file)?.isFile() ? readPackageJson(folder, file) : undefined;
}

/** Whether a folder may be the root of a workspace. For any other, nobody needs to load what reads globs and YAML. */
export const mayHaveGlobs = ({ folder, packageJson }: Level): boolean =>
  (packageJson?.workspaces ?? []).length > 0 || stat(join(folder, PNPM_WORKSPACE)) !== undefined;
