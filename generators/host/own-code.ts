/** Whether Node.js cannot load a package's own code by itself, so that a task which imports it needs tsx. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from './hints.ts';
import type { Place } from './place.ts';

/** Packages that run TypeScript in another way than Node.js does. */
const LOADERS = ['tsx', 'ts-node', 'tsconfig-paths', '@swc-node/register', 'esbuild-register'];

/**
 * Decides without reading the code. Signs are: a package that loads TypeScript; path aliases in a tsconfig; a module
 * resolution that people choose to import without file endings; TypeScript in a CommonJS package.
 */
export function needsLoader({ levels, isModule }: Place): boolean {
  if (levels.some(({ packageJson }) => LOADERS.some((name) => packageJson?.dependsOn(name)))) return true;
  const [own] = levels;
  if (own === undefined) return false;
  const names = readdirSync(own.folder).filter((name) => /^tsconfig(\.[\w.-]+)?\.json$/.test(name));
  const texts = names.map((name) => textOf(join(own.folder, name)));
  return (
    (names.length > 0 && !isModule) ||
    texts.some((text) => /"paths"\s*:|"moduleResolution"\s*:\s*"(bundler|node)/i.test(text))
  );
}

/** Whether the package, or one above it, depends on tsx. */
export const hasTsx = ({ levels }: Place): boolean => levels.some(({ packageJson }) => packageJson?.dependsOn('tsx'));
