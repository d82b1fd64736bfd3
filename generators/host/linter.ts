/**
 * Tells the package's own linters to skip vendored files: by editing their list, or, if that is a program, by a hint
 * for its owner.
 */

import { readdirSync } from 'node:fs';
import { join, matchesGlob, posix, relative } from 'node:path';
import { stat } from '../disk/disk.ts';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { anchored } from './anchored.ts';
import { leaveAloneInCheckers, type Make } from './checkers.ts';
import { type Hint, isLink, ONCE_NO_LINK, textOf, unwritten } from './hints.ts';
import type { Found, Home, Open, Written } from './home.ts';
import type { Place } from './place.ts';
import { optionsOf } from './scripts.ts';
import { blockOf } from './test-settings.ts';

/**
 * openAny - opens one of the package's files; undefined if it does not exist.
 * make - makes a file that does not exist.
 *
 * Returns the lines that a person has to add by hand.
 */
export function leaveAloneInLinters({ root, levels }: Place, written: Written, openAny: Open, make: Make): Hint[] {
  const open: Open = (path, dialect) => (isLink(join(root, path)) ? undefined : openAny(path, dialect));
  const hints = levels.flatMap(({ folder, packageJson }) => {
    const home: Home = {
      root: folder,
      isOurs: folder === root,
      names: readdirSync(folder),
      packageJson,
      from: (path) => relative(folder, join(root, path)).replaceAll('\\', '/'),
      shown: (path) => relative(root, join(folder, path)).replaceAll('\\', '/'),
    };
    return [
      ...inEslint(home, written, open),
      ...inOxlint(home, written, open),
      ...inKnip(home, written, open),
      ...leaveAloneInCheckers(home, written, open, make),
    ];
  });
  return unwritten(root, hints);
}

function inEslint({ root, isOurs, names, packageJson, from, shown }: Home, written: Written, open: Open): Found[] {
  const path = from(written.runtime);
  const flat = names.find((name) => /^eslint\.config\.\w+$/.test(name));
  if (flat !== undefined) {
    const isStyled = STYLED.test(textOf(join(root, flat)));
    const paths = [`${path}/`, from(LOCK), ...(isStyled ? [from(MANIFEST), `${from(written.tasks)}/`] : [])];
    const line = `{ ignores: [${paths.map((each) => `'${each}'`).join(', ')}] },`;
    const ignored = { file: shown(flat), line, names: path };
    return [ignored, ...(isStyled ? [] : ofTypedEslint(join(root, flat), shown(flat), from(written.tasks), written))];
  }
  const isOld = names.some((name) => /^\.eslintrc(\.\w+)?$/.test(name)) || packageJson?.has('eslintConfig');
  if (!isOld && !(names.includes('.eslintignore') && packageJson?.dependsOn('eslint'))) return [];
  const settings = names.find((name) => /^\.eslintrc(\.\w+)?$/.test(name));
  const inPackageJson = () => blockOf(textOf(join(root, PACKAGE_JSON)), 'eslintConfig') ?? '';
  const isStyled = STYLED.test(settings === undefined ? inPackageJson() : textOf(join(root, settings)));
  const paths = [path, ...(isStyled ? [from(written.tasks)] : [])].map((each) => anchored(`${each}/`));
  // A command with `--ignore-path` does not read .eslintignore, and divvy adds nothing to .gitignore.
  const [other] = optionsOf(packageJson, 'eslint', ['--ignore-path']).filter((name) => name !== '.eslintignore');
  if (other !== undefined) {
    const options = paths.map((each) => `--ignore-pattern ${each}`).join(' ');
    const line = `${options}, in each script that runs eslint with --ignore-path ${other}`;
    return [{ file: shown(PACKAGE_JSON), line, names: `--ignore-pattern ${paths[0]}` }];
  }
  if (packageJson?.has('eslintIgnore') && !names.includes('.eslintignore')) {
    // If .eslintignore exists, ESLint does not read this list.
    const json = isOurs ? open(PACKAGE_JSON, 'json') : undefined;
    for (const each of paths) json?.putElement(['eslintIgnore'], each);
    const line = `"eslintIgnore": [..., ${paths.map((each) => `"${each}"`).join(', ')}]`;
    return json ? [] : [{ file: shown(PACKAGE_JSON), line, names: path }];
  }
  const file = isOurs ? open('.eslintignore', 'lines') : undefined;
  const list = shown('.eslintignore');
  const more = isLink(join(root, '.eslintignore')) ? ONCE_NO_LINK : '';
  if (!file) return paths.map((line) => ({ file: list, line: `${line}${more}`, names: line.slice(0, -1) }));
  file.putLines(paths);
  return [];
}

/**
 * Rule sets that decide how code is written, to the last space, and in which order. divvy's files have another style,
 * and ESLint cannot fix a file that does not exist yet. So tasks are skipped; their owner may include them again and
 * let ESLint fix them.
 */
