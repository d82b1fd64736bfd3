/**
 * Finds code of a package that Node.js can't load by itself. A task that imports it needs tsx, or what the build writes.
 * divvy looks for signs and examples; it doesn't follow imports.
 */

import { readdirSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { textOf } from './hints.ts';
import type { Place } from './place.ts';

/** The package's own code, as a task meets it. */
export interface OwnCode {
  /** What Node.js can't load, in words, each with an example. */
  readonly found: readonly string[];
  /** A task that imports it needs a program that loads TypeScript: tsx. */
  readonly needsLoader: boolean;
  /** Its decorators need metadata, which only the compiler writes. */
  readonly needsBuild: boolean;
  /** It depends on tsx, or a package above it does. */
  readonly hasTsx: boolean;
}

/** Packages that run TypeScript in another way than Node.js does. */
const LOADERS = ['tsx', 'ts-node', 'tsconfig-paths', '@swc-node/register', 'esbuild-register'];

/** How many files to read, and how large each may be, in bytes: a large package shows its habits early. */
const FILES_MAX = 300;
const BYTES_MAX = 200_000;
const LEFT_OUT = /^(node_modules|dist|build|out|coverage|vendor|\..*)$/;

/** What Node.js can't load, by what a line of code looks like. */
const SIGNS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['enums', /^[ \t]*(?:export )?(?:const )?enum \w+ *\{/m],
  ['namespaces', /^[ \t]*(?:export )?namespace [\w.]+ *\{/m],
  ['parameter properties', /\bconstructor\([^)]*\b(?:private|public|protected|readonly) \w+/],
  ['decorators', /^[ \t]*@[A-Z]\w*\(/m],
  [
    'imports without a file ending',
    /\bfrom ['"]\.{1,2}\/[^'"]+(?<!\.(?:[cm]?[jt]sx?|json|css|scss|svg|png|node|wasm))['"]/,
  ],
];

/** Looks at the package. `besides` are divvy's own folders, relative to it. */
export function ownCodeOf({ root, levels, isModule }: Place, besides: readonly string[]): OwnCode {
  const hasTsx = levels.some(({ packageJson }) => packageJson?.dependsOn('tsx'));
  const names = readdirSync(root).filter((name) => /^tsconfig(\.[\w.-]+)?\.json$/.test(name));
  const settings = names.map((name) => textOf(join(root, name)));
  const aliases = settings.flatMap((text) => /"paths"\s*:\s*\{\s*"([^"]+)"/.exec(text)?.[1] ?? []);
  const found = [
    ...aliases.slice(0, 1).map((alias) => `path aliases (${alias})`),
    ...(names.length > 0 ? examplesIn(root, besides) : []),
    ...(names.length > 0 && !isModule ? ['TypeScript of a CommonJS package'] : []),
  ];
  const isBundled = settings.some((text) => /"moduleResolution"\s*:\s*"(bundler|node)/i.test(text));
  const loads = levels.some(({ packageJson }) => LOADERS.some((name) => packageJson?.dependsOn(name)));
  return {
    found,
    needsLoader: loads || isBundled || found.length > 0,
    needsBuild: settings.some((text) => /"emitDecoratorMetadata"\s*:\s*true/.test(text)),
    hasTsx,
  };
}

/** Returns what was found in the sources, each with the first place. */
function examplesIn(root: string, besides: readonly string[]): string[] {
  const examples = new Map<string, string>();
  for (const file of sourcesIn(root, besides)) {
    const text = textOf(file);
    for (const [what, pattern] of SIGNS) {
      const match = examples.has(what) ? undefined : pattern.exec(text);
      if (!match) continue;
      const line = text.slice(0, match.index).split('\n').length;
      examples.set(what, `${what} (${relative(root, file).replaceAll('\\', '/')}:${line})`);
    }
    if (examples.size === SIGNS.length) break;
  }
  return SIGNS.flatMap(([what]) => examples.get(what) ?? []);
}

/** Yields the TypeScript files of a folder and of those below it, up to a number of them. */
function* sourcesIn(root: string, besides: readonly string[]): Generator<string> {
  const folders = [root];
  let left = FILES_MAX;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory() && !LEFT_OUT.test(entry.name) && !besides.includes(relative(root, path)))
        folders.push(path);
      if (!entry.isFile() || !/(?<!\.d)\.[cm]?tsx?$/.test(entry.name) || statSync(path).size > BYTES_MAX) continue;
      yield path;
      left -= 1;
      if (left === 0) return;
    }
  }
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((one, other) => (one.name < other.name ? -1 : 1));
  } catch {
    return []; // divvy may not read it
  }
}
