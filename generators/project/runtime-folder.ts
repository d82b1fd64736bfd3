/** `--runtime-dir`: which folders the runtime may be put in. */

import { whyUnsafe } from '../disk/paths.ts';
import { badRuntimeFolder } from '../terminal/errors.ts';

export const DEFAULT_RUNTIME_DIR = 'vendor/divvy';

/** The folder without `./` before it and a slash at its end. Throws a Refusal with exit code 2 for one that it cannot be. */
export function runtimeFolder(given: string | undefined): string {
  if (given === undefined) return DEFAULT_RUNTIME_DIR;
  // `./` before it is how paths are often written, and a slash behind it how shells complete them.
  const folder = withoutSlash(given.replace(/^(\.\/+)+/, ''));
  const reason = whyNotRuntimeFolder(folder);
  if (reason !== undefined) throw badRuntimeFolder(given, reason);
  return folder;
}

/** Why the runtime cannot be in a folder; undefined where it can. */
export function whyNotRuntimeFolder(given: string): string | undefined {
  const folder = withoutSlash(given);
  const taken = ['tasks', 'divvy-tasks', 'test'].find((other) => folder === other || folder.startsWith(`${other}/`));
  return whyUnsafe(folder) ?? (taken && `${taken}/ is for your own files`) ?? whyNotInScripts(folder);
}

const withoutSlash = (folder: string): string => folder.replace(/\/+$/, '');

/** Why a folder cannot be one of a project's; undefined where it can. */
export const whyNotFolder = (folder: string): string | undefined => whyUnsafe(folder) ?? whyNotInScripts(folder);

/** The folder stands in the scripts of package.json, which every shell reads in its own way, and in JSON and globs. */
const whyNotInScripts = (folder: string): string | undefined =>
  /^[\w.@/-]+$/.test(folder) && !folder.startsWith('-') ? undefined : 'it may have letters, digits and . _ - @ / only';
