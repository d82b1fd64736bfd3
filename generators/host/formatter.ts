/** The package's own formatter: run on what is made for people to edit, and told to leave what is vendored alone. */

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
  /** Absolute; undefined where it is not found. */
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
  oxfmt: /^(\.oxfmtrc\.jsonc?|oxfmt\.config\.m?ts)$/,
  dprint: /^\.?dprint\.jsonc?$/,
  deno: /^deno\.jsonc?$/,
};

/** Those that do without settings, too, and have `.prettierignore` for what they leave alone. */
const WITHOUT_SETTINGS = ['oxfmt', 'prettier'] as const;

/** The lists of paths in their settings: of what is left alone. */
const LISTS = { oxfmt: 'ignorePatterns', dprint: 'excludes', deno: 'exclude' } as const;

/**
 * The formatters that are set up for the package, here or above, the nearest first; of each the nearest. Prettier has its
 * settings in package.json too. Prettier and Oxfmt do without: each is one where a package.json depends on it, and no other
 * is here.
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
 * Those of them that format what is new, one after another: the nearest. With Biome for a linter Prettier is the other. Deno's
 * settings are there for its other tools, too: it is a formatter only where no other is.
 */
export function formattingOnes(formatters: readonly Formatter[]): readonly Formatter[] {
  const others = formatters.filter(({ name }) => name !== 'deno');
  const all = others.length > 0 ? others : formatters;
  return all.filter(({ home }) => home === all[0]?.home);
}

/** Deno is a runtime, and mostly not installed by a package. */
function programOf(name: Formatter['name'], levels: Place['levels']): string | undefined {
  const installed = levels.map(({ folder }) => join(folder, 'node_modules/.bin', name));
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  return [...installed, ...(name === 'deno' ? onPath : [])].find((file) => stat(file) !== undefined);
}

/** The command line that formats what it is given on stdin; the paths are the file's. dprint wants one that is there, or a name; Deno the ending. */
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
 * Sees to it that a file which was as the formatters have it still is, after something was put into a list in it that is in one
 * line: that line may be too long now.
 *
 * Returns what has to be done by hand where it is not.
 */
export async function keepFormat(formatters: readonly Formatter[], root: string, file: HostFile): Promise<Hint[]> {
  const textBefore = file.before.bytes.toString('utf8');
  const lines = new Set(textBefore.split('\n'));
  const formattingNow = formattingOnes(formatters);
  const isPackageJson = file.path === PACKAGE_JSON;
  // Prettier has every element of a list in package.json in a line of its own; Oxfmt has its keys in an order of its own.
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

/** No formatter is set to break a line of fewer characters, but for these. */
const SHORT = 60;

/** Whether it is set to break every list, however short: Biome by `expand`, Prettier by a plugin. */
const breaksShort = ({ home, settings }: Formatter): boolean =>
  settings !== undefined && /"expand"\s*:\s*"always"|multiline/.test(textOf(join(home, settings)));

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

/** A file may be left alone wherever it is: this is the name of one of divvy's. */
const inList = (path: string): string => (path.endsWith('/') ? anchored(path) : path);

/** Of Prettier, and of Oxfmt. */
export const IGNORE_FILE = '.prettierignore';

const ignorePathsOf = (name: Formatter['name'], levels: Place['levels'], home: string): string[] =>
  optionsOf(levels.find(({ folder }) => folder === home)?.packageJson, name, ['--ignore-path']).map(posix.normalize);

/** The list of its own that a package's commands name, such as `.oxfmtignore`; undefined where they name none, or another's. */
function ownList(name: Formatter['name'], levels: Place['levels'], home: string): string | undefined {
  const [given, ...others] = new Set(ignorePathsOf(name, levels, home));
  const isOne = given !== undefined && others.length === 0 && OWN_LIST.test(given);
  return isOne && stat(join(home, given))?.isFile() ? given : undefined;
}

/** A list in the package's own folder; what is in git's is not committed. */
export const OWN_LIST = /^\.(?!git)\w+ignore$/;

/**
 * A command that names another file with `--ignore-path` does not look at `.prettierignore`. That other one is mostly
 * `.gitignore`, and nothing of divvy's may go into it: what is to be committed must not be ignored by git. So the command has to
 * name both, or, before Prettier 3, which takes one, the paths.
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

/** The version of a package that is installed; undefined where it is not. */
function versionOf(name: string, home: string, program: string | undefined): string | undefined {
  const modules = program === undefined ? join(home, 'node_modules') : dirname(dirname(program));
  try {
    return (parseJson(readFileSync(join(modules, name, PACKAGE_JSON))) as { version?: string }).version;
  } catch {
    return undefined;
  }
}
