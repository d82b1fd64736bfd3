/**
 * What divvy could have written. A lock may have come with somebody else's repository, and say of any file, or of any line
 * in one, that divvy has put it there: what it could not have put there stays.
 */

import { posix } from 'node:path';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { IGNORE_FILES, STANDARD } from '../host/checkers.ts';
import { IGNORE_FILE, OWN_LIST } from '../host/formatter.ts';
import { runtimeLeftOut } from '../host/workspaces.ts';
import type { Insertion } from '../json/insertions.ts';
import { parseJson } from '../json/parse.ts';
import type { Lock } from '../project/lock.ts';
import type { Manifest } from '../project/manifest.ts';
import { isScriptOfTemplates } from '../rendering/places.ts';

/** Lists of what a formatter or another program leaves alone. */
const IGNORED = [IGNORE_FILE, ...IGNORE_FILES];

/** What it writes beside its folders: in a new project, and for such programs. */
const BESIDE = [MANIFEST, LOCK, PACKAGE_JSON, 'README.md', 'AGENTS.md', '.gitignore', 'tsconfig.json', ...IGNORED];

/** Why a file is none that divvy would have written; undefined where it could be. */
export function whyForeign(path: string, { tasks, tests, runtime }: Manifest): string | undefined {
  const isInside = [tasks, tests, runtime].some((folder) => path.startsWith(`${folder}/`));
  return isInside || BESIDE.includes(path)
    ? undefined
    : "it is not in divvy's folders: remove it by hand if it has to go";
}

/** The lists that divvy puts paths of its own into, of the files of the tools that it knows. */
const LISTS: readonly (readonly [file: RegExp, lists: readonly string[]])[] = [
  [/^[jt]sconfig(\.[\w.-]+)?\.json$/, ['exclude']],
  [/^\.?dprint\.jsonc?$/, ['excludes']],
  [/^\.?biome\.jsonc?$/, ['files.includes', 'files.ignore']],
  [/^\.(oxlintrc|oxfmtrc)\.jsonc?$/, ['ignorePatterns']],
  [/^deno\.jsonc?$/, ['exclude']],
  [/^\.?knip\.jsonc?$/, ['ignore']],
  [/^\.markdownlint-cli2\.jsonc?$/, ['ignores']],
  [/^\.?c[sS]pell\.(config\.)?jsonc?$/, ['ignorePaths', 'words']],
  [
    /^package\.json$/,
    [
      ...['knip.ignore', 'eslintIgnore', 'xo.ignores', 'cspell.ignorePaths', 'cspell.words'],
      ...STANDARD.map((name) => `${name}.ignore`),
    ],
  ],
];
/** In package.json: as an array, or as yarn had it. */
const WORKSPACES = ['workspaces', 'workspaces.packages'];

/** Whether divvy could have put something into a file that was there before it. */
export function couldPut(path: string, insertion: Insertion, manifest: Manifest, lock: Lock | undefined): boolean {
  const name = posix.basename(path);
  if ('was' in insertion) return true;
  if ('line' in insertion) return OWN_LIST.test(path) && isOfOurs(insertion.line, manifest);
  const at = insertion.at.join('.');
  if (path === PACKAGE_JSON && 'element' in insertion && WORKSPACES.includes(at)) {
    return insertion.element === runtimeLeftOut(manifest.runtime);
  }
  if ('element' in insertion) return LISTS.some(([file, lists]) => file.test(name) && lists.includes(at));
  if (path !== PACKAGE_JSON) return false;
  const { key, value } = insertion;
  if (at === 'imports') return key === '#divvy' && isOfOurs(value, manifest);
  if (at === 'scripts')
    return /^divvy(:|$)/.test(key) || scriptsOf(lock).some((each) => each.join() === [key, value].join());
  return /^(devD|d)ependencies$/.test(at) && packagesOf(lock).includes(key);
}

const isOfOurs = (text: string, { tasks, runtime }: Manifest): boolean =>
  [`${runtime}/`, `${tasks}/`, LOCK].some((path) => text.includes(path));

/** Those of templates, each with its command; none that no template may have. */
export const scriptsOf = (lock: Lock | undefined): (readonly [name: string, command: string])[] =>
  Object.values(lock?.tasks ?? {}).flatMap(({ scripts = {} }) =>
    Object.entries(scripts).filter(([name]) => isScriptOfTemplates(name)),
  );

const packagesOf = (lock: Lock | undefined): string[] =>
  Object.values(lock?.tasks ?? {}).flatMap(({ dependencies = [] }) => dependencies);

/** What a new project has in its package.json. */
const OF_A_PROJECT = [
  'name',
  'version',
  'private',
  'type',
  'engines',
  'imports',
  'scripts',
  'devDependencies',
  'dependencies',
];

/** Whether divvy could have written all of a package.json. One that has more in it than that is somebody's own. */
export function couldWriteWhole(bytes: Buffer, lock: Lock | undefined): boolean {
  const value = parseJson(bytes) as { readonly [name: string]: unknown };
  const keys = (name: string) => Object.keys(value[name] ?? {});
  return (
    Object.keys(value).every((name) => OF_A_PROJECT.includes(name)) &&
    keys('imports').every((name) => name === '#divvy') &&
    keys('scripts').every(
      (name) => /^(start|test|typecheck|divvy|divvy:.*)$/.test(name) || scriptsOf(lock).some(([its]) => its === name),
    ) &&
    [...keys('dependencies'), ...keys('devDependencies')].every((name) =>
      ['typescript', '@types/node', ...packagesOf(lock)].includes(name),
    )
  );
}
