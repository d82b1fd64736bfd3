/**
 * Loads what --import and divvy.json name before the task file: such as tsx, which loads what Node.js does not. Runs in the
 * master and in every worker. Internal.
 */

import fs from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { importMissing, importThrew } from '../errors.ts';

/** How Node.js says, only when it loads a module, that there is none of that name. */
const NO_SUCH = ['ERR_UNKNOWN_BUILTIN_MODULE', 'ERR_UNSUPPORTED_ESM_URL_SCHEME'];

/**
 * A module as `loadImports` takes it: a path (which begins with `./`, `../` or `/`) as the URL of its file; anything else as it
 * is, a URL or a name to be found from the task file.
 *
 * folder - which a path is from.
 */
export function moduleFrom(folder: string, name: string): string {
  return /^\.{0,2}\//.test(name) ? pathToFileURL(path.resolve(folder, name)).href : name;
}

/**
 * Loads modules, one after another.
 *
 * taskFile - from which names are found, as if it imported them.
 *
 * Throws UsageError for one that is not there; TaskError for one that throws.
 */
export async function loadImports(taskFile: string, modules: readonly string[]): Promise<void> {
  for (const name of modules) {
    if (name.startsWith('file:')) await loadFile(name);
    else await loadByName(taskFile, name);
  }
}

async function loadFile(url: string): Promise<void> {
  let file = url;
  let isFile: boolean;
  try {
    file = fileURLToPath(url);
    isFile = fs.statSync(file).isFile();
  } catch (error) {
    throw importMissing(file, error);
  }
  if (!isFile) throw importMissing(file, 'it is a folder');
  try {
    await import(url);
  } catch (error) {
    throw importThrew(file, error);
  }
}

/** Node.js finds a name from the file that imports it. This file imports another name, for which the task file's is found. */
async function loadByName(taskFile: string, name: string): Promise<void> {
  const parentURL = pathToFileURL(taskFile).href;
  const address = `divvy-import:${name}`;
  let isAsked = false;
  let isFound = false;
  let hooks: ReturnType<typeof registerHooks> | undefined;
  try {
    hooks = registerHooks({
      resolve: (specifier, context, next) => {
        if (specifier !== address) return next(specifier, context);
        isAsked = true;
        const found = next(name, { ...context, parentURL });
        isFound = true;
        return found;
      },
    });
    await import(address);
  } catch (error) {
    // A test runner that loads this file by its own means, such as Vitest, does not ask.
    if (!isAsked) return loadFile(fileByName(taskFile, name));
    const { code = '' } = Object(error) as { code?: string };
    throw isFound && !NO_SUCH.includes(code) ? importThrew(name, error) : importMissing(name, error, taskFile);
  } finally {
    hooks?.deregister();
  }
}

/** Where a package that is named is, found as `require` does. */
function fileByName(taskFile: string, name: string): string {
  try {
    return pathToFileURL(createRequire(taskFile).resolve(name)).href;
  } catch (error) {
    throw importMissing(name, error, taskFile);
  }
}
