/** The package.json scripts that run a task. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackageManager } from '../programs/package-manager.ts';

/** With this in front, the shell of a script becomes the command, if the shell knows `exec`. */
const EXEC = 'exec ';

/** The command that runs a task. */
const commandOf = (runtime: string, taskFile: string): string => `node ${runtime}/run.mjs ${taskFile}`;

/**
 * Returns the script that runs a task. npm sends TERM and INT to the script's shell. dash neither passes them on nor
 * replaces itself with the command; with `exec` the command gets the signals. Yarn's shell and bun's own have no
 * `exec`; bun does not need it.
 *
 * root - the package's folder, absolute.
 */
export function startScript(root: string, runtime: string, taskFile: string, manager: PackageManager): string {
  // On Windows, cmd runs the scripts, and the runtime must start to say that it needs WSL.
  const hasExec =
    ['npm', 'pnpm'].includes(manager) && process.platform !== 'win32' && !(manager === 'pnpm' && emulatesShell(root));
  return `${hasExec ? EXEC : ''}${commandOf(runtime, taskFile)}`;
}

/** Whether a script runs this task, with or without `exec`: it may have been written for another package manager. */
export const isStartScript = (script: unknown, runtime: string, taskFile: string): script is string =>
  isSameScript(script, commandOf(runtime, taskFile));

/** Whether two scripts are equal apart from `exec`: a person who changes the package manager adds or removes it. */
export const isSameScript = (script: unknown, other: string): script is string =>
  typeof script === 'string' && withoutExec(script) === withoutExec(other);

/** The same script for another task. */
export const startScriptLike = (script: string, runtime: string, taskFile: string): string =>
  `${script.startsWith(EXEC) ? EXEC : ''}${commandOf(runtime, taskFile)}`;

const withoutExec = (script: string): string => (script.startsWith(EXEC) ? script.slice(EXEC.length) : script);

/**
 * Whether pnpm runs scripts there with Yarn's shell. The setting is in pnpm's own file, or in .npmrc, where it used to
 * be.
 */
function emulatesShell(folder: string): boolean {
  const isSo =
    /^shellEmulator:\s*true\b/m.test(textOf(join(folder, 'pnpm-workspace.yaml'))) ||
    /^\s*shell-emulator\s*=\s*true\b/m.test(textOf(join(folder, '.npmrc')));
  return isSo || (dirname(folder) !== folder && emulatesShell(dirname(folder)));
}

function textOf(file: string): string {
  try {
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  } catch {
    return ''; // A folder, or a file that divvy may not read: take it as empty.
  }
}
