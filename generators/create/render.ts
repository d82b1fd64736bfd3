/** The files of a new project, put into the in-memory tree. */

import type { Call } from '../command.ts';
import type { Workshop } from '../environment.ts';
import { withHooks } from '../hooks.ts';
import type { Edited } from '../lock.ts';
import { DEFAULT_TESTS, MANIFEST, manifestText } from '../manifest.ts';
import { version } from '../package.ts';
import { projectFiles } from '../templates.ts';
import { vendoredRuntime } from '../vendor.ts';
import type { Answers } from './answers.ts';

interface PackageJson {
  scripts: { [name: string]: string };
  dependencies?: { readonly [name: string]: string };
}

/** Resolves with what the hooks have put into the task; undefined where there are none. */
export async function renderProject(
  { terminal }: Call,
  answers: Answers,
  put: Workshop['put'],
): Promise<Edited | undefined> {
  let edited: Edited | undefined;
  const { task, template, hooks, runtimeDir } = answers;
  const taskFile = `tasks/${task}.ts`;
  for (const { path, bytes } of await projectFiles(template, answers)) {
    if (path === 'package.json') put(path, packageJson(bytes, answers));
    else if (path === taskFile && hooks.length > 0) {
      const { text, inserted } = await withHooks(bytes.toString('utf8'), path, hooks, terminal);
      if (inserted) edited = { path, inserted, isDirty: false };
      put(path, text);
    } else put(path, bytes);
  }
  put(MANIFEST, manifestText({ tasks: 'tasks', tests: DEFAULT_TESTS, runtime: runtimeDir }));
  for (const { path, after } of vendoredRuntime(runtimeDir)) put(path, after);
  return edited;
}

/** The generator is named at the exact version that made the project; what a template needs becomes a dependency. */
function packageJson(rendered: Buffer, { template }: Answers): string {
  const parsed = JSON.parse(rendered.toString('utf8')) as PackageJson;
  parsed.scripts['divvy'] = `npx --yes --package=create-divvy-task@${version} divvy`;
  if (Object.keys(template.dependencies ?? {}).length > 0) parsed.dependencies = template.dependencies ?? {};
  return `${JSON.stringify(parsed, null, 2)}\n`;
}
