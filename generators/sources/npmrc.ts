/**
 * The .npmrc of a project, which is not read for templates: a repository that somebody was given must not say where a
 * package comes from. But it may be the only place that knows a private registry, and in any other one anybody may have
 * taken the package's name. So a line of it that would have mattered is found, and said.
 */

import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stat } from '../change-set/disk.ts';
import { homeFolder } from './trust.ts';

export interface IgnoredLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `registry` or `@acme:registry`. */
  readonly key: string;
  readonly registry: string;
}

export const scopeOf = (name: string): string | undefined => /^(@[^/]+)\//.exec(name)?.[1];

/** The line that names the registry of a package, in the nearest .npmrc of a project from a folder upwards. */
export function ignoredLineFor(name: string, from: string, environment: NodeJS.ProcessEnv): IgnoredLine | undefined {
  const own = new Set([realPath(ownFile(environment))]);
  const scope = scopeOf(name);
  const keys = [...(scope === undefined ? [] : [`${scope}:registry`]), 'registry'];
  for (let folder = from; ; folder = dirname(folder)) {
    const file = join(folder, '.npmrc');
    const isProject =
      folder === from || ['package.json', 'node_modules'].some((entry) => stat(join(folder, entry)) !== undefined);
    const path = isProject ? realPath(file) : undefined;
    const found = path === undefined || own.has(path) ? undefined : lineIn(file, keys, environment);
    if (found !== undefined || dirname(folder) === folder) return found;
  }
}

function ownFile(environment: NodeJS.ProcessEnv): string {
  const named = environment['npm_config_userconfig'] ?? environment['NPM_CONFIG_USERCONFIG'];
  return named || join(environment['HOME'] || (homeFolder() ?? '/'), '.npmrc');
}

function realPath(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

/** Of two lines with one key npm takes the last one. */
function lineIn(file: string, keys: readonly string[], environment: NodeJS.ProcessEnv): IgnoredLine | undefined {
  let lines: readonly string[];
  try {
    lines = readFileSync(file, 'utf8').split('\n');
  } catch {
    return undefined; // It is a folder, or not for this person to read: npm could not either.
  }
  for (const wanted of keys) {
    for (const [index, text] of [...lines.entries()].reverse()) {
      const [, key, value = ''] = /^\s*([^;#=\s][^=\s]*)\s*=\s*(.*?)\s*$/.exec(text) ?? [];
      if (key !== wanted || value === '') continue;
      const plain = value.replace(/^(["'])(.*)\1$/, '$2');
      const registry = plain.replace(/\$\{([^}?]+)\??\}/g, (all, name: string) => environment[name] ?? all);
      return { file, line: index + 1, key, registry };
    }
  }
  return undefined;
}

/** Whether two addresses of registries are one. */
export const isSameRegistry = (one: string, other: string): boolean => asAddress(one) === asAddress(other);

function asAddress(text: string): string {
  const url = URL.parse(text);
  return url === null ? text : `${url.protocol}//${url.host}${url.pathname.replace(/\/*$/, '/')}`;
}
