/** Somebody else's package.json, for reading. */

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

  /** A property of an object in it: `textIn('scripts', 'test')`. */
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

  /** The package manager that it names, in `packageManager` (`pnpm@10.1.0`) or else in `devEngines`. */
  get packageManager(): string | undefined {
    const engines = this.#value['devEngines'];
    const said = isObject(engines) ? engines['packageManager'] : undefined;
    // If it is a list, any entry will do: take the first.
    const [first] = Array.isArray(said) ? said : [said];
    const name = isObject(first) ? first['name'] : undefined;
    return this.text('packageManager')?.split('@')[0] ?? (typeof name === 'string' ? name : undefined);
  }

  has(name: string): boolean {
    return this.#value[name] !== undefined;
  }

  /** Whether it depends on a package, in any way. */
  dependsOn(name: string): boolean {
    return this.rangeOf(name) !== undefined;
  }

  /** The version range of a package that it depends on; undefined if it does not depend on it. */
  rangeOf(name: string): string | undefined {
    return ['devDependencies', 'dependencies', 'peerDependencies', 'optionalDependencies']
      .map((kind) => this.textIn(kind, name))
      .find((range) => range !== undefined);
  }

  /** The globs of its workspaces: an array, or an object as in older versions of yarn. */
  get workspaces(): readonly string[] {
    const value = this.#value['workspaces'];
    const globs = isObject(value) ? value['packages'] : value;
    return Array.isArray(globs) ? globs.filter((glob): glob is string => typeof glob === 'string') : [];
  }

  /** Its comment, in which some tools say that they generated the file. */
  get remark(): string {
    return JSON.stringify(this.#value['//'] ?? '');
  }
}

/** The contents of a file. Throws a Refusal with exit code 3 if divvy cannot read it. */
export function readOrRefuse(file: string, shown: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw hostFileRefused(shown, `it cannot be read: ${(error as Error).message}`);
  }
}

/** Throws a Refusal with exit code 3, with file and line, if the file is not a JSON object. */
export function readPackageJson(folder: string, shown: string): PackageJson {
  const json = readJson(readOrRefuse(join(folder, PACKAGE_JSON), shown), 'json');
  if ('reason' in json) throw hostFileRefused(shown, json.reason, json.line);
  return new PackageJson(valueAt(json, []) as object);
}

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The package's own folder, or one above it. */
export interface Level {
  /** Absolute, without symbolic links. */
  readonly folder: string;
  readonly packageJson: PackageJson | undefined;
}
