/**
 * Tells linters with a style of their own, and programs that check prose and spelling, to skip files that only divvy
 * writes.
 */

import { join, posix } from 'node:path';
import { LOCK, PACKAGE_JSON } from '../disk/file-names.ts';
import { anchored } from './anchored.ts';
import { type Hint, isLink, ONCE_NO_LINK, textOf } from './hints.ts';
import type { Found, Home, Open, Written } from './home.ts';
import type { HostFile } from './host-file.ts';
import { optionsOf } from './scripts.ts';

export type Make = (path: string, text: string) => void;

/** Programs that keep their list of paths to skip in a file with one path per line, by package name. */
const WITH_LINES = {
  'remark-cli': {
    settings: /^\.remarkrc/,
    field: 'remarkConfig',
    list: '.remarkignore',
    program: 'remark',
    // The program's options: `another` names a different list instead of its own; `path` names one path to skip.
    another: ['-i', '--ignore-path'],
    path: '--ignore-pattern',
  },
  'markdownlint-cli': {
    settings: undefined,
    field: undefined,
    list: '.markdownlintignore',
    program: 'markdownlint',
    another: ['-p', '--ignore-path'],
    path: '--ignore',
  },
} as const;

export const IGNORE_FILES: readonly string[] = Object.values(WITH_LINES).map(({ list }) => list);

/** Returns the lines that a person has to add by hand. */
export function leaveAloneInCheckers(home: Home, written: Written, open: Open, make: Make): Found[] {
  return [...inProse(home, written, open, make), ...inSpelling(home, written, open), ...inStyle(home, written, open)];
}

/** Checkers of Markdown: the runtime's README.md is not the package's own prose. */
function inProse(home: Home, { runtime }: Written, open: Open, make: Make): Found[] {
  const { isOurs, names, packageJson, from, shown } = home;
  const path = `${from(runtime)}/`;
  const line = anchored(path);
  const found = Object.entries(WITH_LINES).flatMap(
    ([name, { settings, field, list, program, ...options }]): Found[] => {
      const isSetUp = names.some((file) => settings?.test(file)) || (field !== undefined && packageJson?.has(field));
      if (!isSetUp && !packageJson?.dependsOn(name)) return [];
      const [other] = optionsOf(packageJson, program, options.another).filter((file) => posix.normalize(file) !== list);
      if (other !== undefined) {
        const words = `${options.path} ${path}`;
        const where = `in each script that runs ${program} with ${other}`;
        return [{ file: shown(PACKAGE_JSON), line: `${words}, ${where}`, names: words }];
      }
      const isLinked = isLink(join(home.root, list));
      if (!isOurs || isLinked)
        return [{ file: shown(list), line: isLinked ? `${line}${ONCE_NO_LINK}` : line, names: path }];
      const file = open(list, 'lines');
      if (file) file.putLines([line]);
      else make(list, `${line}\n`);
      return [];
    },
  );
  const settings = names.find((name) => /^\.markdownlint-cli2\./.test(name));
  if (settings === undefined && !packageJson?.dependsOn('markdownlint-cli2')) return found;
  return [...found, ...inList(home, open, settings ?? '.markdownlint-cli2.jsonc', 'ignores', [`${path}**`])];
}

/** The names of cspell's settings files. */
const CSPELL = /^\.?c[sS]pell\.(config\.)?(jsonc?|ya?ml|toml|[cm]?[jt]s)$/;

/** Names that divvy writes into the package's own files. */
const WORDS = ['divvy', 'Parallelizable'];

function inSpelling(home: Home, { runtime }: Written, open: Open): Found[] {
  const lists = { ignorePaths: [home.from(runtime), home.from(LOCK)], words: WORDS };
  const settings = home.names.find((name) => CSPELL.test(name));
  if (settings !== undefined)
    return Object.entries(lists).flatMap(([at, texts]) => inList(home, open, settings, at, texts));
  if (!home.packageJson?.has('cspell')) return [];
  const file = home.isOurs ? open(PACKAGE_JSON, 'json') : undefined;
  return Object.entries(lists).flatMap(([at, texts]) => {
    const line = `"${at}": ${listed(texts)}, in "cspell"`;
    return putInto(file, ['cspell', at], texts, { file: home.shown(PACKAGE_JSON), line });
  });
}

/**
 * Adds texts to a list in the settings. Returns hints instead if the settings are a program or YAML, do not exist, or
 * are in a folder above.
 */
function inList(
  { isOurs, shown, names }: Home,
  open: Open,
  name: string,
  at: string,
  texts: readonly string[],
): Found[] {
  const file = isOurs && /\.jsonc?$/.test(name) && names.includes(name) ? open(name, 'jsonc') : undefined;
  return putInto(file, [at], texts, { file: shown(name), line: `"${at}": ${listed(texts)}, with what it has already` });
}

/** One family of linters; each reads a list in package.json under its own name. */
export const STANDARD = ['standard', 'semistandard', 'ts-standard'] as const;

/**
 * These linters decide how code is written, to the last space, and accept no other style. They skip `vendor/` by
 * default.
 */
function inStyle(home: Home, { runtime, tasks, isJavaScript }: Written, open: Open): Found[] {
  const { isOurs, names, packageJson, from } = home;
  const paths = [tasks, ...(/^vendor\//.test(from(runtime)) ? [] : [runtime])].map(from);
  const file = home.shown(PACKAGE_JSON);
  const settings = isOurs ? open(PACKAGE_JSON, 'json') : undefined;
  const found = STANDARD.flatMap((name): Found[] => {
    if (!packageJson?.dependsOn(name) || (name !== 'ts-standard' && !isJavaScript)) return [];
    const folders = paths.map((path) => anchored(`${path}/`));
    return putInto(settings, [name, 'ignore'], folders, { file, line: `"${name}": { "ignore": ${listed(folders)} }` });
  });
  if (!packageJson?.dependsOn('xo')) return found;
  const globs = paths.map((path) => `${path}/**`);
  const program = names.find((name) => /^xo\.config\.\w+$/.test(name));
  const item = `{ "ignores": ${listed(globs)} }`;
  if (program !== undefined)
    return [...found, ...putInto(undefined, [], globs, { file: home.shown(program), line: item })];
  // From 1.0 on, an object with `ignores` and other settings only says which files those settings do not apply to.
  const others = Object.keys(settings?.value(['xo']) ?? {}).filter((key) => key !== 'ignores');
  const isAlone = others.length === 0 || isOld(home);
  const line = `"xo": [..., ${item}], with the settings that are there as its first element`;
  return [...found, ...putInto(isAlone ? settings : undefined, ['xo', 'ignores'], globs, { file, line })];
}

/**
 * Adds texts to a list. Returns a hint instead if there is no file to edit, or if something else is in place of the
 * list.
 */
function putInto(file: HostFile | undefined, at: readonly string[], texts: readonly string[], hint: Hint): Found[] {
  const isPlain = at.every((_, index) => ['object', 'undefined'].includes(typeof file?.value(at.slice(0, index + 1))));
  if (file === undefined || !isPlain) return [{ ...hint, names: texts[0] ?? '' }];
  for (const text of texts) file.putElement(at, text);
  return [];
}

const listed = (texts: readonly string[]): string => `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;

const isOld = ({ root, packageJson }: Home): boolean => {
  const installed = /"version":\s*"(\d+)/.exec(textOf(join(root, 'node_modules/xo', PACKAGE_JSON)))?.[1];
  return (installed ?? /\d+/.exec(packageJson?.rangeOf('xo') ?? '')?.[0]) === '0';
};
