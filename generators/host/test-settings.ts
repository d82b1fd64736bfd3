/**
 * What a test runner's settings mean for a task's test: where it runs, whether the runner finds it, and whether the
 * runtime counts in its coverage. Most settings are programs. divvy reads them as text and never runs them, so it
 * misses unusual ways of writing them.
 */

import { readdirSync } from 'node:fs';
import { join, matchesGlob, posix, relative } from 'node:path';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { type Hint, textOf, unwritten } from './hints.ts';
import type { Place } from './place.ts';

/**
 * `beside`: the package uses a runner that cannot run such a test. Node.js runs it instead, and the other runner must
 * not find it. Also used if the coverage of Node.js's own tests is measured. `jest-26`: Jest before 27, which does not
 * know `node:` imports and cannot compile `60_000`.
 */
export type TestRunner = 'node' | 'vitest' | 'jest' | 'jest-26' | 'beside';

interface Settings {
  /** Relative to the package. */
  readonly file: string;
  readonly text: string;
}

/** Whether Vitest is set to run tests in a browser. */
export function runsInBrowser(place: Place): boolean {
  const isAsked = place.packageJson.scripts.some((script) => /\bvitest\b.*--browser\b(?!\.enabled=false)/.test(script));
  return isAsked || /\benabled:\s*true\b/.test(blockOf(vitestSettings(place)?.text ?? '', 'browser') ?? '');
}

/**
 * Whether Jest cannot find a task's test: its `rootDir` is below the package, as with `nest new`, or its `testRegex`
 * does not match. No single line would make Jest find it.
 */
