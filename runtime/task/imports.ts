/**
 * Loads the modules that --import and divvy.json name, before the task file: for example tsx, which loads files that
 * Node.js can't. Runs in the master and in every worker. Internal.
 */

import fs from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { importMissing, importThrew } from '../errors.ts';

/** Errors that Node.js throws only when it loads a module, and that mean that no module has this name. */
const NO_SUCH = ['ERR_UNKNOWN_BUILTIN_MODULE', 'ERR_UNSUPPORTED_ESM_URL_SCHEME'];

/**
 * Returns a module in the form that `loadImports` takes. A path (it begins with `./`, `../` or `/`) becomes the URL of
 * its file. Anything else stays as it is: a URL, or a name to find from the task file.
 *
 * folder - the folder from which a path is taken.
 */
export function moduleFrom(folder: string, name: string): string {
  return /^\.{0,2}\//.test(name) ? pathToFileURL(path.resolve(folder, name)).href : name;
}

/**
 * Loads modules, one after another.
 *
 * taskFile - names are found from it, as if it imported them.
 *
 * Throws UsageError if a module does not exist; TaskError if it throws.
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

/**
 * Node.js finds a name from the file that imports it. So this file imports a made-up name, and the hook finds the real
 * name from the task file.
 */
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
    // A test runner with its own loader, such as Vitest, does not call the hook.
    if (!isAsked) return loadFile(fileByName(taskFile, name));
    const { code = '' } = Object(error) as { code?: string };
    throw isFound && !NO_SUCH.includes(code) ? importThrew(name, error) : importMissing(name, error, taskFile);
  } finally {
    hooks?.deregister();
  }
}

/** Finds a package by its name, as `require` does. */
function fileByName(taskFile: string, name: string): string {
  try {
    return pathToFileURL(createRequire(taskFile).resolve(name)).href;
  } catch (error) {
    throw importMissing(name, error, taskFile);
  }
}
