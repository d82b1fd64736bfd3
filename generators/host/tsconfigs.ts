/**
 * The tsconfig files that would include divvy's folders. These folders have their own tsconfig, because other rules
 * apply to them than to the package. Only this file uses get-tsconfig.
 */

import { type Dirent, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, posix, relative, resolve } from 'node:path';
import { createFilesMatcher, parseTsconfig, type TsConfigJsonResolved } from 'get-tsconfig';
import { isBehindFolders, stat } from '../disk/disk.ts';
import { readJson, valueAt } from '../json/text.ts';
import type { Gathered } from '../terminal/gathered.ts';
import { Refusal } from '../terminal/refusal.ts';
import { excludeByHand, hostFileRefused } from './errors.ts';
import type { HostFile } from './host-file.ts';
import { readOrRefuse } from './package-json.ts';
import type { Place } from './place.ts';

/** TypeScript excludes these and its own output folders by default; an `exclude` replaces both. */
const LEFT_OUT_BY_DEFAULT = ['node_modules'];

interface Tsconfig {
  /** Absolute. */
  readonly path: string;
  readonly value: { readonly [name: string]: unknown };
  /** The value merged with what it extends. */
  readonly config: TsConfigJsonResolved;
}

/**
 * Excludes divvy's folders from every tsconfig that would include them: those in the package, those in the folders
 * above it, and those that they refer to.
 *
 * folders - the folders to exclude, relative to the package.
 * files - the files that are or will be in them.
 * open - opens one of the package's own files for editing.
 * attempt - collects a Refusal with exit code 3, with the line to add by hand, for a tsconfig that an insertion cannot
 * edit, that is a link, or that is outside the package.
 */
export function leaveOut(
  { root, levels }: Place,
  folders: readonly string[],
  files: readonly string[],
  open: (path: string) => HostFile,
  attempt: Gathered['attempt'],
): void {
  const beside = levels.flatMap(({ folder }) => tsconfigsIn(folder));
  const all = withReferences(beside, tsconfigsBelow(root), { root, top: levels.at(-1)?.folder ?? root });
  const bases = new Set(all.flatMap(basesOf));
  for (const tsconfig of all) attempt(() => leaveOutOf(tsconfig));

  function leaveOutOf(tsconfig: Tsconfig): void {
    const isEntry = /^[jt]sconfig\.json$/.test(basename(tsconfig.path));
    if (bases.has(tsconfig.path) && !isEntry) return;
    // This tsconfig is divvy's own.
    if (folders.some((folder) => tsconfig.path.startsWith(join(root, folder, '/')))) return;
    const { config } = tsconfig;
    const isTaken = createFilesMatcher({ path: tsconfig.path, config });
    const taken = folders.filter((folder) =>
      files.some((file) => file.startsWith(`${folder}/`) && isTaken(join(root, file)) !== undefined),
    );
    if (taken.length === 0) return;
    const path = relative(root, tsconfig.path).replaceAll('\\', '/');
    const elements = taken.map((folder) => relative(dirname(tsconfig.path), join(root, folder)).replaceAll('\\', '/'));
    const { inherited, standing } = excluded(tsconfig);
    const isOutside = path.startsWith('../') || !isBehindFolders(root, path);
    if (isOutside || !stat(tsconfig.path)?.isFile()) {
      const own = texts(tsconfig.value['exclude'], '');
      const reason = isOutside ? 'is outside of the package' : 'is a symbolic link';
      throw excludeByHand(path, reason, [...own, ...inherited, ...standing, ...elements]);
    }
    if (inherited.length > 0) {
      const reason = 'has its exclude from another file, and one of its own would take its place';
      throw excludeByHand(path, reason, [...inherited, ...elements]);
    }
    const file = open(path);
    for (const element of standing) file.putElement(['exclude'], element, true);
    for (const element of elements) file.putElement(['exclude'], element);
  }
}

