/** The files of a new project, put into the in-memory tree. */

import type { Workshop } from '../environment.ts';
import { withHooks } from '../hooks.ts';
import { MANIFEST, manifestText } from '../manifest.ts';
import { version } from '../package.ts';
import { projectFiles } from '../templates.ts';
import { vendoredRuntime } from '../vendor.ts';
import type { Answers } from './answers.ts';

interface PackageJson {
  scripts: { [name: string]: string };
  dependencies?: { readonly [name: string]: string };
}

export async function renderProject(answers: Answers, put: Workshop['put']): Promise<void> {
  const { task, template, hooks, runtimeDir } = answers;
  const taskFile = `tasks/${task}.ts`;
  for (const { path, bytes } of await projectFiles(template, answers)) {
    if (path === 'package.json') put(path, packageJson(bytes, answers));
    else if (path === taskFile && hooks.length > 0) put(path, await withHooks(bytes.toString('utf8'), path, hooks));
    else put(path, bytes);
  }
  put(MANIFEST, manifestText({ tasks: 'tasks', runtime: runtimeDir }));
  for (const { path, after } of vendoredRuntime(runtimeDir)) put(path, after);
}

/** The generator is named at the exact version that made the project; what a template needs becomes a dependency. */
function packageJson(rendered: Buffer, { template }: Answers): string {
  const parsed = JSON.parse(rendered.toString('utf8')) as PackageJson;
  parsed.scripts['divvy'] = `npx --yes --package=create-divvy-task@${version} divvy`;
  if (Object.keys(template.dependencies ?? {}).length > 0) parsed.dependencies = template.dependencies ?? {};
  return `${JSON.stringify(parsed, null, 2)}\n`;
}
