/** Puts the files of a new project into the in-memory tree. */

import type { Workshop } from '../change-set/environment.ts';
import { MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import type { Hint } from '../host/hints.ts';
import { levelsOf, mayHaveGlobs } from '../host/levels.ts';
import { parseJson } from '../json/parse.ts';
import { version } from '../package.ts';
import { withHooks } from '../project/hooks.ts';
import { DEFAULT_TESTS, manifestText } from '../project/manifest.ts';
import { startScript } from '../project/start-script.ts';
import { vendoredRuntime } from '../project/vendor.ts';
import { modeOf, projectFiles } from '../rendering/files.ts';
import type { Edited } from '../rendering/lock-edits.ts';
import { packageJsonOf } from '../rendering/places.ts';
import { templateFileRefused } from '../sources/errors.ts';
import type { Call } from '../terminal/command.ts';
import { Refusal } from '../terminal/refusal.ts';
import type { Answers } from './answers.ts';

interface PackageJson {
  readonly scripts: { [name: string]: string };
  readonly devDependencies: { readonly [name: string]: string };
}

export interface Rendered {
  /** The paths of the files that belong to the task. */
  readonly files: readonly string[];
  /** The hooks that were inserted into the task; undefined if there are none. */
  readonly edited: Edited | undefined;
  /** The lines that a person has to add by hand to files above the project. */
  readonly hints: readonly Hint[];
}

/**
 * Rejects with a Refusal with exit code 3 if the template may not write a file, or if a file cannot be rendered or
 * edited.
 */
export async function renderProject({ terminal }: Call, answers: Answers, put: Workshop['put']): Promise<Rendered> {
  let edited: Edited | undefined;
  const files: string[] = [];
  const { task, template, hooks, runtimeDir } = answers;
  const given = { task, runtimeDir, answers: answers.answers.answers };
  const taskFile = `tasks/${task}.ts`;
  for (const file of await projectFiles(template, given)) {
    const { path, bytes, isOwn } = file;
    if (isOwn && path !== PACKAGE_JSON) files.push(path);
    if (path === PACKAGE_JSON) put(path, packageJson(bytes, answers));
    else if (path === taskFile && hooks.length > 0) {
      const { text, inserted } = await withHooks(bytes.toString('utf8'), path, hooks, terminal);
      if (inserted) edited = { path, inserted };
      put(path, text);
    } else put(path, bytes, undefined, modeOf(file, answers.root));
  }
  put(MANIFEST, manifestText({ tasks: 'tasks', tests: DEFAULT_TESTS, runtime: runtimeDir }));
  for (const { path, after } of vendoredRuntime(runtimeDir)) put(path, after);
  return { files, edited, hints: await linesAbove(answers) };
}

/** If the project is made inside a workspace, that may take its runtime for one of its packages. */
async function linesAbove({ root, runtimeDir }: Answers): Promise<Hint[]> {
  try {
    const levels = levelsOf(root).filter((level) => level.folder !== root && mayHaveGlobs(level));
    if (levels.length === 0) return [];
    const { leaveOutOfWorkspaces } = await import('../host/workspaces.ts');
    return leaveOutOfWorkspaces({ root, levels }, runtimeDir, () => undefined);
  } catch (error) {
    if (error instanceof Refusal) return []; // An unreadable file above the project must not prevent it.
    throw error;
  }
}

/**
 * Names the generator at the exact version that made the project, writes scripts for the package manager in use, and
 * adds what the template needs.
 */
function packageJson(rendered: Buffer, answers: Answers): string {
  const { task, root, runtimeDir, packageManager } = answers;
  const { manifest } = answers.template;
  const { scripts, devDependencies, ...rest } = parseJson(rendered) as PackageJson;
  const start = startScript(root, runtimeDir, `tasks/${task}.ts`, packageManager);
  for (const name of ['start', `divvy:${task}`]) scripts[name] = start;
  scripts['divvy'] = `npx --yes --package=create-divvy-task@${version} divvy`;
  const wanted = packageJsonOf(manifest);
  for (const name of Object.keys(wanted.scripts)) {
    if (Object.hasOwn(scripts, name))
      throw templateFileRefused(manifest.name, PACKAGE_JSON, `the script ${name} is there already`);
  }
  const dependencies = manifest.dependencies ?? {};
  const parsed = {
    ...rest,
    scripts: { ...scripts, ...wanted.scripts },
    devDependencies: { ...devDependencies, ...wanted.devDependencies },
    ...(Object.keys(dependencies).length > 0 && { dependencies }),
  };
  return `${JSON.stringify(parsed, null, 2)}\n`;
}
