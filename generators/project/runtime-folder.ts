/** `--runtime-dir`: the folder for the runtime. */

import { whyUnsafe } from '../disk/paths.ts';
import { badRuntimeFolder } from '../terminal/errors.ts';

export const DEFAULT_RUNTIME_DIR = 'vendor/divvy';

/**
 * Returns the folder without a leading `./` and a trailing slash. Throws a Refusal with exit code 2 if the runtime
 * cannot be there.
 */
export function runtimeFolder(given: string | undefined): string {
  if (given === undefined) return DEFAULT_RUNTIME_DIR;
  // People often write a leading `./`, and shells complete with a trailing slash.
  const folder = withoutSlash(given.replace(/^(\.\/+)+/, ''));
  const reason = whyNotRuntimeFolder(folder);
  if (reason !== undefined) throw badRuntimeFolder(given, reason);
  return folder;
}

/** Why the runtime cannot be in a folder; undefined if it can. */
export function whyNotRuntimeFolder(given: string): string | undefined {
  const folder = withoutSlash(given);
  const taken = ['tasks', 'divvy-tasks', 'test'].find((other) => folder === other || folder.startsWith(`${other}/`));
  return whyUnsafe(folder) ?? (taken && `${taken}/ is for your own files`) ?? whyNotInScripts(folder);
}

const withoutSlash = (folder: string): string => folder.replace(/\/+$/, '');

/** Why a folder cannot be one of a project's; undefined if it can. */
export const whyNotFolder = (folder: string): string | undefined => whyUnsafe(folder) ?? whyNotInScripts(folder);

/**
 * The folder's name goes into scripts of package.json, which each shell reads in its own way, and into JSON and globs.
 */
const whyNotInScripts = (folder: string): string | undefined =>
  /^[\w.@/-]+$/.test(folder) && !folder.startsWith('-') ? undefined : 'it may have letters, digits and . _ - @ / only';
