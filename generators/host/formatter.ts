/** The package's own formatter: run on what is made for people to edit, and told to leave what is vendored alone. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { stat } from '../change-set/disk.ts';
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
 * The formatter that is set up nearest to the package, here or above; undefined where there is none. Prettier may do
 * without a file of settings: there it is one where a package.json depends on it.
 */
export function formatterOf({ levels }: Place): Formatter | undefined {
  for (const { folder: home, packageJson } of levels) {
    const names = readdirSync(home);
    for (const name of FORMATTERS) {
      const settings = names.find((file) => SETTINGS[name].test(file));
      if (settings === undefined && !(name === 'prettier' && packageJson?.dependsOn(name))) continue;
      const program = levels
        .map(({ folder }) => join(folder, 'node_modules/.bin', name))
        .find((file) => stat(file) !== undefined);
      return { name, program, home, settings };
    }
  }
  return undefined;
}

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
  if (name === 'dprint') for (const path of bare) file?.putElement(['excludes'], path);
  else if (file) leaveAloneInBiome(file, bare, biomeVersion(home, program));
  return [];
}

/** Biome takes what is to be left out in one list with what is to be taken in, and took it, before 2.0, in one of its own. */
function leaveAloneInBiome(file: HostFile, paths: readonly string[], version: string | undefined): void {
  const schema = /\/schemas\/(\d+)\./.exec(String(file.value(['$schema'])))?.[1];
  const isThere = (...at: string[]) => file.value(at) !== undefined;
  const says = isThere('organizeImports') || isThere('files', 'ignore') || isThere('files', 'include');
  if (says || (version?.split('.')[0] ?? schema) === '1') {
    for (const path of paths) file.putElement(['files', 'ignore'], path);
    return;
  }
  if (file.value(['files', 'includes']) === undefined) file.putElement(['files', 'includes'], '**');
  for (const path of paths) file.putElement(['files', 'includes'], `!${path}`);
}

/** Of the one that is installed; undefined where none is. */
function biomeVersion(home: string, program: string | undefined): string | undefined {
  const modules = program === undefined ? join(home, 'node_modules') : dirname(dirname(program));
  const file = join(modules, '@biomejs/biome/package.json');
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { version?: string }).version;
  } catch {
    return undefined; // It is not installed.
  }
}
