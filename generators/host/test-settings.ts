/**
 * What a test runner's settings say of a task's test: where it runs, whether it is found, and whether the runtime counts in its
 * coverage. They are programs mostly, and are read as text, never run: what is written in another way than usual is not seen.
 */

import { readdirSync } from 'node:fs';
import { join, matchesGlob, posix, relative } from 'node:path';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { type Hint, textOf, unwritten } from './hints.ts';
import type { Place } from './place.ts';

/**
 * `beside`: another one, which runs no such test; Node.js does, and the other must not find it, or does not. The same where the coverage of
 * what Node.js finds is counted. `jest-26`: Jest before 27, which
 * knows no `node:` and, as it compiles, no `60_000`.
 */
export type TestRunner = 'node' | 'vitest' | 'jest' | 'jest-26' | 'beside';

interface Settings {
  /** Relative to the package. */
  readonly file: string;
  readonly text: string;
}

/** Whether Vitest is told to run tests in a browser. */
export function runsInBrowser(place: Place): boolean {
  const isAsked = place.packageJson.scripts.some((script) => /\bvitest\b.*--browser\b(?!\.enabled=false)/.test(script));
  return isAsked || /\benabled:\s*true\b/.test(blockOf(vitestSettings(place)?.text ?? '', 'browser') ?? '');
}

/**
 * Whether Jest looks for tests where, or by a pattern with which, it finds none of a task: in a `rootDir` below the package, as
 * `nest new` has it, or by a `testRegex` without them. No one line would have it find them.
 */
export function isOutOfJest(place: Place): boolean {
  const text = jestSettings(place)?.text ?? '';
  const rootDir = /\brootDir["']?\s*:\s*["']([^"']*)["']/.exec(text)?.[1] ?? '.';
  const pattern = /\btestRegex["']?\s*:\s*\[?\s*(["'])(.*?)\1/.exec(text)?.[2];
  return !/^(\.\/?|<rootDir>\/?)$/.test(rootDir) || (pattern !== undefined && !isFoundBy(pattern));
}

/** Whether a regular expression, as it is written in a text, is one by which a task's test is found. */
function isFoundBy(pattern: string): boolean {
  try {
    return new RegExp(pattern.replaceAll('\\\\', '\\')).test('/tasks/task.test.js');
  } catch {
    return false;
  }
}

/** Whether Vitest's files go through Angular's compiler, which makes nothing of those that the package's own tsconfig leaves out. */
export const isByAngular = (place: Place): boolean => /plugin-angular\b/.test(vitestSettings(place)?.text ?? '');

interface OfTask {
  readonly tasks: string;
  readonly runtime: string;
  /** The file of the task's test that the runner is to find. */
  readonly test: string;
}

/** Returns what has to be written by hand, so that the test is found, and the runtime is not counted as the package's own code. */
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
  // A package's tests may be several projects' then, each with a list of its own.
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
  // Node.js runs the task and its runtime: to Jest they are code that no test reaches.
  const counted = withoutRoot(listOf(text, 'collectCoverageFrom')) ?? [];
  for (const folder of [tasks, runtime]) {
    if (isIn(counted, `${folder}/index.ts`) && !counted.some((glob) => glob.startsWith(`!${folder}/`))) {
      hints.push({ file, line: `"!${folder}/**", one more of collectCoverageFrom`, names: `!${folder}/**` });
    }
  }
  return hints;
}

/** As both take it: of the nearest folder that has any. vite.config is Vitest's, too, where it has none of its own. */
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

/** Whether a path is among those that some globs match, of which those with `!` take out again. */
const isIn = (globs: readonly string[], path: string): boolean =>
  globs.some((glob) => !glob.startsWith('!') && matchesGlob(path, glob.replace(/^\.\//, ''))) &&
  !globs.some((glob) => glob.startsWith('!') && matchesGlob(path, glob.slice(1)));

/** The text of the first object that is a property's value, from the name to the last brace; undefined where there is none. */
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

/** The texts of the first list that is a property's value, where it is made of nothing else. */
function listOf(text: string, name: string): string[] | undefined {
  const list = new RegExp(`\\b${name}["']?\\s*:\\s*\\[((?:\\s*(?:"[^"]*"|'[^']*')\\s*,?)*)\\s*\\]`).exec(text)?.[1];
  return list?.match(/"[^"]*"|'[^']*'/g)?.map((each) => each.slice(1, -1));
}
