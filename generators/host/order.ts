/** The orders in which people and their tools keep lists of names: divvy keeps a sorted list sorted. */

import type { Order } from '../json/edit.ts';

type Compare = (one: string, other: string) => number;

/** By code units: like JavaScript's sort, and like pnpm, Yarn, bun, manypkg and sherif. */
const plain: Compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
/** Like npm sorts dependencies. */
const english: Compare = (one, other) => one.localeCompare(other, 'en');

/** Scripts for which npm also runs the scripts with `pre` or `post` before their name. */
const LIFECYCLE = /^(install|pack|prepare|publish|restart|shrinkwrap|start|stop|test|uninstall|version)$/;

/**
 * Like sort-package-json sorts scripts: it compares the parts between colons one by one, and keeps `pre` and `post`
 * beside their script.
 */
function byScript(names: readonly string[]): Compare {
  const parted = (name: string): { readonly base: string; readonly rank: number } => {
    const [, before, rest = ''] = /^(pre|post)(.*)$/.exec(name) ?? [];
    const isBeside = before !== undefined && (names.includes(rest) || LIFECYCLE.test(rest));
    return isBeside ? { base: rest, rank: before === 'pre' ? -1 : 1 } : { base: name, rank: 0 };
  };
  // The end of a part sorts before every other character that a name can have.
  const key = (base: string) => base.replaceAll(':', '\0');
  return (one, other) => {
    const [a, b] = [parted(one), parted(other)];
    return plain(key(a.base), key(b.base)) || a.rank - b.rank;
  };
}

/** The index that keeps a list sorted; undefined if the list is sorted in none of these orders. */
function sortedPlace(names: readonly string[], name: string, orders: readonly Compare[]): number | undefined {
  const order = orders.find((compare) =>
    names.every((each, index) => index === 0 || compare(names[index - 1] ?? '', each) <= 0),
  );
  if (order === undefined) return undefined;
  const next = names.findIndex((each) => order(each, name) > 0);
  return next < 0 ? names.length : next;
}

const wordsIn = (text: string): readonly string[] => text.trim().split(/\s+/);

/**
 * The usual order of a package.json, from sort-package-json: the keys that divvy may add, and keys that often stand
 * elsewhere.
 */
const USUAL = wordsIn(`
  $schema name displayName version stableVersion private description categories keywords homepage bugs repository
  funding license qna author maintainers contributors publisher sideEffects type imports exports main svelte
  umd:main jsdelivr unpkg module source jsnext:main browser react-native types typesVersions typings style example
  examplestyle assets bin man directories files workspaces binary scripts betterScripts wireit l10n contributes
  activationEvents husky simple-git-hooks pre-commit commitlint lint-staged nano-staged config nodemonConfig
  browserify babel browserslist xo prettier eslintConfig eslintIgnore npmpkgjsonlint npmPackageJsonLintConfig
  npmpackagejsonlint release remarkConfig stylelint ava jest jest-junit jest-stare mocha nyc c8 tap oclif
  resolutions overrides dependencies devDependencies dependenciesMeta peerDependencies peerDependenciesMeta
  optionalDependencies bundledDependencies bundleDependencies packageManager engines
`);

/** The order that @antfu/eslint-config gives to ESLint's jsonc/sort-keys; many other configurations copy it. */
const ANTFUS = wordsIn(`
  publisher name displayName type version private packageManager description author contributors license funding
  homepage repository bugs keywords categories sideEffects imports exports main module unpkg jsdelivr types
  typesVersions bin icon files engines activationEvents contributes scripts peerDependencies peerDependenciesMeta
  dependencies optionalDependencies devDependencies pnpm overrides resolutions husky simple-git-hooks lint-staged
  eslintConfig
`);

/** Where a top-level key goes in a package.json: in the order that the file follows, or else in the usual one. */
function placeAtTop(names: readonly string[], name: string): number | undefined {
  const order = [USUAL, ANTFUS].find((each) => {
    const ranks = names.filter((known) => each.includes(known)).map((known) => each.indexOf(known));
    return ranks.every((rank, index) => index === 0 || rank > (ranks[index - 1] ?? 0));
  });
  return order === undefined
    ? (alphabeticalPlace(names, name, MOST_FIRST) ?? placeBy(USUAL, names, name))
    : placeBy(order, names, name);
}

/** How many keys syncpack keeps before the alphabetical rest of a package.json: the name and a few more. */
const MOST_FIRST = 4;

/** This many keys in alphabetical order are no coincidence. */
const NO_CHANCE = 4;

/**
 * Where a name goes in an alphabetical list; undefined if the list is not alphabetical. The first few names may be out
 * of order.
 */
function alphabeticalPlace(names: readonly string[], name: string, mostFirst: number): number | undefined {
  for (let first = 0; first <= mostFirst && names.length - first >= NO_CHANCE; first++) {
    const place = sortedPlace(names.slice(first), name, [english, plain]);
    if (place !== undefined) return first + place;
  }
  return undefined;
}

/** After the last name that comes before it in the order, even if the rest of the list follows no order. */
function placeBy(order: readonly string[], names: readonly string[], name: string): number | undefined {
  if (!order.includes(name)) return undefined;
  const rank = (each: string): number => (order.includes(each) ? order.indexOf(each) : order.length);
  const before = names.findLastIndex((each) => rank(each) < rank(name));
  return before < 0 ? sortedPlace(names, name, [(one, other) => rank(one) - rank(other)]) : before + 1;
}

/** Where a key goes in a package.json. */
export const inPackageJson: Order = (at, names, name) => {
  if (at.length === 0) return placeAtTop(names, name);
  return sortedPlace(names, name, at[0] === 'scripts' ? [byScript(names), plain, english] : [english, plain]);
};

/**
 * Where an element goes in a list. A single element says nothing about the order; and if some entries exclude what
 * others include (`!dist`), the order has a meaning and must not change.
 */
export const inList: Order = (_, elements, element) =>
  elements.length < 2 || [...elements, element].some((each) => each.startsWith('!'))
    ? undefined
    : sortedPlace(elements, element, [plain, english]);

/**
 * Where a key goes in settings. A few keys may be sorted by coincidence: then the new one goes to the end, where people
 * put it.
 */
export const inSettings: Order = (_, names, name) => alphabeticalPlace(names, name, 0);
