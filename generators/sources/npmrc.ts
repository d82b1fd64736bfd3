/**
 * A project's .npmrc, and similar files of other package managers. divvy does not obey them for templates: a repository
 * from somebody else must not decide where a package comes from. But such a file may be the only place that names a
 * private registry, and in any other registry somebody may have taken the package's name. So divvy finds the line that
 * would have mattered and reports it.
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

/** The line that names a package's registry, in the nearest project settings, from a folder upwards. */
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
    return []; // It is a folder, or this person may not read it: then its own program could not read it either.
  }
}

function withVariables({ registry, says, ...line }: IgnoredLine, environment: NodeJS.ProcessEnv): IgnoredLine {
  // npm has `${NAME?}`; Yarn has `${NAME:-default}`.
  const filled = (text: string) =>
    text.replace(
      /\$\{([^}?:-]+)(?:\?|:?-([^}]*))?\}/g,
      (all, name: string, without?: string) => environment[name] || (without ?? environment[name] ?? all),
    );
  return { ...line, registry: filled(registry), says: filled(says) };
}

/** Whether two addresses name the same registry. */
export const isSameRegistry = (one: string, other: string): boolean => asAddress(one) === asAddress(other);

function asAddress(text: string): string {
  const url = URL.parse(text);
  // Yarn's name for the public registry.
  const host = url?.host === 'registry.yarnpkg.com' ? 'registry.npmjs.org' : url?.host;
  return url === null ? text : `${url.protocol}//${host}${url.pathname.replace(/\/*$/, '/')}`;
}
