/**
 * Which packages a workspace has: as npm, yarn and bun say it in package.json, and pnpm in a file of its own. The one owner of
 * picomatch.
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
import type { Level } from './package-json.ts';
import { readPackageJson } from './package-json.ts';

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
  const isPackage = (path: string): boolean => path !== '.' && !path.startsWith('..') && !isRuntime(join(folder, path));
  return [...new Set(folders)].filter(isPackage).sort();
}

/** The glob that leaves the runtime out of a workspace, in whichever package it is. */
export const runtimeLeftOut = (runtime: string): string => `!**/${runtime}`;

/** A vendored runtime has a package.json and is no package. */
const isRuntime = (folder: string): boolean => ['run.mjs', 'SHA256SUMS'].every((name) => stat(join(folder, name)));

/**
 * Leaves the runtime out of the workspaces that would take its package.json for a package of theirs: then `npm ci` and
 * `yarn --immutable` find that the lock file does not hold.
 *
 * runtime - its folder, relative to the package.
 * open    - opens the package's own package.json.
 *
 * Returns what has to be written by hand: pnpm's file is YAML, and what is outside of the package is nobody's but its own.
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

/** Whether a folder is among those of some globs, and no other takes it out again. */
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
    // Globs are strings, whatever they look like. pnpm takes an empty file, too.
    value = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw hostFileRefused(PNPM_WORKSPACE, `it is not YAML: ${reason}`, lineOfFault(error));
  }
  const packages = typeof value === 'object' && value !== null ? (value as { packages?: unknown }).packages : undefined;
  return Array.isArray(packages) ? packages.filter((glob): glob is string => typeof glob === 'string') : [];
}
