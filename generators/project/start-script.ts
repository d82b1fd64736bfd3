/** The scripts that run a task, in package.json. */

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackageManager } from '../programs/package-manager.ts';

/** Before a command it makes the shell of a script become that command, where the shell knows it. */
const EXEC = 'exec ';

/** The command that runs a task. */
const commandOf = (runtime: string, taskFile: string): string => `node ${runtime}/run.mjs ${taskFile}`;

/**
 * Returns the script that runs a task. npm sends TERM and INT to the script's shell, and dash neither hands them on nor
 * makes room for the command: with `exec` the command gets them. Yarn's shell has no `exec`, nor has bun's own; bun needs none.
 *
 * root - the package's folder, absolute.
 */
export function startScript(root: string, runtime: string, taskFile: string, manager: PackageManager): string {
  // On Windows scripts are run by cmd, and the runtime is to say there that it needs WSL.
  const hasExec =
    ['npm', 'pnpm'].includes(manager) && process.platform !== 'win32' && !(manager === 'pnpm' && emulatesShell(root));
  return `${hasExec ? EXEC : ''}${commandOf(runtime, taskFile)}`;
}

/** Whether a script is one of those: another package manager may have been in use when it was written. */
export const isStartScript = (script: unknown, runtime: string, taskFile: string): script is string =>
  isSameScript(script, commandOf(runtime, taskFile));

/** Whether two scripts are one, but for `exec`: whoever goes over to another package manager takes it out, or puts it in. */
export const isSameScript = (script: unknown, other: string): script is string =>
  typeof script === 'string' && withoutExec(script) === withoutExec(other);

/** The same script for another task. */
export const startScriptLike = (script: string, runtime: string, taskFile: string): string =>
  `${script.startsWith(EXEC) ? EXEC : ''}${commandOf(runtime, taskFile)}`;

const withoutExec = (script: string): string => (script.startsWith(EXEC) ? script.slice(EXEC.length) : script);

/** Whether pnpm runs scripts there by Yarn's shell: by its own file of settings, or by npm's, as it did before. */
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
    return ''; // a folder, or somebody else's: it says nothing then
  }
}
