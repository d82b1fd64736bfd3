/** Whether a package's own code is of a kind that Node.js does not load by itself, and so needs tsx where a task imports it. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { textOf } from './hints.ts';
import type { Place } from './place.ts';

/** What a package has that runs its TypeScript by another way than Node.js's own. */
const LOADERS = ['tsx', 'ts-node', 'tsconfig-paths', '@swc-node/register', 'esbuild-register'];

/**
 * What shows it without looking through the code: a package that loads it; aliases in a tsconfig; imports without endings, which
 * that resolution is chosen for; TypeScript in a CommonJS package.
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

/** Whether tsx is among what the package or one above it depends on. */
export const hasTsx = ({ levels }: Place): boolean => levels.some(({ packageJson }) => packageJson?.dependsOn('tsx'));