export function isOutOfJest(place: Place): boolean {
  const text = jestSettings(place)?.text ?? '';
  const rootDir = /\brootDir["']?\s*:\s*["']([^"']*)["']/.exec(text)?.[1] ?? '.';
  const pattern = /\btestRegex["']?\s*:\s*\[?\s*(["'])(.*?)\1/.exec(text)?.[2];
  return !/^(\.\/?|<rootDir>\/?)$/.test(rootDir) || (pattern !== undefined && !isFoundBy(pattern));
}

/** Whether a regular expression, as written in the settings, matches a task's test. */
function isFoundBy(pattern: string): boolean {
  try {
    return new RegExp(pattern.replaceAll('\\\\', '\\')).test('/tasks/task.test.js');
  } catch {
    return false;
  }
}

/** Whether Angular's compiler compiles Vitest's files; it compiles none that the package's own tsconfig excludes. */
export const isByAngular = (place: Place): boolean => /plugin-angular\b/.test(vitestSettings(place)?.text ?? '');

interface OfTask {
  readonly tasks: string;
  readonly runtime: string;
  /** The file of the task's test that the runner should find. */
  readonly test: string;
}

/**
 * Returns the lines that a person has to add by hand, so that the runner finds the test, and does not count the runtime
 * as the package's own code.
 */
export function hintsOfTests(place: Place, runner: TestRunner, ofTask: OfTask): Hint[] {
  const hints = runner === 'vitest' ? ofVitest(place, ofTask) : /^jest/.test(runner) ? ofJest(place, ofTask) : [];
  return unwritten(place.root, hints);
}

type Found = Hint & { readonly names: string };

function ofVitest(place: Place, { tasks, runtime, test }: OfTask): Found[] {
  const settings = vitestSettings(place);
  const text = settings?.text ?? '';
  const file = settings?.file ?? PACKAGE_JSON;
  const own = ['coverage', 'typecheck', 'browser', 'benchmark', 'deps', 'server'].reduce(
    (left, name) => left.replace(blockOf(left, name) ?? '', ''),
    text,
  );
  const include = listOf(own, 'include');
  // If not, the tests may belong to several projects, each with its own list.
  const isOne = !/\b(projects|workspace)\s*:/.test(text);
  const wanted = `${tasks}/**/*.test.${posix.extname(test).slice(1)}`;
  const hints: Found[] =
    isOne && include !== undefined && !isIn(include, test)
      ? [{ file, line: `'${wanted}', one more of test.include, so that its test is found`, names: `${tasks}/` }]
      : [];
  const coverage = blockOf(text, 'coverage');
  const isCovered = place.packageJson.scripts.some((script) => /\bvitest\b.*--coverage\b/.test(script));
  const counted = listOf(coverage ?? '', 'include');
  const path = `${runtime}/**`;
  const isCounted = counted === undefined || isIn(counted, `${runtime}/index.ts`);
  if ((coverage !== undefined || isCovered) && isCounted) {
    const line =
      coverage === undefined
        ? `--coverage.exclude='${path}', in each script that runs vitest with --coverage`
        : `exclude: ['${path}'], in test.coverage, with what it leaves out already`;
    hints.push({ file: coverage === undefined ? PACKAGE_JSON : file, line, names: path });
  }
  return hints;
}

function ofJest(place: Place, { tasks, runtime, test }: OfTask): Found[] {
  const settings = jestSettings(place);
  if (settings === undefined) return [];
  const { file, text } = settings;
  const withoutRoot = (globs: readonly string[] | undefined) => globs?.map((glob) => glob.replace(/^<rootDir>\/?/, ''));
  const hints: Found[] = [];
  const match = withoutRoot(listOf(text, 'testMatch'));
  const roots = withoutRoot(listOf(text, 'roots'));
  if (match !== undefined && !isIn(match, test)) {
    const line = `"<rootDir>/${tasks}/**/*.test.js", one more of testMatch, so that its test is found`;
    hints.push({ file, line, names: `${tasks}/**` });
  }
  if (roots !== undefined && !roots.some((root) => root === '' || `${tasks}/`.startsWith(`${root}/`))) {
    const line = `"<rootDir>/${tasks}", one more of roots, so that its test is found`;
    hints.push({ file, line, names: `<rootDir>/${tasks}"` });
  }
  // Node.js runs the task and its runtime, so Jest would count them as code that no test reaches.
  const counted = withoutRoot(listOf(text, 'collectCoverageFrom')) ?? [];
  for (const folder of [tasks, runtime]) {
    if (isIn(counted, `${folder}/index.ts`) && !counted.some((glob) => glob.startsWith(`!${folder}/`))) {
      hints.push({ file, line: `"!${folder}/**", one more of collectCoverageFrom`, names: `!${folder}/**` });
    }
  }
  return hints;
}

/**
 * The settings in the nearest folder that has any, as Vitest itself does it. vite.config counts if there is no
 * vitest.config.
 */
const vitestSettings = (place: Place): Settings | undefined =>
  nearest(place, /^vitest\.config\.[cm]?[jt]s$/) ?? nearest(place, /^vite\.config\.[cm]?[jt]s$/);

function jestSettings({ root, levels, packageJson }: Place): Settings | undefined {
  const said = packageJson.has('jest') ? textOf(join(root, PACKAGE_JSON)) : '';
  const block = blockOf(said, 'jest');
  if (block !== undefined) return { file: PACKAGE_JSON, text: block };
  return nearest({ root, levels: levels.slice(0, 1) }, /^jest\.config\.([cm]?[jt]s|json)$/);
}

function nearest({ root, levels }: Pick<Place, 'root' | 'levels'>, name: RegExp): Settings | undefined {
  for (const { folder } of levels) {
    const file = readdirSync(folder).find((each) => name.test(each));
    if (file === undefined) continue;
    const path = join(folder, file);
    return { file: relative(root, path).replaceAll('\\', '/'), text: textOf(path) };
  }
  return undefined;
}

/** Whether the globs match a path; a glob with `!` excludes again. */
const isIn = (globs: readonly string[], path: string): boolean =>
  globs.some((glob) => !glob.startsWith('!') && matchesGlob(path, glob.replace(/^\.\//, ''))) &&
  !globs.some((glob) => glob.startsWith('!') && matchesGlob(path, glob.slice(1)));

/**
 * The text of the first object that is a property's value, from the property's name to the closing brace; undefined if
 * there is none.
 */
export function blockOf(text: string, name: string): string | undefined {
  const start = new RegExp(`["']?\\b${name}\\b["']?\\s*:\\s*\\{`).exec(text);
  if (start === null) return undefined;
  let depth = 0;
  for (let at = start.index; at < text.length; at++) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0 && text[at] === '}') return text.slice(start.index, at + 1);
  }
  return undefined;
}

/** The strings of the first list that is a property's value, if the list contains only strings. */
function listOf(text: string, name: string): string[] | undefined {
  const list = new RegExp(`\\b${name}["']?\\s*:\\s*\\[((?:\\s*(?:"[^"]*"|'[^']*')\\s*,?)*)\\s*\\]`).exec(text)?.[1];
  return list?.match(/"[^"]*"|'[^']*'/g)?.map((each) => each.slice(1, -1));
}
