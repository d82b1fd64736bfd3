/** Where in a repository a task goes: the package that was meant, and why it cannot be there. */

import { dirname, join, relative, resolve } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { realRoot, refuseReadOnlyRoot } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { whyOwned } from '../disk/paths.ts';
import type { Call } from '../terminal/command.ts';
import { isInteractive } from '../terminal/terminal.ts';
import { notHere, whichPackage } from './errors.ts';
import type { Level } from './package-json.ts';
import { type PackageJson, readPackageJson } from './package-json.ts';
import { packagesOf } from './workspaces.ts';

export interface Place {
  /** The package's folder: absolute, without symbolic links. */
  readonly root: string;
  /** That folder and those above it, up to the repository's: what is looked for is looked for in these. */
  readonly levels: readonly Level[];
  readonly packageJson: PackageJson;
  /** Whether Node.js takes the `.js` and `.ts` files of the package for modules. */
  readonly isModule: boolean;
}

/**
 * Settles where a task goes.
 *
 * Rejects with a Refusal: with exit code 2 where a workspace has several packages and none is named, with 3 where no task
 * can be.
 */
export async function settlePlace(call: Call, ask: Workshop['ask']): Promise<Place> {
  const cwd = realRoot(call.cwd);
  const owned = whyOwned(cwd);
  if (owned !== undefined) throw notHere(call.cwd, owned, 'Go into your own repository.');
  const near = nearestPackage(cwd);
  const root = await whichOne(call, cwd, near, ask);
  refuseOtherTools(root);
  const packageJson = readPackageJson(root, PACKAGE_JSON);
  if (/projen/i.test(packageJson.remark)) throw projen(root);
  refuseReadOnlyRoot(root);
  return { root, levels: levelsOf(root), packageJson, isModule: packageJson.text('type') === 'module' };
}

/** A folder, and those above it up to the repository's. Throws a Refusal where a package.json in one cannot be read. */
export const levelsOf = (root: string): Level[] =>
  upwards(root).map((folder) => ({ folder, packageJson: packageJsonIn(folder) }));

/** Nothing above a repository belongs to it. */
function upwards(folder: string): string[] {
  const above = dirname(folder);
  return stat(join(folder, '.git')) !== undefined || above === folder ? [folder] : [folder, ...upwards(above)];
}

function packageJsonIn(folder: string): PackageJson | undefined {
  const file = join(folder, PACKAGE_JSON);
  return stat(file)?.isFile() ? readPackageJson(folder, file) : undefined;
}

function nearestPackage(cwd: string): string {
  const folders = upwards(cwd);
  // One that is a link is not passed over: what is meant is this package, which is then refused.
  const found = folders.find((folder) => {
    const state = stat(join(folder, PACKAGE_JSON));
    return state?.isFile() === true || state?.isSymbolicLink() === true;
  });
  if (found !== undefined) return found;
  const rush = folders.find((folder) => stat(join(folder, RUSH)) !== undefined);
  if (rush !== undefined) throw rushRoot(rush);
  if (folders.some((folder) => stat(join(folder, 'deno.json')) ?? stat(join(folder, 'deno.jsonc')))) {
    throw notHere(
      cwd,
      'this is a project of Deno, and the runtime needs Node.js and a package.json',
      'Make a project beside it: npm create divvy-task.',
    );
  }
  throw notHere(
    cwd,
    'there is no package.json, here or above in the repository',
    'Make one with npm init, or make a project of its own: npm create divvy-task.',
  );
}

/** The root of a workspace is taken only where it was named, or has tasks already. */
async function whichOne(call: Call, cwd: string, near: string, ask: Workshop['ask']): Promise<string> {
  const isNamed = call.values.cwd !== undefined && cwd === near;
  if (isNamed || stat(join(near, 'divvy.json')) !== undefined) return near;
  const packages = packagesOf(near);
  if (packages.length === 0) return near;
  if (!isInteractive(call)) {
    const shown = (folder: string) => relativeTo(process.cwd(), folder);
    throw whichPackage(
      shown(near),
      packages.map((path) => shown(join(near, path))),
    );
  }
  const choices = [
    ...packages.map((value) => ({ value, hint: '' })),
    { value: '.', hint: 'the root of the workspace itself' },
  ];
  return resolve(near, await ask({ type: 'select', message: 'Which package is the task for?', choices }));
}

const relativeTo = (from: string, to: string): string => relative(from, to).replaceAll('\\', '/') || '.';

/** Files that belong to a program which would write over what is put in, or does not look there. */
function refuseOtherTools(root: string): void {
  if (stat(join(root, RUSH)) !== undefined) throw rushRoot(root);
  const rc = ['js', 'ts', 'mjs', 'json', 'py', 'java'].map((ending) => `.projenrc.${ending}`);
  if (rc.some((name) => stat(join(root, name)) !== undefined)) throw projen(root);
}

const RUSH = 'rush.json';

const rushRoot = (root: string) =>
  notHere(
    root,
    'this is the root of a Rush repository, where no program of its own is run',
    'Go into one of its projects, or name one with --cwd.',
  );

const projen = (root: string) =>
  notHere(
    root,
    'projen writes the package.json here, and would take out what divvy puts in',
    'Make a project of its own beside it: npm create divvy-task.',
  );
