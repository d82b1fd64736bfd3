/** The next steps that a template names, as they are done here. */

import type { PackageManager } from '../programs/package-manager.ts';
import type { TemplateManifest } from '../sources/templates.ts';

interface Here {
  readonly task: string;
  /** What runs the task, in place of `start`. */
  readonly script: string;
  readonly manager: PackageManager;
  /** Whether what the task imports is installed: otherwise that is the first step. */
  readonly isInstalled: boolean;
  /** The task file is not the template's: another one was there, and was kept. */
  readonly isKept: boolean;
}

/** Where a template names none. */
const RUN_IT = ['npm start'];

/**
 * Steps in the words of a new project (`npm start -- --dry-run`) in those of a project and its package manager. Only npm
 * needs `--` before what is for the script; the others would hand it on.
 */
export function nextStepsOf(
  { nextSteps = RUN_IT, dependencies = {} }: TemplateManifest,
  { task, script, manager, isInstalled, isKept }: Here,
): string[] {
  const isMissing = !isInstalled && Object.keys(dependencies).length > 0;
  const steps = (isKept ? RUN_IT : nextSteps).map((step) =>
    step
      .replace(/(?<![\w-])example-task(?![\w-])/g, task)
      .replace(/^npm (?:run )?([\w:-]+)(?: -- (.*))?$/, (_, name: string, rest: string | undefined) => {
        const asked = name === 'start' ? script : name;
        const isShort = asked === 'start' || asked === 'test';
        const command = manager === 'npm' && isShort ? `npm ${asked}` : `${manager} run ${asked}`;
        return rest === undefined ? command : `${command}${manager === 'npm' ? ' --' : ''} ${rest}`;
      }),
  );
  return [...(isMissing ? [`${manager} install`] : []), ...steps];
}
