/** The next steps that a template names, as they are done here. */

import type { PackageManager } from './package-manager.ts';

/**
 * Steps in the words of a new project (`npm start -- --dry-run`) in those of a project and its package manager. Only npm
 * needs `--` before what is for the script; the others would hand it on.
 *
 * script - what runs the task, in place of `start`.
 */
export const nextStepsOf = (
  steps: readonly string[],
  { task, script, manager }: { readonly task: string; readonly script: string; readonly manager: PackageManager },
): string[] =>
  steps.map((step) =>
    step
      .replace(/(?<![\w-])example-task(?![\w-])/g, task)
      .replace(/^npm (?:run )?([\w:-]+)(?: -- (.*))?$/, (_, name: string, rest: string | undefined) => {
        const asked = name === 'start' ? script : name;
        const isShort = asked === 'start' || asked === 'test';
        const command = manager === 'npm' && isShort ? `npm ${asked}` : `${manager} run ${asked}`;
        return rest === undefined ? command : `${command}${manager === 'npm' ? ' --' : ''} ${rest}`;
      }),
  );
