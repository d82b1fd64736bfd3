/** Which package of a repository a task goes to, or why it cannot go there. */

import { join, relative, resolve } from 'node:path';
import type { Workshop } from '../change-set/environment.ts';
import { realRoot, refuseReadOnlyRoot } from '../change-set/survey.ts';
import { stat } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { whyOwned } from '../disk/paths.ts';
import type { Call } from '../terminal/command.ts';
import { isInteractive } from '../terminal/terminal.ts';
import { notHere, whichPackage } from './errors.ts';
import { levelsOf, upwards } from './levels.ts';
import type { Level } from './package-json.ts';
import { type PackageJson, readPackageJson } from './package-json.ts';
import { packagesOf } from './workspaces.ts';

export interface Place {
  /** The package's folder: absolute, without symbolic links. */
  readonly root: string;
  /** That folder and those above it, up to the repository's: divvy looks for settings in these. */
  readonly levels: readonly Level[];
  readonly packageJson: PackageJson;
  /** Whether Node.js treats the package's `.js` and `.ts` files as modules. */
  readonly isModule: boolean;
}

/**
 * Chooses the package that a task goes to.
 *
 * Rejects with a Refusal: with exit code 2 if a workspace has several packages and none is named, with 3 if no task can
 * go there.
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

function nearestPackage(cwd: string): string {
  const folders = upwards(cwd);
  // Do not skip a package.json that is a link: the person means this package, and divvy refuses it later.
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

/** Takes the root of a workspace only if the person named it or it has tasks already. */
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

/** Refuses folders of programs that would overwrite divvy's edits (projen), or that do not look there (Rush). */
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
