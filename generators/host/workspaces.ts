/**
 * The packages of a workspace: npm, yarn and bun list them in package.json, and pnpm in its own file. Only this file
 * uses picomatch.
 */

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import picomatch from 'picomatch';
import { stat } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { lineOfFault, parseYaml } from '../json/yaml.ts';
import { hostFileRefused } from './errors.ts';
import type { Hint } from './hints.ts';
import type { HostFile } from './host-file.ts';
import { PNPM_WORKSPACE } from './levels.ts';
import type { Level } from './package-json.ts';
import { readPackageJson } from './package-json.ts';

/**
 * The folders of a workspace's packages, relative to its root, with `/`, in alphabetical order; none if the folder is
 * not a workspace root. pnpm-workspace.yaml alone does not make a workspace: it may contain only settings.
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
  const isPackage = (path: string): boolean => path !== '.' && !path.startsWith('..') && !isRuntime(join(folder, path));
  return [...new Set(folders)].filter(isPackage).sort();
}

/** The glob that excludes the runtime from a workspace, whichever package it is in. */
export const runtimeLeftOut = (runtime: string): string => `!**/${runtime}`;

/** A vendored runtime has a package.json but is not a package. */
const isRuntime = (folder: string): boolean => ['run.mjs', 'SHA256SUMS'].every((name) => stat(join(folder, name)));

/**
 * Excludes the runtime from workspaces that would take its package.json for one of their packages: `npm ci` and `yarn
 * --immutable` would then complain that the lock file is out of date.
 *
 * runtime - its folder, relative to the package.
 * open - opens the package's own package.json.
 *
 * Returns the lines that a person has to add by hand: pnpm's file is YAML, and divvy edits nothing outside the package.
 */
export function leaveOutOfWorkspaces(
  { root, levels }: { readonly root: string; readonly levels: readonly Level[] },
  runtime: string,
  open: (path: string, dialect: 'json') => HostFile | undefined,
): Hint[] {
  const unwanted = runtimeLeftOut(runtime);
  return levels.flatMap(({ folder, packageJson }) => {
    const path = relative(folder, join(root, runtime)).replaceAll('\\', '/');
    const shown = (name: string): string => relative(root, join(folder, name)).replaceAll('\\', '/');
    const hints: Hint[] = [];
    if (takesIn(packageJson?.workspaces ?? [], path)) {
      const file = folder === root ? open(PACKAGE_JSON, 'json') : undefined;
      const isList = Array.isArray(file?.value(['workspaces']));
      if (file) file.putElement(isList ? ['workspaces'] : ['workspaces', 'packages'], unwanted);
      else hints.push({ file: shown(PACKAGE_JSON), line: `"workspaces": [..., "${unwanted}"]` });
    }
    if (takesIn(pnpmGlobs(folder), path)) hints.push({ file: shown(PNPM_WORKSPACE), line: `  - '${unwanted}'` });
    return hints;
  });
}

/** Whether the globs include a folder, and no `!` glob excludes it again. */
function takesIn(globs: readonly string[], path: string): boolean {
  const isMatch = (glob: string): boolean => picomatch(withoutSlash(glob), { dot: true })(path);
  const isOut = globs.some((glob) => glob.startsWith('!') && isMatch(glob.slice(1)));
  return !isOut && globs.some((glob) => !glob.startsWith('!') && isMatch(glob));
}

const withoutSlash = (glob: string): string => glob.replace(/^\.\//, '').replace(/\/+$/, '');

function pnpmGlobs(folder: string): string[] {
  const file = join(folder, PNPM_WORKSPACE);
  if (!stat(file)?.isFile()) return [];
  let value: unknown;
  try {
    // Globs are strings, even if they look like other values. pnpm accepts an empty file too.
    value = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw hostFileRefused(PNPM_WORKSPACE, `it is not YAML: ${reason}`, lineOfFault(error));
  }
  const packages = typeof value === 'object' && value !== null ? (value as { packages?: unknown }).packages : undefined;
  return Array.isArray(packages) ? packages.filter((glob): glob is string => typeof glob === 'string') : [];
}