/**
 * What a tsconfig without its own `exclude` leaves out, and what a new `exclude` would replace: the `exclude` of a file
 * that it extends, or, without one, TypeScript's defaults.
 */
function excluded({ path, value, config: { exclude, compilerOptions } }: Tsconfig): {
  readonly inherited: readonly string[];
  readonly standing: readonly string[];
} {
  if (value['exclude'] !== undefined) return { inherited: [], standing: [] };
  const { outDir, declarationDir } = compilerOptions ?? {};
  // If no file has an `exclude`, get-tsconfig returns the output folders.
  const home = dirname(path);
  // get-tsconfig puts `./` before an absolute path too.
  const absolute = (folder: string) => resolve(home, folder.replace(/^\.\/(?=\/)/, ''));
  const written = [outDir, declarationDir].filter((folder) => folder !== undefined).map(absolute);
  const inherited = (exclude ?? []).filter((folder) => !written.includes(absolute(folder)));
  return { inherited, standing: inherited.length > 0 ? [] : [...LEFT_OUT_BY_DEFAULT, ...within(home, written)] };
}

/** The folders that are below `home`, relative to it. */
const within = (home: string, folders: readonly string[]): string[] =>
  folders.map((folder) => relative(home, folder).replaceAll('\\', '/')).filter((folder) => /^(?!\.\.)./.test(folder));

const tsconfigsIn = (folder: string): string[] =>
  entriesOf(folder)
    .filter(({ name }) => /^[jt]sconfig(\.[\w.-]+)?\.json$/.test(name))
    .map(({ name }) => join(folder, name));

/** The tsconfig files in the folders of a package, at any depth. */
function tsconfigsBelow(folder: string): string[] {
  const folders = entriesOf(folder).filter(
    (entry) => entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== '.git',
  );
  return folders.flatMap(({ name }) => {
    const below = join(folder, name);
    return [...tsconfigsIn(below), ...tsconfigsBelow(below)];
  });
}

/** The entries of a folder; none if divvy may not read it, such as a database's own. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/**
 * The given files, and the files in the same repository that they refer to.
 *
 * below - files in subfolders, which may be unusable: some packages keep broken ones for their tests.
 */
