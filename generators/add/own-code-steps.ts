/** The next steps for tasks that call the package's own code. */

import { MANIFEST } from '../disk/file-names.ts';
import { ownCodeOf } from '../host/own-code.ts';
import type { Place } from '../host/place.ts';
import { addDevelopment, localProgram, type PackageManager } from '../programs/package-manager.ts';
import { commandLine } from '../programs/shell.ts';
import type { Manifest } from '../project/manifest.ts';

/** Returns the steps, in words with commands to copy. `nodeTest`: the task's test, if Node.js itself runs it. */
export function ownCodeSteps(
  place: Place,
  manifest: Manifest,
  manager: PackageManager,
  nodeTest: string | undefined,
): string[] {
  const types = commandLine(localProgram(manager, ['tsc', '-p', manifest.tasks]));
  const hasCompiler = place.levels.some(({ packageJson }) => packageJson?.dependsOn('typescript'));
  return [
    ...(hasCompiler ? [`To check the types of your tasks: ${types}`] : []),
    ...newerTypes(place, manager),
    ...importSteps(place, manifest, manager, nodeTest),
  ];
}

/** The runtime's types need those of a Node.js that it runs on. */
function newerTypes({ levels }: Place, manager: PackageManager): string[] {
  const range = levels.map(({ packageJson }) => packageJson?.rangeOf('@types/node')).find(Boolean);
  const major = /^[~^]?(\d+)\b/.exec(range ?? '')?.[1];
  if (major === undefined || Number(major) >= 22) return [];
  return [
    `The types of Node.js are those of ${major} here, and the runtime needs 22: ${commandLine(addDevelopment(manager, '@types/node@24'))}`,
  ];
}

/** How a task calls the package's own code, where Node.js can't load that by itself. */
function importSteps(
  place: Place,
  { tasks, runtime, import: loaded }: Manifest,
  manager: PackageManager,
  nodeTest: string | undefined,
): string[] {
  const { found, needsLoader, needsBuild, hasTsx } = ownCodeOf(place, [tasks, runtime]);
  if (loaded !== undefined || !needsLoader) return [];
  const why = found.length > 0 ? `. Node.js can't load ${found.join(', ')}` : '';
  if (needsBuild) {
    const script = place.packageJson.textIn('scripts', 'build') === undefined ? '' : ` (${manager} run build)`;
    return [
      `To call your own code in a task: build it${script}, and import what the build writes, such as ../dist/app.module.js. tsx writes no metadata of decorators${why}`,
    ];
  }
  const install = hasTsx ? '' : `${commandLine(addDevelopment(manager, 'tsx'))}, and `;
  const test = nodeTest === undefined ? [] : [`To run such a task's test: node --import tsx --test ${nodeTest}`];
  return [
    `To import your own TypeScript in a task: ${install}add "import": "tsx" to ${MANIFEST}, or --import tsx to the run; or import what your build writes${why}`,
    ...test,
  ];
}
