/** Reads registries from the settings of package managers, in a project's own files. */

import { parseYaml } from '../json/yaml.ts';

/** A setting as npm would write it, and the line that it is in. */
export interface Setting {
  /** `registry` or `@acme:registry`. */
  readonly key: string;
  readonly registry: string;
  /** From 1. */
  readonly line: number;
  /** The meaning of the line, in the syntax of its own file. */
  readonly says: string;
}

/** A reader for each file name, in the order in which divvy looks at the files. */
export const REGISTRIES_IN: Readonly<Record<string, (text: string) => readonly Setting[]>> = {
  '.npmrc': inNpmrc,
  '.yarnrc': inYarnrc,
  '.yarnrc.yml': inYarnrcYml,
  'pnpm-workspace.yaml': inPnpmWorkspace,
  'bunfig.toml': inBunfig,
};

/** If a key is there twice, npm takes the last line; `;` and `#` start a comment. */
function inNpmrc(text: string): Setting[] {
  const form = /^\s*(?<key>[^;#=\s][^=\s]*)\s*=\s*(?<value>"[^"]*"|'[^']*'|[^;#]*?)\s*(?:[;#].*)?$/;
  return inLines(text, form).toReversed();
}

/** Yarn 1; it takes the last line too. */
function inYarnrc(text: string): Setting[] {
  return inLines(text, /^\s*"?(?<key>(?:@[^:"\s]+:)?registry)"?\s+(?<value>\S+)\s*$/).toReversed();
}

function inLines(text: string, form: RegExp): Setting[] {
  return text.split('\n').flatMap((each, index) => {
    const { key = '', value = '' } = form.exec(each)?.groups ?? {};
    const registry = value.replace(/^(["'])(.*)\1$/, '$2');
    return /^(@[^:]+:)?registry$/.test(key) && registry !== ''
      ? [{ key, registry, line: index + 1, says: `${key}=${registry}` }]
      : [];
  });
}

function inYarnrcYml(text: string): Setting[] {
  const { npmRegistryServer, npmScopes } = tableIn(text);
  const scopes = Object.entries(asTable(npmScopes)).map(([scope, its]) => {
    const at = `npmScopes.${scope}.npmRegistryServer`;
    return setting(text, keyOf(scope), at, asTable(its)['npmRegistryServer']);
  });
  return [...scopes.flat(), ...setting(text, 'registry', 'npmRegistryServer', npmRegistryServer)];
}

function inPnpmWorkspace(text: string): Setting[] {
  const { registry, registries } = tableIn(text);
  const named = Object.entries(asTable(registries)).flatMap(([scope, its]) =>
    setting(text, scope === 'default' ? 'registry' : keyOf(scope), `registries.${scope}`, its),
  );
  return [...named, ...setting(text, 'registry', 'registry', registry)];
}

/**
 * Reads as much TOML as this file needs: each setting is on its own line, and a registry is a string or a table with a
 * `url`.
 */
function inBunfig(text: string): Setting[] {
  let section = '';
  return text.split('\n').flatMap((each, index) => {
    const [, header] = /^\s*\[\s*([^\]]+?)\s*\]/.exec(each) ?? [];
    if (header !== undefined) {
      section = `${header}.`;
      return [];
    }
    const [, key = '', value = ''] = /^\s*([^#=]+?)\s*=\s*(.*)$/.exec(each) ?? [];
    const at = `${section}${key}`.replaceAll(/["'\s]/g, '').replace(/\.url$/, '');
    const [, registry] = /^(?:\{.*\burl\s*=\s*)?["']([^"']+)["']/.exec(value) ?? [];
    const [, scope] = /^install\.scopes\.([^.]+)$/.exec(at) ?? [];
    if (registry === undefined || (scope === undefined && at !== 'install.registry')) return [];
    const npms = scope === undefined ? 'registry' : keyOf(scope);
    return [{ key: npms, registry, line: index + 1, says: `${at} = ${registry}` }];
  });
}

const keyOf = (scope: string): string => `${scope.startsWith('@') ? '' : '@'}${scope}:registry`;

/** The reported line is that of the address, wherever its keys are. */
function setting(text: string, key: string, at: string, registry: unknown): Setting[] {
  if (typeof registry !== 'string' || registry === '') return [];
  const line = text.split('\n').findIndex((each) => each.includes(registry)) + 1;
  return [{ key, registry, line: Math.max(line, 1), says: `${at}: ${registry}` }];
}

type Table = { readonly [name: string]: unknown };

function tableIn(text: string): Table {
  try {
    return asTable(parseYaml(text));
  } catch {
    return {}; // Its own program could not read it either.
  }
}

const asTable = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {};
