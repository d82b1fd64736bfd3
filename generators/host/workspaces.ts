/** Which packages a workspace has: as npm, yarn and bun say it in package.json, and pnpm in a file of its own. */

import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { FAILSAFE_SCHEMA, loadAll } from 'js-yaml';
import { stat } from '../change-set/disk.ts';
import { hostFileRefused } from '../errors.ts';
import { PACKAGE_JSON, readPackageJson } from './package-json.ts';

const PNPM_WORKSPACE = 'pnpm-workspace.yaml';

/**
 * The folders of the packages of a workspace, relative to its root, with `/`, in the order of the alphabet; none where a
 * folder is the root of no workspace. pnpm-workspace.yaml alone makes none: it may hold settings only.
 *
 * folder - one with a package.json in it.
 */
export function packagesOf(folder: string): string[] {
  const globs = [...readPackageJson(folder, PACKAGE_JSON).workspaces, ...pnpmGlobs(folder)];
  const wanted = globs.filter((glob) => !glob.startsWith('!'));
  const unwanted = globs.filter((glob) => glob.startsWith('!')).map((glob) => glob.slice(1));
  if (wanted.length === 0) return [];
  const files = globSync(
    wanted.map((glob) => `${withoutSlash(glob)}/${PACKAGE_JSON}`),
    { cwd: folder, exclude: ['**/node_modules/**', ...unwanted.flatMap((glob) => [glob, `${withoutSlash(glob)}/**`])] },
  );
  const folders = files.map((file) => dirname(file).replaceAll('\\', '/'));
  return [...new Set(folders)].filter((path) => path !== '.' && !path.startsWith('..')).sort();
}

const withoutSlash = (glob: string): string => glob.replace(/^\.\//, '').replace(/\/+$/, '');

function pnpmGlobs(folder: string): string[] {
  const file = join(folder, PNPM_WORKSPACE);
  if (!stat(file)?.isFile()) return [];
  let value: unknown;
  try {
    // Globs are strings, whatever they look like. pnpm takes an empty file, too.
    [value] = loadAll(readFileSync(file, 'utf8'), { schema: FAILSAFE_SCHEMA });
  } catch (error) {
    const line = (error as { mark?: { line?: number } }).mark?.line ?? 0;
    throw hostFileRefused(PNPM_WORKSPACE, `it is not YAML: ${(error as Error).message.split('\n')[0]}`, line + 1);
  }
  const packages = typeof value === 'object' && value !== null ? (value as { packages?: unknown }).packages : undefined;
  return Array.isArray(packages) ? packages.filter((glob): glob is string => typeof glob === 'string') : [];
}
