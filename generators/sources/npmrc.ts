/**
 * The .npmrc of a project, and its like of other package managers, which are not read for templates: a repository that somebody was given must not say where a
 * package comes from. But it may be the only place that knows a private registry, and in any other one anybody may have
 * taken the package's name. So a line of it that would have mattered is found, and said.
 */

import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { REGISTRIES_IN, type Setting } from './registries.ts';
import { homeFolder } from './trust.ts';

export interface IgnoredLine extends Setting {
  readonly file: string;
}

export const scopeOf = (name: string): string | undefined => /^(@[^/]+)\//.exec(name)?.[1];

/** The line that names the registry of a package, in the nearest settings of a project from a folder upwards. */
export function ignoredLineFor(name: string, from: string, environment: NodeJS.ProcessEnv): IgnoredLine | undefined {
  const own = new Set([realPath(ownFile(environment))]);
  const scope = scopeOf(name);
  const keys = [...(scope === undefined ? [] : [`${scope}:registry`]), 'registry'];
  for (let folder = from; ; folder = dirname(folder)) {
    const isProject =
      folder === from || ['package.json', 'node_modules'].some((entry) => stat(join(folder, entry)) !== undefined);
    const lines = isProject ? Object.keys(REGISTRIES_IN).flatMap((name) => linesIn(join(folder, name), own)) : [];
    const found = keys.map((key) => lines.find((line) => line.key === key)).find((line) => line !== undefined);
    if (found !== undefined || dirname(folder) === folder) return found && withVariables(found, environment);
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

function linesIn(file: string, own: ReadonlySet<string | undefined>): IgnoredLine[] {
  const path = realPath(file);
  if (path === undefined || own.has(path)) return [];
  try {
    const settings = REGISTRIES_IN[basename(file)]?.(readFileSync(file, 'utf8')) ?? [];
    return settings.map((each) => ({ ...each, file }));
  } catch {
    return []; // It is a folder, or not for this person to read: its own program could not either.
  }
}

function withVariables({ registry, says, ...line }: IgnoredLine, environment: NodeJS.ProcessEnv): IgnoredLine {
  // npm has `${NAME?}`, Yarn `${NAME:-what holds without it}`.
  const filled = (text: string) =>
    text.replace(
      /\$\{([^}?:-]+)(?:\?|:?-([^}]*))?\}/g,
      (all, name: string, without?: string) => environment[name] || (without ?? environment[name] ?? all),
    );
  return { ...line, registry: filled(registry), says: filled(says) };
}

/** Whether two addresses of registries are one. */
export const isSameRegistry = (one: string, other: string): boolean => asAddress(one) === asAddress(other);

function asAddress(text: string): string {
  const url = URL.parse(text);
  // Yarn's name for the public one.
  const host = url?.host === 'registry.yarnpkg.com' ? 'registry.npmjs.org' : url?.host;
  return url === null ? text : `${url.protocol}//${host}${url.pathname.replace(/\/*$/, '/')}`;
}
