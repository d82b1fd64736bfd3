/** The tsconfig in the folder of the tasks. */

import { existsSync } from 'node:fs';
import { join, posix } from 'node:path';
import { ownCodeOf } from '../host/own-code.ts';
import type { Place } from '../host/place.ts';
import { parseJson } from '../json/parse.ts';
import { read } from '../package.ts';
import type { Manifest } from '../project/manifest.ts';

/**
 * Returns the text of the tsconfig: with the same rules as in a new project; or, if a task may import code that only the
 * package's own settings fit (path aliases, enums and the like), with those.
 */
export function taskTsconfig(place: Place, { tasks, runtime }: Manifest): string {
  const { compilerOptions } = parseJson(read('templates/_project/tsconfig.json')) as {
    compilerOptions: object;
  };
  const include = ['.', posix.relative(tasks, runtime)];
  const isExtending = existsSync(join(place.root, 'tsconfig.json')) && ownCodeOf(place, [tasks, runtime]).needsLoader;
  const up = posix.relative(tasks, '.');
  const extending = {
    extends: `${up}/tsconfig.json`,
    compilerOptions: { ...BY_LOADER, rootDir: up },
    include,
    exclude: [],
  };
  return `${JSON.stringify(isExtending ? extending : { compilerOptions, include }, null, 2)}\n`;
}

/** For code that tsx loads: what a package's own settings may say otherwise, and nothing is written. */
const BY_LOADER = {
  target: 'es2024',
  module: 'preserve',
  moduleResolution: 'bundler',
  types: ['node'],
  noEmit: true,
  composite: false,
  incremental: false,
  declaration: false,
  declarationMap: false,
  emitDeclarationOnly: false,
  isolatedDeclarations: false,
  erasableSyntaxOnly: false,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
};
