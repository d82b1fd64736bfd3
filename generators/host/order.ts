/** The orders that lists of names are kept in, by people and by their tools: a list that is sorted stays sorted. */

import type { Order } from '../json/edit.ts';

type Compare = (one: string, other: string) => number;

/** By code units: as JavaScript sorts, and pnpm, Yarn, bun, manypkg and sherif do. */
const plain: Compare = (one, other) => (one < other ? -1 : one > other ? 1 : 0);
/** As npm sorts dependencies. */
const english: Compare = (one, other) => one.localeCompare(other, 'en');

/** Scripts for which npm runs others, of their name with `pre` or `post` before it. */
const LIFECYCLE = /^(install|pack|prepare|publish|restart|shrinkwrap|start|stop|test|uninstall|version)$/;

/** As sort-package-json sorts scripts: part by part of what stands between colons, and `pre` and `post` beside their script. */
function byScript(names: readonly string[]): Compare {
  const parted = (name: string): { readonly base: string; readonly rank: number } => {
    const [, before, rest = ''] = /^(pre|post)(.*)$/.exec(name) ?? [];
    const isBeside = before !== undefined && (names.includes(rest) || LIFECYCLE.test(rest));
    return isBeside ? { base: rest, rank: before === 'pre' ? -1 : 1 } : { base: name, rank: 0 };
  };
  // A part ends before every other character that a name can have.
  const key = (base: string) => base.replaceAll(':', '\0');
  return (one, other) => {
    const [a, b] = [parted(one), parted(other)];
    return plain(key(a.base), key(b.base)) || a.rank - b.rank;
  };
}

/** Where a name goes so that a list stays sorted; undefined where it is sorted in none of these orders. */
function sortedPlace(names: readonly string[], name: string, orders: readonly Compare[]): number | undefined {
  const order = orders.find((compare) =>
    names.every((each, index) => index === 0 || compare(names[index - 1] ?? '', each) <= 0),
  );
  if (order === undefined) return undefined;
  const next = names.findIndex((each) => order(each, name) > 0);
  return next < 0 ? names.length : next;
}

const wordsIn = (text: string): readonly string[] => text.trim().split(/\s+/);

/** The usual order of a package.json, that of sort-package-json, as far as something is put in, and what often stands elsewhere. */
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

/** The order that ESLint's jsonc/sort-keys is given in @antfu/eslint-config, and in many that are made after it. */
const ANTFUS = wordsIn(`
  publisher name displayName type version private packageManager description author contributors license funding
  homepage repository bugs keywords categories sideEffects imports exports main module unpkg jsdelivr types
  typesVersions bin icon files engines activationEvents contributes scripts peerDependencies peerDependenciesMeta
  dependencies optionalDependencies devDependencies pnpm overrides resolutions husky simple-git-hooks lint-staged
  eslintConfig
`);

/** Where a part goes in a package.json: by the order that it is in, or else by the usual one. */
function placeAtTop(names: readonly string[], name: string): number | undefined {
  const order = [USUAL, ANTFUS].find((each) => {
    const ranks = names.filter((known) => each.includes(known)).map((known) => each.indexOf(known));
    return ranks.every((rank, index) => index === 0 || rank > (ranks[index - 1] ?? 0));
  });
  return order === undefined
    ? (alphabeticalPlace(names, name, MOST_FIRST) ?? placeBy(USUAL, names, name))
    : placeBy(order, names, name);
}

/** What syncpack has before a package.json that is in the order of the alphabet: the name and a few more. */
const MOST_FIRST = 4;

/** So many in the order of the alphabet are no chance. */
const NO_CHANCE = 4;

/** Where a name goes in the order of the alphabet; undefined where a list is not in it. The first few names may be in none. */
function alphabeticalPlace(names: readonly string[], name: string, mostFirst: number): number | undefined {
  for (let first = 0; first <= mostFirst && names.length - first >= NO_CHANCE; first++) {
    const place = sortedPlace(names.slice(first), name, [english, plain]);
    if (place !== undefined) return first + place;
  }
  return undefined;
}

/** Behind whatever is before it in an order, also where the rest is in none. */
function placeBy(order: readonly string[], names: readonly string[], name: string): number | undefined {
  if (!order.includes(name)) return undefined;
  const rank = (each: string): number => (order.includes(each) ? order.indexOf(each) : order.length);
  const before = names.findLastIndex((each) => rank(each) < rank(name));
  return before < 0 ? sortedPlace(names, name, [(one, other) => rank(one) - rank(other)]) : before + 1;
}

/** Where something is put into a package.json. */
export const inPackageJson: Order = (at, names, name) => {
  if (at.length === 0) return placeAtTop(names, name);
  return sortedPlace(names, name, at[0] === 'scripts' ? [byScript(names), plain, english] : [english, plain]);
};

/**
 * Where an element is put into a list. One alone says nothing about an order, and where some take out of what others take in
 * (`!dist`) the order has a meaning.
 */
export const inList: Order = (_, elements, element) =>
  elements.length < 2 || [...elements, element].some((each) => each.startsWith('!'))
    ? undefined
    : sortedPlace(elements, element, [plain, english]);

/** Where a part of settings goes. One or two that are sorted are so by chance: it goes to the end there, where people put it. */
export const inSettings: Order = (_, names, name) => alphabeticalPlace(names, name, 0);
