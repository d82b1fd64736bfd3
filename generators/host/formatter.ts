/** The package's own formatter: divvy runs it on files that people will edit, and tells it to skip vendored files. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, delimiter, dirname, extname, join, posix, relative } from 'node:path';
import { stat } from '../disk/disk.ts';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { parseJson } from '../json/parse.ts';
import { runTool } from '../programs/processes.ts';
import { anchored } from './anchored.ts';
import { type Hint, isLink, ONCE_NO_LINK, textOf, unwritten } from './hints.ts';
import type { HostFile } from './host-file.ts';
import type { Place } from './place.ts';
import { optionsOf } from './scripts.ts';

const FORMATTERS = ['biome', 'prettier', 'oxfmt', 'dprint', 'deno'] as const;

export interface Formatter {
  readonly name: (typeof FORMATTERS)[number];
  /** Absolute; undefined if it is not found. */
  readonly program: string | undefined;
  /** The folder of its settings: absolute. */
  readonly home: string;
  /** Its settings file, in that folder; undefined if it has none, or if the settings are a program. */
  readonly settings: string | undefined;
}

/** The names of settings files. */
const SETTINGS = {
  biome: /^\.?biome\.jsonc?$/,
  prettier: /^(\.prettierrc(\..+)?|prettier\.config\.\w+)$/,
  oxfmt: /^(\.oxfmtrc\.jsonc?|oxfmt\.config\.m?ts)$/,
  dprint: /^\.?dprint\.jsonc?$/,
  deno: /^deno\.jsonc?$/,
};

/** Formatters that also work without settings, and that read `.prettierignore`. */
const WITHOUT_SETTINGS = ['oxfmt', 'prettier'] as const;

/** The list in each one's settings that names the paths to skip. */
const LISTS = { oxfmt: 'ignorePatterns', dprint: 'excludes', deno: 'exclude' } as const;

/**
 * The formatters that are set up for the package, in its folder or above: the nearest first, and only the nearest of
 * each kind. Prettier may have its settings in package.json. Prettier and Oxfmt work without settings: each counts if a
 * package.json depends on it and its folder has no other formatter.
 */
export function formattersOf({ levels }: Pick<Place, 'levels'>): Formatter[] {
  const found: Formatter[] = [];
  for (const { folder: home, packageJson } of levels) {
    const names = readdirSync(home);
    const here: Formatter[] = FORMATTERS.flatMap((name) => {
      const settings = names.find((file) => SETTINGS[name].test(file));
      const isSetUp = settings !== undefined || (name === 'prettier' && packageJson?.has(name) === true);
      return isSetUp ? [{ name, program: programOf(name, levels), home, settings }] : [];
    });
    if (here.every(({ name }) => name === 'deno')) {
      const name = WITHOUT_SETTINGS.find((each) => packageJson?.dependsOn(each));
      if (name !== undefined) here.push({ name, program: programOf(name, levels), home, settings: undefined });
    }
    found.push(...here.filter(({ name }) => !found.some((nearer) => nearer.name === name)));
  }
  return found;
}

/**
 * The formatters that format new files, one after another: those of the nearest folder. There are two if Biome is only
 * the linter and Prettier formats. Deno's settings also serve its other tools, so Deno counts only if there is no other
 * formatter.
 */
export function formattingOnes(formatters: readonly Formatter[]): readonly Formatter[] {
  const others = formatters.filter(({ name }) => name !== 'deno');
  const all = others.length > 0 ? others : formatters;
  return all.filter(({ home }) => home === all[0]?.home);
}

/** Deno is a runtime, so usually no package installs it; look for it in PATH too. */
function programOf(name: Formatter['name'], levels: Place['levels']): string | undefined {
  const installed = levels.map(({ folder }) => join(folder, 'node_modules/.bin', name));
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  return [...installed, ...(name === 'deno' ? onPath : [])].find((file) => stat(file) !== undefined);
}

/**
 * The arguments to format stdin; the path is that of the file. dprint needs a file that exists or a bare name; Deno
 * needs the ending.
 */
