/** The next steps that a template lists, adapted to this project. */

import type { PackageManager } from '../programs/package-manager.ts';
import type { TemplateManifest } from '../sources/templates.ts';

interface Here {
  readonly task: string;
  /** The script that runs the task, in place of `start`. */
  readonly script: string;
  readonly manager: PackageManager;
  /** Whether the packages that the task imports are installed; if not, installing is the first step. */
  readonly isInstalled: boolean;
  /** Another task file was there and was kept, so the template's steps do not fit. */
  readonly isKept: boolean;
}

/** For a template that lists no steps. */
const RUN_IT = ['npm start'];

/**
 * Turns the steps for a new project (`npm start -- --dry-run`) into steps for this project and its package manager.
 * Only npm needs `--` before the script's own arguments; the others would pass it on.
 */
export function nextStepsOf(
  { nextSteps = RUN_IT, dependencies = {} }: TemplateManifest,
  { task, script, manager, isInstalled, isKept }: Here,
): string[] {
  const isMissing = !isInstalled && Object.keys(dependencies).length > 0;
  const steps = (isKept ? RUN_IT : nextSteps).map((step) =>
    step
      .replace(/(?<![\w-])example-task(?![\w-])/g, task)
      .replace(
        /(?<=^(?:[A-Z_]+=\S+ )*)npm (?:run )?([\w:-]+)(?: -- (.*))?$/,
        (_, name: string, rest: string | undefined) => {
          const asked = name === 'start' ? script : name;
          const isShort = asked === 'start' || asked === 'test';
          const command = manager === 'npm' && isShort ? `npm ${asked}` : `${manager} run ${asked}`;
          return rest === undefined ? command : `${command}${manager === 'npm' ? ' --' : ''} ${rest}`;
        },
      ),
  );
  return [...(isMissing ? [`${manager} install`] : []), ...steps];
}
