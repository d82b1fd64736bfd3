/** The package's own formatter: run on what is made for people to edit, and told to leave what is vendored alone. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { stat } from '../change-set/disk.ts';
import { parseJson } from '../json/parse.ts';
import { runTool } from '../processes.ts';
import { type Hint, unwritten } from './hints.ts';
import type { HostFile } from './host-file.ts';
import type { Place } from './place.ts';

const FORMATTERS = ['biome', 'prettier', 'dprint'] as const;

export interface Formatter {
  readonly name: (typeof FORMATTERS)[number];
  /** Absolute; undefined where it is not installed. */
  readonly program: string | undefined;
  /** The folder that it is configured in: absolute. */
  readonly home: string;
  /** Its file of settings, in that folder; undefined where it has none, or they are a program. */
  readonly settings: string | undefined;
}

/** The file names that hold settings. */
const SETTINGS = {
  biome: /^\.?biome\.jsonc?$/,
  prettier: /^(\.prettierrc(\..+)?|prettier\.config\.\w+)$/,
  dprint: /^\.?dprint\.jsonc?$/,
};

/**
 * The formatters that are set up for the package, here or above, the nearest first; of each the nearest. Prettier has its
 * settings in package.json too, or does without: there it is one where a package.json depends on it, and no other is here.
 */
export function formattersOf({ levels }: Place): Formatter[] {
  const found: Formatter[] = [];
  for (const { folder: home, packageJson } of levels) {
    const names = readdirSync(home);
    const here: Formatter[] = FORMATTERS.flatMap((name) => {
      const settings = names.find((file) => SETTINGS[name].test(file));
      const isSetUp = settings !== undefined || (name === 'prettier' && packageJson?.has(name) === true);
      return isSetUp ? [{ name, program: programOf(name, levels), home, settings }] : [];
    });
    if (here.length === 0 && packageJson?.dependsOn('prettier')) {
      here.push({ name: 'prettier', program: programOf('prettier', levels), home, settings: undefined });
    }
    found.push(...here.filter(({ name }) => !found.some((nearer) => nearer.name === name)));
  }
  return found;
}

const programOf = (name: Formatter['name'], levels: Place['levels']): string | undefined =>
  levels.map(({ folder }) => join(folder, 'node_modules/.bin', name)).find((file) => stat(file) !== undefined);

/** The command line that formats what it is given on stdin; the paths are the file's. dprint wants one that is there, or a name. */
const COMMANDS: Readonly<Record<Formatter['name'], (path: string) => string[]>> = {
  biome: (path) => ['check', '--write', `--stdin-file-path=${path}`],
  prettier: (path) => ['--stdin-filepath', path],
  dprint: (path) => ['fmt', '--stdin', basename(path)],
};

/**
 * Formats a file that is not on the disk yet.
 *
 * path - relative to the package's folder.
 *
 * Resolves with the text, or with the reason why it could not be formatted.
 */
export async function formatted(
  { name, program }: Formatter & { readonly program: string },
  root: string,
  path: string,
  text: string,
): Promise<{ readonly text: string } | { readonly reason: string }> {
  const result = await runTool(program, COMMANDS[name](join(root, path)), { cwd: root, input: text });
  if (!result.done) return { reason: result.said.trim() || result.reason };
  return result.output.trim() === '' ? { reason: `${name} gave nothing back` } : { text: result.output };
}

/**
 * Has the formatter leave some files alone.
 *
 * paths - of folders, with a slash at the end, and files, relative to the package.
 * open  - opens one of the package's files; undefined where it is not there.
 * make  - makes a new one.
 *
 * Returns what has to be written by hand: what is outside of the package is nobody's but its own.
 */
export function leaveAlone(
  { name, program, home, settings }: Formatter,
  { root }: Place,
  paths: readonly string[],
  files: {
    readonly open: (path: string, dialect: 'jsonc' | 'lines') => HostFile | undefined;
    readonly make: (path: string, text: string) => void;
  },
): Hint[] {
  const prefix = home === root ? '' : `${relative(home, root).replaceAll('\\', '/')}/`;
  const up = relative(root, home).replaceAll('\\', '/');
  const inHome = (file: string) => (up === '' ? file : `${up}/${file}`);
  const isOurs = home === root;
  if (name === 'prettier') {
    const lines = paths.map((path) => `${prefix}${path}`);
    if (!isOurs)
      return unwritten(
        root,
        lines.map((line) => ({ file: inHome('.prettierignore'), line, names: line })),
      );
    const file = files.open('.prettierignore', 'lines');
    if (file === undefined) files.make('.prettierignore', lines.map((line) => `${line}\n`).join(''));
    else file.putLines(lines);
    return [];
  }
  const bare = paths.map((path) => `${prefix}${path.replace(/\/$/, '')}`);
  if (settings === undefined || !isOurs) {
    const line = (path: string) =>
      name === 'biome' ? `"files": { "includes": ["**", "!${path}"] }` : `"excludes": ["${path}"]`;
    const file = inHome(settings ?? `${name}.json`);
    return unwritten(
      root,
      bare.map((path) => ({ file, line: line(path), names: path })),
    );
  }
  const file = files.open(settings, 'jsonc');
  if (file === undefined) return [];
  if (name === 'biome') return leaveAloneInBiome(file, bare, biomeVersion(home, program));
  for (const path of bare) file.putElement(['excludes'], path);
  return [];
}

/**
 * Biome takes what is to be left out in one list with what is to be taken in, and took it, before 2.0, in one of its own.
 *
 * Returns what has to be written by hand: a list goes on where that of the settings which these extend ends, and `**` in it
 * would take in again what is left out there.
 */
function leaveAloneInBiome(file: HostFile, paths: readonly string[], version: string | undefined): Hint[] {
  const schema = /\/schemas\/(\d+)\./.exec(String(file.value(['$schema'])))?.[1];
  const isThere = (...at: string[]) => file.value(at) !== undefined;
  const says = isThere('organizeImports') || isThere('files', 'ignore') || isThere('files', 'include');
  if (says || (version?.split('.')[0] ?? schema) === '1') {
    for (const path of paths) file.putElement(['files', 'ignore'], path);
    return [];
  }
  const elements = paths.map((path) => `!${path}`);
  if (!isThere('files', 'includes')) {
    if (isThere('extends')) {
      const line = `"files": { "includes": [${elements.map((element) => `"${element}"`).join(', ')}] }`;
      return [{ file: file.path, line: `${line}, with "**" before these where what it extends has no such list` }];
    }
    file.putElement(['files', 'includes'], '**', true);
  }
  for (const element of elements) file.putElement(['files', 'includes'], element);
  return [];
}

/** Of the one that is installed; undefined where none is. */
function biomeVersion(home: string, program: string | undefined): string | undefined {
  const modules = program === undefined ? join(home, 'node_modules') : dirname(dirname(program));
  const file = join(modules, '@biomejs/biome/package.json');
  try {
    return (parseJson(readFileSync(file)) as { version?: string }).version;
  } catch {
    return undefined; // It is not installed.
  }
}