const COMMANDS: Readonly<Record<Formatter['name'], (path: string) => string[]>> = {
  biome: (path) => ['check', '--write', `--stdin-file-path=${path}`],
  prettier: (path) => ['--stdin-filepath', path],
  oxfmt: (path) => [`--stdin-filepath=${path}`],
  dprint: (path) => ['fmt', '--stdin', basename(path)],
  deno: (path) => ['fmt', '--ext', extname(path).slice(1), '-'],
};

/**
 * Formats a file that is not on the disk yet.
 *
 * path - relative to the package's folder.
 *
 * Resolves with the text, or with the reason why the formatter could not format it.
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
 * Keeps a file formatted after an insertion into a list on one line: that line may be too long now. Does this only if
 * the formatters would have left the file as it was before.
 *
 * Returns what a person has to do by hand if divvy cannot.
 */
export async function keepFormat(formatters: readonly Formatter[], root: string, file: HostFile): Promise<Hint[]> {
  const textBefore = file.before.bytes.toString('utf8');
  const lines = new Set(textBefore.split('\n'));
  const formattingNow = formattingOnes(formatters);
  const isPackageJson = file.path === PACKAGE_JSON;
  // Prettier puts each element of a list in package.json on its own line; Oxfmt sorts the keys in its own order.
  const short = isPackageJson || formattingNow.some(breaksShort) ? 0 : SHORT;
  const isLong = (line: string) => line.length > short && line.includes('[') && !lines.has(line);
  const isSorted = isPackageJson && formattingNow.some(({ name }) => name === 'oxfmt');
  if (!isSorted && !file.bytes.toString('utf8').split('\n').some(isLong)) return [];
  for (const { program, ...formatter } of formattingNow) {
    if (program === undefined) continue;
    const format = async (text: string): Promise<string | undefined> => {
      const result = await formatted({ ...formatter, program }, root, file.path, text);
      return 'text' in result ? result.text : undefined;
    };
    const isKept = async (text: string): Promise<boolean> => (await format(text)) === text;
    if (!(await isKept(textBefore)) || (await isKept(file.bytes.toString('utf8')))) continue;
    const back = file.spread();
    if (await isKept(file.bytes.toString('utf8'))) continue;
    back();
    const text = await format(file.bytes.toString('utf8'));
    if (text !== undefined && file.rewrite(text)) continue;
    return [{ file: file.path, line: `a line is too long for ${formatter.name} now: have it format this file` }];
  }
  return [];
}

/** Apart from the formatters above, none is set to break a line shorter than this. */
const SHORT = 60;

/** Whether the formatter is set to break every list, even a short one: Biome by `expand`, Prettier by a plugin. */
const breaksShort = ({ home, settings }: Formatter): boolean =>
  settings !== undefined && /"expand"\s*:\s*"always"|multiline/.test(textOf(join(home, settings)));

/**
 * Makes the formatter skip some files.
 *
 * paths - folders, with a trailing slash, and files; relative to the package.
 * open - opens one of the package's files; undefined if it does not exist.
 * make - makes a new one.
 *
 * Returns the lines that a person has to add by hand: divvy edits nothing outside the package.
 */
