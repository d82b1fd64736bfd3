/**
 * What divvy could have written. A lock may have come with somebody else's repository, and may claim that divvy wrote
 * any file, or any line in one. So divvy leaves everything that it could not have written.
 */

import { posix } from 'node:path';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { IGNORE_FILES, STANDARD } from '../host/checkers.ts';
import { IGNORE_FILE, OWN_LIST } from '../host/formatter.ts';
import { isDecline } from '../host/install-scripts.ts';
import { PNPM_WORKSPACE } from '../host/levels.ts';
import { runtimeLeftOut } from '../host/workspaces.ts';
import type { Insertion } from '../json/insertions.ts';
import { parseJson } from '../json/parse.ts';
import type { Lock } from '../project/lock.ts';
import type { Manifest } from '../project/manifest.ts';
import { loadedAs, partsIn } from '../project/parts.ts';
import { isScriptOfTemplates } from '../rendering/places.ts';

/** Lists of files that a formatter or another program skips. */
const IGNORED = [IGNORE_FILE, ...IGNORE_FILES];

/** The files that divvy writes outside its folders: in a new project, as such lists, and for pnpm. */
const BESIDE = [
  MANIFEST,
  LOCK,
  PACKAGE_JSON,
  'README.md',
  'AGENTS.md',
  '.gitignore',
  'tsconfig.json',
  PNPM_WORKSPACE,
  ...IGNORED,
];

/** Why divvy cannot have written a file; undefined if it can. */
export function whyForeign(path: string, { tasks, tests, runtime }: Manifest): string | undefined {
  const isInside = [tasks, tests, runtime].some((folder) => path.startsWith(`${folder}/`));
  return isInside || BESIDE.includes(path)
    ? undefined
    : "it is not in divvy's folders: remove it by hand if it has to go";
}

/** The lists in the settings of other tools to which divvy adds its own paths. */
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
/** In package.json: an array, or an object as in older versions of yarn. */
const WORKSPACES = ['workspaces', 'workspaces.packages'];

/** Whether divvy can have made an insertion into a file that existed before. */
export function couldPut(path: string, insertion: Insertion, manifest: Manifest, lock: Lock | undefined): boolean {
  const name = posix.basename(path);
  if ('was' in insertion) return true;
  if (isDecline(path, insertion, scriptlessIn(lock, manifest.runtime))) return true;
  if ('line' in insertion) return OWN_LIST.test(path) && isOfOurs(insertion.line, manifest);
  const at = insertion.at.join('.');
  if (path === PACKAGE_JSON && 'element' in insertion && WORKSPACES.includes(at)) {
    return insertion.element === runtimeLeftOut(manifest.runtime);
  }
  if (path === MANIFEST && 'element' in insertion && at === 'import') {
    return partsIn(lock, manifest.runtime).some((part) => insertion.element === loadedAs(part, manifest.runtime));
  }
  if ('element' in insertion) return LISTS.some(([file, lists]) => file.test(name) && lists.includes(at));
  if (path !== PACKAGE_JSON) return false;
  const { key, value } = insertion;
  if (at === 'imports') return key === '#divvy' && isOfOurs(value, manifest);
  if (at === 'scripts')
    return /^divvy(:|$)/.test(key) || scriptsOf(lock).some((each) => each.join() === [key, value].join());
  return /^(devD|d)ependencies$/.test(at) && packagesOf(lock, manifest).includes(key);
}

const isOfOurs = (text: string | false, { tasks, runtime }: Manifest): boolean =>
  text !== false && [`${runtime}/`, `${tasks}/`, LOCK].some((path) => text.includes(path));

/** The scripts from templates, each with its command; without those that no template may have. */
export const scriptsOf = (lock: Lock | undefined): (readonly [name: string, command: string])[] =>
  Object.values(lock?.tasks ?? {}).flatMap(({ scripts = {} }) =>
    Object.entries(scripts).filter(([name]) => isScriptOfTemplates(name)),
  );

const packagesOf = (lock: Lock | undefined, { runtime }: Manifest): string[] => [
  ...Object.values(lock?.tasks ?? {}).flatMap(({ dependencies = [] }) => dependencies),
  ...packagesOfParts(lock, runtime),
];

/** The packages that the parts of the runtime need. */
export const packagesOfParts = (lock: Lock | undefined, runtime: string): string[] =>
  partsIn(lock, runtime).flatMap(({ dependencies }) => Object.keys(dependencies));

/** The packages whose install scripts divvy has declined for the parts of the runtime. */
const scriptlessIn = (lock: Lock | undefined, runtime: string): string[] =>
  partsIn(lock, runtime).flatMap(({ scriptless = [] }) => scriptless);

/** The keys in the package.json of a new project. */
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

/** Whether divvy can have written all of a package.json. If it has anything else in it, it is somebody's own. */
export function couldWriteWhole(bytes: Buffer, manifest: Manifest, lock: Lock | undefined): boolean {
  const value = parseJson(bytes) as { readonly [name: string]: unknown };
  const keys = (name: string) => Object.keys(value[name] ?? {});
  return (
    Object.keys(value).every((name) => OF_A_PROJECT.includes(name)) &&
    keys('imports').every((name) => name === '#divvy') &&
    keys('scripts').every(
      (name) => /^(start|test|typecheck|divvy|divvy:.*)$/.test(name) || scriptsOf(lock).some(([its]) => its === name),
    ) &&
    [...keys('dependencies'), ...keys('devDependencies')].every((name) =>
      ['typescript', '@types/node', ...packagesOf(lock, manifest)].includes(name),
    )
  );
}
