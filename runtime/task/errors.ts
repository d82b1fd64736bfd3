/** The error for a task file that can't be loaded, and how to fix it. Runs in the master and in workers. Internal. */

import fs from 'node:fs';
import path from 'node:path';
import { nameAndMessage, TaskError, toItemError } from '../errors.ts';
import { projectOf } from './project.ts';

/** `imports` are the modules that were loaded before it: one of them may load more than Node.js can. */
export const taskFileThrew = (file: string, error: unknown, imports: readonly string[]): TaskError =>
  new TaskError(
    `the task file cannot be loaded: ${file}: ${nameAndMessage(error)}; ${whatToMend(file, error, imports)}`,
    error,
  );

/** How to load TypeScript that Node.js can't load. */
const BY_TSX = 'install tsx (npm install --save-dev tsx) and add --import tsx';
const BUILT = 'import what your build writes, such as dist/, in place of the source';

/** Messages of Node.js about a module that it takes for CommonJS, or the other way round. */
const OF_OTHER_KIND =
  /does not provide an export named|^Named export|outside a module|^Unexpected token 'export'|^(require|module|exports) is not defined/;

function whatToMend(file: string, error: unknown, imports: readonly string[]): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  const { message, stack = '' } = toItemError(error);
  const hasTsx = imports.some((name) => /\btsx\b/.test(name));
  const orTsx = (joined: string): string => (hasTsx ? '' : `${joined} ${BY_TSX}`);
  if (code === 'ERR_MODULE_NOT_FOUND') {
    const [, name] = /^Cannot find package '([^']+)'/.exec(message) ?? [];
    if (name !== undefined) return packageMissing(file, name, orTsx);
    if (/\/(dist|build|out|output|lib)\/.*\.[cm]?js' imported/.test(message))
      return 'build first, if your build writes that file; otherwise check the path of the import';
    // Many write .js although the file is .ts, because their compiler wants it.
    if (/\.(?!js')\w+' imported from/.test(message)) return 'check the path of the import';
    return `check the path of the import: Node.js wants the whole name of the file, such as ./rows.ts${orTsx('. To write it otherwise,')}`;
  }
  if (code === 'ERR_UNSUPPORTED_DIR_IMPORT') return `name the file, such as ./rows/index.ts${orTsx('; or')}`;
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return `Node.js only strips types: write it without enum, namespace and parameter properties${orTsx('; or')}`;
  if (OF_OTHER_KIND.test(message))
    return `check the name that is imported${orTsx('. If the file is TypeScript of a CommonJS package,')}`;
  // That of the package server-only.
  if (message.includes('cannot be imported from a Client Component'))
    return 'it is for a server of React: start the run with NODE_OPTIONS=--conditions=react-server, for its workers too';
  if (!(error instanceof SyntaxError)) return 'fix it and run again';
  const [, place, text] = /^(?:file:\/\/)?(\/.*:\d+)\n(.*)\n/.exec(stack) ?? [];
  if (text?.trimStart().startsWith('@'))
    return `${place} has a decorator, and Node.js knows none: ${BUILT}${orTsx('. If nothing there needs the metadata of decorators, as NestJS does, you can also')}`;
  return place === undefined ? `fix it; node ${file} shows where it is` : `fix it: ${place}`;
}

function packageMissing(file: string, name: string, orTsx: (joined: string) => string): string {
  if (isListed(file, name)) return 'package.json lists it: install what it lists, with npm install';
  const alias = `. If it is a path alias of tsconfig.json, ${BUILT}${orTsx('; or')}`;
  return `check the name of the import, or install the package${alias}`;
}

function isListed(file: string, name: string): boolean {
  try {
    const text = fs.readFileSync(path.join(projectOf(file), 'package.json'), 'utf8');
    const { dependencies, devDependencies } = JSON.parse(text) as Record<string, object | undefined>;
    return Object.hasOwn({ ...dependencies, ...devDependencies }, name);
  } catch {
    return false; // there is none, or it can't be read
  }
}