export function leaveAlone(
  { name, program, home, settings }: Formatter,
  { root, levels }: Place,
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
  const isJson = settings !== undefined && /\.jsonc?$/.test(settings);
  if (name === 'prettier' || (name === 'oxfmt' && !isJson)) {
    const lines = paths.map((path) => inList(`${prefix}${path}`));
    const own = ownList(name, levels, home);
    const list = own ?? IGNORE_FILE;
    const written = lines.map((line) => ({ file: inHome(list), line, names: line }));
    const byCommands = own === undefined ? ofCommands(name, levels, { home, inHome, program, lines }) : [];
    const hints = [...(isOurs ? [] : written), ...byCommands];
    const isLinked = isOurs && isLink(join(home, list));
    if (isLinked) hints.push(...written.map((hint) => ({ ...hint, line: hint.line + ONCE_NO_LINK })));
    const file = isOurs && !isLinked ? files.open(list, 'lines') : undefined;
    if (file) file.putLines(lines);
    else if (isOurs && !isLinked) files.make(list, lines.map((line) => `${line}\n`).join(''));
    return unwritten(root, hints);
  }
  const bare = paths.map((path) => {
    const whole = `${prefix}${path}`;
    if (name === 'oxfmt') return inList(whole);
    return name === 'deno' ? whole : name === 'dprint' ? inList(whole).replace(/\/$/, '') : whole.replace(/\/$/, '');
  });
  const isLinked = settings !== undefined && isOurs && isLink(join(home, settings));
  if (settings === undefined || !isOurs || isLinked) {
    const line = (path: string) =>
      name === 'biome' ? `"files": { "includes": ["**", "!${path}"] }` : `"${LISTS[name]}": ["${path}"]`;
    const file = inHome(settings ?? `${name}.json`);
    return unwritten(
      root,
      bare.map((path) => ({ file, line: line(path), names: path })),
    );
  }
  const file = files.open(settings, 'jsonc');
  if (file === undefined) return [];
  if (name === 'biome') return leaveAloneInBiome(file, bare, versionOf('@biomejs/biome', home, program));
  for (const path of bare) file.putElement([LISTS[name]], path);
  return [];
}

/** Only a folder needs the leading slash: a file has a name that only divvy uses, so it may match at any depth. */
const inList = (path: string): string => (path.endsWith('/') ? anchored(path) : path);

/** Both Prettier and Oxfmt read it. */
export const IGNORE_FILE = '.prettierignore';

const ignorePathsOf = (name: Formatter['name'], levels: Place['levels'], home: string): string[] =>
  optionsOf(levels.find(({ folder }) => folder === home)?.packageJson, name, ['--ignore-path']).map(posix.normalize);

/**
 * The package's own list that its commands name, such as `.oxfmtignore`; undefined if they name none, or one that is
 * not its own.
 */
function ownList(name: Formatter['name'], levels: Place['levels'], home: string): string | undefined {
  const [given, ...others] = new Set(ignorePathsOf(name, levels, home));
  const isOne = given !== undefined && others.length === 0 && OWN_LIST.test(given);
  return isOne && stat(join(home, given))?.isFile() ? given : undefined;
}

/** A list in the package's own folder. .gitignore does not count: git would not commit files that are listed there. */
export const OWN_LIST = /^\.(?!git)\w+ignore$/;

/**
 * A command that names another file with `--ignore-path` does not read `.prettierignore`. The other file is usually
 * `.gitignore`, and divvy must add nothing to it: git must not ignore files that are meant to be committed. So the
 * command has to name both files; before version 3 Prettier takes only one, so it has to name the paths.
 */
function ofCommands(
  name: 'prettier' | 'oxfmt',
  levels: Place['levels'],
  {
    home,
    inHome,
    program,
    lines,
  }: {
    readonly home: string;
    readonly inHome: (file: string) => string;
    readonly program: string | undefined;
    readonly lines: readonly string[];
  },
): (Hint & { names: string })[] {
  const given = ignorePathsOf(name, levels, home);
  if (given.length === 0 || given.includes(IGNORE_FILE)) return [];
  const isOne = name === 'prettier' && Number.parseInt(versionOf(name, home, program) ?? '', 10) < 3;
  const words = isOne ? lines.map((line) => `'!${line}'`).join(' ') : `--ignore-path ${IGNORE_FILE}`;
  const line = `${words}, in each script that runs ${name} with --ignore-path ${given[0]}`;
  return [{ file: inHome(PACKAGE_JSON), line, names: words }];
}

/**
 * Biome has one list for files to include and to exclude; before 2.0 it had a list of its own for excluding.
 *
 * Returns the lines that a person has to add by hand. A list in these settings continues the list of the settings that
 * they extend, and `**` in it would include again what that list excludes.
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

/** The installed version of a package; undefined if it is not installed. */
function versionOf(name: string, home: string, program: string | undefined): string | undefined {
  const modules = program === undefined ? join(home, 'node_modules') : dirname(dirname(program));
  try {
    return (parseJson(readFileSync(join(modules, name, PACKAGE_JSON))) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
