/**
 * Loads modules of this runtime faster than an import alone. Runs in the master and in workers. Internal.
 *
 * To Node.js an import is a name: it looks for the file, follows links, and reads the package.json files above it to
 * learn what it is. Of our own files all of that is known, and it is a third of the time that they take to load. So
 * while they are loaded, and only then, a hook answers for them.
 *
 * Plain JavaScript, because run.mjs and worker/start.mjs load it first.
 */

import { realpathSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('.', import.meta.url).href;

/** Resolves with what `imports` resolves with: modules of this runtime. Nothing of the task may be loaded meanwhile. */
export async function load(imports) {
  const hooks = isWhereItSays() ? registerHooks({ resolve }) : undefined;
  try {
    return await imports();
  } finally {
    hooks?.deregister();
  }
}

function resolve(name, context, next) {
  const isOurs = name.startsWith('.') && name.endsWith('.ts') && context.parentURL?.startsWith(ROOT);
  if (!isOurs) return next(name, context);
  return { url: new URL(name, context.parentURL).href, format: 'module-typescript', shortCircuit: true };
}

/** With --preserve-symlinks-main this folder may be a link. Node.js then knows its files by other names later. */
function isWhereItSays() {
  const folder = fileURLToPath(ROOT);
  return `${realpathSync(folder)}/` === folder;
}
