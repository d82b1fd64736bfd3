/** Reads the files that this package ships, and its version. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseJson } from './json/parse.ts';

/** The package's folder. This file is one folder below it, both as source and as a bundle. */
const packageFolder: string = fileURLToPath(new URL('..', import.meta.url));

/** The version of this package. */
export const version: string = (parseJson(read('package.json')) as { version: string }).version;

/** A shipped file's bytes. `path` is relative to the package, with `/`. */
export function read(path: string): Buffer {
  return readFileSync(`${packageFolder}${path}`);
}

/** The same for a file that only the published package has; undefined if there is none. */
export const readIfThere = (path: string): Buffer | undefined =>
  existsSync(`${packageFolder}${path}`) ? read(path) : undefined;

/** The folders in a shipped folder, sorted by code units. */
export function foldersIn(folder: string): string[] {
  const entries = readdirSync(`${packageFolder}${folder}`, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/**
 * The files below a shipped folder, relative to it, with `/`, sorted by code units. Folder by folder: under Yarn's Plug'n'Play
 * the package is an archive, and what is listed there at once does not say which folder it is in.
 */
export function filesBelow(folder: string): string[] {
  const below = (path: string): string[] =>
    readdirSync(`${packageFolder}${folder}/${path}`, { withFileTypes: true }).flatMap((entry) => {
      if (entry.isDirectory()) return below(`${path}${entry.name}/`);
      return entry.isFile() ? [`${path}${entry.name}`] : [];
    });
  return below('').sort();
}