function withReferences(
  files: readonly string[],
  below: readonly string[],
  { root, top }: { readonly root: string; readonly top: string },
): Tsconfig[] {
  const found = new Map<string, Tsconfig>();
  const add = (path: string): void => {
    if (found.has(path) || relative(top, path).startsWith('..') || !isFile(path)) return;
    const json = readJson(readOrRefuse(path, path), 'jsonc');
    if ('reason' in json) throw hostFileRefused(path, json.reason, json.line);
    const value = valueAt(json, []) as Tsconfig['value'];
    const reason = whyOdd(value);
    if (reason !== undefined) throw hostFileRefused(path, reason);
    found.set(path, { path, value, config: parsed(path, value, root) });
    for (const reference of texts(value['references'], 'path')) {
      const target = resolve(dirname(path), reference);
      add(target.endsWith('.json') ? target : join(target, 'tsconfig.json'));
    }
  };
  for (const file of files) add(file);
  for (const file of below) {
    try {
      add(file);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return [...found.values()];
}

/** TypeScript follows a link, but resolves paths from the folder of the link. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false; // A link that leads nowhere, or to itself.
  }
}

/** The local files that a tsconfig extends. */
const basesOf = ({ path, value }: Tsconfig): string[] =>
  [value['extends']].flat().flatMap((base) => {
    if (typeof base !== 'string' || !/^\.{1,2}\//.test(base)) return [];
    const target = resolve(dirname(path), base);
    return [target.endsWith('.json') ? target : `${target}.json`];
  });

const texts = (value: unknown, name: string): string[] =>
  (Array.isArray(value) ? value : []).flatMap((each) => {
    const text =
      typeof each === 'object' && each !== null ? (each as { readonly [name: string]: unknown })[name] : each;
    return typeof text === 'string' ? [text] : [];
  });

/** Why TypeScript could not use a tsconfig's settings about files; undefined if it could. */
function whyOdd(value: Tsconfig['value']): string | undefined {
  const isText = (each: unknown): boolean => typeof each === 'string' && each !== '';
  const isTexts = (each: unknown): boolean => Array.isArray(each) && each.every(isText);
  const isAbsent = (each: unknown): boolean => each === undefined || each === null;
  const options = value['compilerOptions'] ?? {};
  const lists = ['files', 'include', 'exclude'].find((name) => !isAbsent(value[name]) && !isTexts(value[name]));
  if (lists !== undefined) return `${lists} is no list of texts: ${JSON.stringify(value[lists])}`;
  const base = value['extends'];
  if (base !== undefined && !isText(base) && !isTexts(base)) return `extends is no text: ${JSON.stringify(base)}`;
  if (typeof options !== 'object' || Array.isArray(options)) return 'compilerOptions is no object';
  const folders = Object.entries(options).filter(([name]) => name === 'outDir' || name === 'declarationDir');
  const odd = folders.find(([, folder]) => !isAbsent(folder) && typeof folder !== 'string');
  return odd && `${odd[0]} is no text: ${JSON.stringify(odd[1])}`;
}

function parsed(path: string, value: Tsconfig['value'], root: string): TsConfigJsonResolved {
  try {
    return parseTsconfig(path);
  } catch (error) {
    // The tsconfig extends a package that is not installed. That is harmless: a base from a package includes and
    // excludes only its own files.
    const isPackage = [value['extends']].flat().some((base) => typeof base === 'string' && !/^[./]/.test(base));
    const { extends: _, ...own } = value;
    if (isPackage) return own as TsConfigJsonResolved;
    // Or a base of it does: what that base says itself still holds.
    if (error instanceof Error && /^File '[^./][^']*' not found/.test(error.message))
      return Object.assign(
        {},
        ...[value['extends']].flat().map((base) => inheritedFrom(path, String(base), root)),
        own,
      );
    // The types in its compilerOptions, or in its base, are wrong.
    const isOdd = error instanceof TypeError;
    const reason = isOdd ? 'TypeScript could not use it, or what it extends' : (error as Error).message;
    throw hostFileRefused(relative(root, path), reason);
  }
}

/** What a tsconfig inherits from a base that is a file here. Its lists are relative to the base. */
function inheritedFrom(path: string, base: string, root: string): TsConfigJsonResolved {
  const file = [base, `${base}.json`].map((name) => resolve(dirname(path), name)).find(isFile);
  if (file === undefined) return {} as TsConfigJsonResolved;
  const json = readJson(readOrRefuse(file, file), 'jsonc');
  if ('reason' in json) throw hostFileRefused(relative(root, file), json.reason, json.line);
  const { references: _, ...inherited } = parsed(file, valueAt(json, []) as Tsconfig['value'], root);
  const from = relative(dirname(path), dirname(file));
  const lists = (['include', 'exclude', 'files'] as const).flatMap((name) => {
    const list = inherited[name];
    return list === undefined ? [] : [[name, list.map((each) => posix.join(from, each))] as const];
  });
  return { ...inherited, ...Object.fromEntries(lists) };
}

/** The path aliases of a tsconfig and what it extends, with absolute places; none if it cannot be read. */
export function aliasesOf(path: string): { readonly [alias: string]: readonly string[] } {
  let options: TsConfigJsonResolved['compilerOptions'];
  try {
    options = parseTsconfig(path).compilerOptions;
  } catch {
    return {}; // The compiler says so itself.
  }
  const { paths = {}, baseUrl } = options ?? {};
  const from = resolve(dirname(path), baseUrl ?? '.');
  return Object.fromEntries(
    Object.entries(paths).map(([alias, places]) => [alias, places.map((it) => resolve(from, it))]),
  );
}
