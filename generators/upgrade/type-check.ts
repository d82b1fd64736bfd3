/** Checks the types of a project's tasks against a runtime that is not in place yet. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { openHome, placesOf, removeFolder } from '../change-set/record.ts';
import { removeHomeIfUnused } from '../change-set/recovery.ts';
import { stat } from '../disk/disk.ts';
import { upwards } from '../host/levels.ts';
import { aliasesOf } from '../host/tsconfigs.ts';
import { runTool } from '../programs/processes.ts';
import type { Home } from '../vendored/owned.ts';

/** The files of a runtime, by their path in its folder. */
export type Runtime = ReadonlyMap<string, Buffer>;

/** `wrong`: errors of the compiler that the old runtime does not have. `skipped`: why nothing was checked. */
export type TypesChecked = { readonly wrong: readonly string[] } | { readonly skipped: string };

/**
 * Lets the project's own compiler check its tasks, with the new runtime in place of the old one. The tasks stay where they
 * are; the runtime is in `.divvy/` meanwhile.
 *
 * Errors that the old runtime gives too are not the new one's.
 */
export async function checkTypes({ root, manifest }: Home, before: Runtime, after: Runtime): Promise<TypesChecked> {
  const compiler = compilerFrom(root);
  if (compiler === undefined) return { skipped: 'TypeScript is not installed here' };
  const tsconfig = [join(root, manifest.tasks, 'tsconfig.json'), join(root, 'tsconfig.json')].find((path) =>
    stat(path)?.isFile(),
  );
  if (tsconfig === undefined) return { skipped: 'there is no tsconfig.json for the tasks' };
  const { aside } = placesOf(root);
  openHome(root);
  try {
    removeFolder(aside);
    mkdirSync(aside);
    writeFileSync(join(aside, 'pid'), String(process.pid));
    writeFileSync(join(aside, 'tsconfig.json'), JSON.stringify(configFor(aside, tsconfig)));
    const check = (runtime: Runtime) => errorsWith(runtime, compiler, aside, root);
    const now = await check(after);
    return { wrong: now.length === 0 ? [] : withoutThose(now, await check(before)) };
  } finally {
    removeFolder(aside);
    removeHomeIfUnused(root);
  }
}

function compilerFrom(root: string): string | undefined {
  const places = upwards(root).map((folder) => join(folder, 'node_modules/typescript/bin/tsc'));
  return places.find((path) => stat(path) !== undefined);
}

/** What `#divvy` means is all that differs from the tasks' own tsconfig. */
function configFor(aside: string, tsconfig: string): object {
  return {
    extends: relative(aside, tsconfig).replaceAll('\\', '/'),
    compilerOptions: {
      noEmit: true,
      composite: false,
      incremental: false,
      paths: { ...aliasesOf(tsconfig), '#divvy': ['./runtime/index.ts'] },
    },
  };
}

async function errorsWith(runtime: Runtime, compiler: string, aside: string, root: string): Promise<string[]> {
  rmSync(join(aside, 'runtime'), { recursive: true, force: true });
  for (const [path, bytes] of runtime) {
    const file = join(aside, 'runtime', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  const argv = [compiler, '--pretty', 'false', '-p', join(aside, 'tsconfig.json')];
  const result = await runTool(process.execPath, argv, { cwd: root });
  if (result.done) return [];
  const errors = result.output.split('\n').filter((line) => /error TS\d+:/.test(line));
  return errors.length > 0 ? errors : [`${result.reason}: ${result.said.split('\n')[0] ?? ''}`];
}

/** Lines may have moved, so an error is known by its file, code and text. */
function withoutThose(errors: readonly string[], known: readonly string[]): string[] {
  const bare = (error: string) => error.replace(/\(\d+,\d+\)/, '');
  const left = known.map(bare);
  return errors.filter((error) => {
    const at = left.indexOf(bare(error));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
