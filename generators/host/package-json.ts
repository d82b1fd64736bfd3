/** A package.json of somebody else's, as far as it is read. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { readJson, valueAt } from '../json/text.ts';
import { hostFileRefused } from './errors.ts';

export class PackageJson {
  readonly #value: { readonly [name: string]: unknown };

  constructor(value: object) {
    this.#value = value as { readonly [name: string]: unknown };
  }

  text(name: string): string | undefined {
    const value = this.#value[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** The property of an object in it, such as `script('scripts', 'test')`. */
  textIn(object: string, name: string): string | undefined {
    const value = this.#value[object];
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
    return typeof value[name] === 'string' ? value[name] : undefined;
  }

  /** The command lines of its scripts. */
  get scripts(): readonly string[] {
    const scripts = this.#value['scripts'];
    return Object.values(isObject(scripts) ? scripts : {}).filter((each) => typeof each === 'string');
  }

  /** The package manager that it says it is worked with, by `packageManager` (`pnpm@10.1.0`) or else by `devEngines`. */
  get packageManager(): string | undefined {
    const engines = this.#value['devEngines'];
    const said = isObject(engines) ? engines['packageManager'] : undefined;
    // One of a list is as good as another.
    const [first] = Array.isArray(said) ? said : [said];
    const name = isObject(first) ? first['name'] : undefined;
    return this.text('packageManager')?.split('@')[0] ?? (typeof name === 'string' ? name : undefined);
  }

  has(name: string): boolean {
    return this.#value[name] !== undefined;
  }

  /** Whether a package is among those that it depends on, in any way. */
  dependsOn(name: string): boolean {
    return this.rangeOf(name) !== undefined;
  }

  /** Which versions of a package it takes; undefined where it does not depend on it. */
  rangeOf(name: string): string | undefined {
    return ['devDependencies', 'dependencies', 'peerDependencies', 'optionalDependencies']
      .map((kind) => this.textIn(kind, name))
      .find((range) => range !== undefined);
  }

  /** The globs of its workspaces: as an array, or as yarn had it. */
  get workspaces(): readonly string[] {
    const value = this.#value['workspaces'];
    const globs = isObject(value) ? value['packages'] : value;
    return Array.isArray(globs) ? globs.filter((glob): glob is string => typeof glob === 'string') : [];
  }

  /** Its comment, where some tools say that they have made it. */
  get remark(): string {
    return JSON.stringify(this.#value['//'] ?? '');
  }
}

/** What a file holds. Throws a Refusal with exit code 3 where that must not be read. */
export function readOrRefuse(file: string, shown: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw hostFileRefused(shown, `it cannot be read: ${(error as Error).message}`);
  }
}

/** Throws a Refusal with exit code 3, with file and line, where it is no JSON object. */
export function readPackageJson(folder: string, shown: string): PackageJson {
  const json = readJson(readOrRefuse(join(folder, PACKAGE_JSON), shown), 'json');
  if ('reason' in json) throw hostFileRefused(shown, json.reason, json.line);
  return new PackageJson(valueAt(json, []) as object);
}

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A folder from the package's own upwards. */
export interface Level {
  /** Absolute, without symbolic links. */
  readonly folder: string;
  readonly packageJson: PackageJson | undefined;
}
