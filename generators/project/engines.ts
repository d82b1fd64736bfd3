/** The engines that a project has: they take runs over several machines. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { noEngine, whichEngine } from '../terminal/errors.ts';
import type { Project } from './manifest.ts';

/**
 * The engine that is named, or else the only one that there is.
 *
 * add - the command that adds one.
 *
 * Throws a Refusal with exit code 2 if there is no such engine, or if there are several and none is named.
 */
export function engineOf(project: Project, named: string | undefined, add: string): string {
  const engines = enginesOf(project);
  const [only, ...others] = engines;
  if (only === undefined) throw noEngine(project.folder, add);
  if (named === undefined ? others.length > 0 : !engines.includes(named)) throw whichEngine(named, engines);
  return named ?? only;
}

/** As the runner finds them: the folders beside its own, whoever put them there. */
function enginesOf({ folder, manifest }: Project): string[] {
  const engines = join(folder, manifest.runtime, 'engines');
  if (stat(engines)?.isDirectory() !== true) return [];
  return readdirSync(engines)
    .filter((name) => stat(join(engines, name, `${name}.ts`)) !== undefined)
    .sort();
}
