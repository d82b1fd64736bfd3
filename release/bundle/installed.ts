/** The packages of others, as they are installed here. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where they are. */
export const modules = join(import.meta.dirname, '../../node_modules');

/** The folder of the package that a module is of, if it is of one. */
export function packageFolder(id: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0];
}

interface PackageJson {
  name: string;
  version: string;
  license?: string;
  author?: string | { name: string };
}

export function packageJson(folder: string): PackageJson {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