const STYLED =
  /@stylistic\b|perfectionist|@antfu\b|neostandard|\bairbnb|\bstandard(-with-typescript)?["']|eslint-config-(love|xo)/;

/**
 * Some rules, most of which use types, complain about newly made tasks and tests. Only ESLint itself could tell which
 * rules are on. So divvy prints one line that covers the rule sets which the settings name, for the tasks' folder
 * alone.
 */
function ofTypedEslint(config: string, file: string, tasks: string, { isNodeTest, ending }: Written): Found[] {
  const text = textOf(config);
  const hints: Found[] = [];
  const projects = /\bproject:\s*(?:\[[^\]]*\]|['"`][^'"`]*['"`])/.exec(text)?.[0];
  if (projects !== undefined && !projects.includes('*')) {
    const line = `'${tasks}/tsconfig.json', one more of parserOptions.project`;
    hints.push({ file, line, names: `${tasks}/tsconfig.json` });
  }
  const isTyped = /type-?checked|no-floating-promises|require-await/i.test(text);
  const rules = [
    // Nobody awaits the promise that node:test's `test()` returns.
    ...(isNodeTest && isTyped ? [`'@typescript-eslint/no-floating-promises': ['error', ${KNOWN_SAFE}]`] : []),
    // A newly added hook awaits nothing yet.
    ...(isTyped ? ["'@typescript-eslint/require-await': 'off'"] : []),
    ...(/strict-?type-?checked/i.test(text)
      ? ["'@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }]"]
      : []),
    ...(/\bstylistic/.test(text) ? ["'@typescript-eslint/consistent-type-definitions': 'off'"] : []),
  ];
  // A rule belongs to a plugin, which the settings load only for these files, and for no others in that folder.
  const files = `files: ['${tasks}/**/*${ending}']`;
  if (rules.length > 0) hints.push({ file, line: `{ ${files}, rules: { ${rules.join(', ')} } },`, names: files });
  return hints;
}

const KNOWN_SAFE = "{ allowForKnownSafeCalls: [{ from: 'package', name: ['test'], package: 'node:test' }] }";

/**
 * Oxlint looks for its settings in one folder. If a command names settings in another folder, they cannot reach paths
 * outside that folder.
 */
function inOxlint({ root, isOurs, names, packageJson, from, shown }: Home, written: Written, open: Open): Found[] {
  const given = optionsOf(packageJson, 'oxlint', ['-c', '--config']).map((path) => posix.normalize(path));
  const known = names.filter((name) => /^(\.oxlintrc\.jsonc?|oxlint\.config\.m?ts)$/.test(name));
  const isThere = (name: string) => isLink(join(root, name)) || stat(join(root, name))?.isFile() === true;
  const files = [...new Set([...known, ...given])].filter(isThere);
  const path = anchored(`${from(written.runtime)}/`);
  return files.flatMap((name) => {
    const isHere = posix.dirname(name) === '.';
    const isProgram = /\.[cm]?[jt]s$/.test(name);
    const hints: Found[] = [];
    if (written.isNodeTest && packageJson?.dependsOn('oxlint-tsgolint')) {
      // The rules that use types complain that nobody awaits the promise that node:test's `test()` returns.
      const rules = '{ "typescript/no-floating-promises": "off", "typescript/require-await": "off" }';
      const tasks = `${isHere ? '' : '**/'}${from(written.tasks)}/**`;
      const line = `${isProgram ? 'overrides' : '"overrides"'}: [{ "files": ["${tasks}"], "rules": ${rules} }]`;
      hints.push({ file: shown(name), line, names: tasks });
    }
    const file = isOurs && /^\.oxlintrc\.jsonc?$/.test(name) ? open(name, 'jsonc') : undefined;
    if (file) file.putElement(['ignorePatterns'], path);
    else if (isHere) {
      const line = isProgram ? `ignorePatterns: ['${path}'],` : `"ignorePatterns": ["${path}"]`;
      hints.push({ file: shown(name), line, names: path });
    } else {
      const line = `--ignore-pattern ${path}, in each script that runs oxlint with ${name}`;
      hints.push({ file: shown(PACKAGE_JSON), line, names: `--ignore-pattern ${path}` });
    }
    return hints;
  });
}

/**
 * Knip complains about each export that nothing in the package uses, but the runtime's exports are there for people who
 * write tasks. If no test imports a task file, Knip takes it for unused: it does not see that a script names the file.
 */
function inKnip({ isOurs, names, packageJson, from, shown }: Home, written: Written, open: Open): Found[] {
  const paths = [written.runtime, ...(written.isTested ? [] : [written.tasks])].map((path) => `${from(path)}/**`);
  const inWords = (file: string, start: string, quote: string, end: string): Found[] => {
    const list = paths.map((path) => `${quote}${path}${quote}`).join(', ');
    return [{ file: shown(file), line: `${start}[${list}]${end}`, names: paths[0] ?? '' }];
  };
  const json = names.find((name) => /^\.?knip\.jsonc?$/.test(name));
  const program = names.find((name) => /^knip(\.config)?\.[jt]s$/.test(name));
  if (json !== undefined || packageJson?.has('knip')) {
    const name = json ?? PACKAGE_JSON;
    const at = json === undefined ? ['knip', 'ignore'] : ['ignore'];
    const file = isOurs ? open(name, json === undefined ? 'json' : 'jsonc') : undefined;
    // Knip also accepts a string instead of a list, but nothing can be added to a string.
    if (!file || typeof file.value(at) === 'string') return inWords(name, '"ignore": ', '"', '');
    // Knip does not check files outside `project`, and it complains about an ignore entry that has no effect.
    const project = file.value([...at.slice(0, -1), 'project']);
    const globs = project === undefined ? ['**'] : [project].flat().map((glob) => String(glob).replace(/!$/, ''));
    const isAsked = (path: string) => globs.some((glob) => matchesGlob(path.replace('**', 'index.ts'), glob));
    for (const path of paths.filter(isAsked)) file.putElement(at, path);
    return [];
  }
  if (program !== undefined) return inWords(program, 'ignore: ', "'", ',');
  return packageJson?.dependsOn('knip') ? inWords('knip.json', '{ "ignore": ', '"', ' }') : [];
}
