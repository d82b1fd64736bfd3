/** Which program runs a package's tests, and what a task's test looks like for it. */

import { join, posix } from 'node:path';
import { PACKAGE_JSON } from '../disk/file-names.ts';
import { textOf } from './hints.ts';
import type { Place } from './place.ts';
import type { TestRunner } from './test-settings.ts';
import { isByAngular, isOutOfJest, runsInBrowser } from './test-settings.ts';

/**
 * Decides by the package's own test script; otherwise by the packages that it or one above it depends on; otherwise
 * node:test.
 */
export function testRunnerOf(place: Place): TestRunner {
  const { packageJson, levels } = place;
  const script = packageJson.textIn('scripts', 'test') ?? '';
  // Vitest in a browser cannot start processes.
  const vitest = (): TestRunner => (runsInBrowser(place) || isByAngular(place) ? 'beside' : 'vitest');
  const isOld = () => (majorOf(place, 'jest') ?? 27) < 27;
  const jest = (): TestRunner => (isOutOfJest(place) ? 'beside' : isOld() ? 'jest-26' : 'jest');
  if (/\bvitest\b/.test(script)) return vitest();
  if (/\bjest\b/.test(script)) return jest();
  const node = (): TestRunner => (packageJson.scripts.some((each) => COVERAGE.test(each)) ? 'beside' : 'node');
  if (/\bnode\b.*--test\b/.test(script)) return node();
  if (/\b(bun|deno) test\b|\b(ava|mocha|tap)\b/.test(script)) return 'beside';
  const isNeeded = (name: string) => levels.some((level) => level.packageJson?.dependsOn(name));
  if (isNeeded('vitest')) return vitest();
  if (isNeeded('jest')) return jest();
  return ['@types/bun', 'bun-types', 'ava', 'mocha', 'tap'].some(isNeeded) ? 'beside' : node();
}

/**
 * Programs and options that measure how much of a package's code its tests reach. A task's test reaches only some of
 * the runtime, and nothing of the task's `dispatch`. Excluding both would need a list that replaces the one which
 * excludes the package's own tests.
 */
const COVERAGE = /\b(c8|nyc)\b|--(experimental-)?test-coverage/;

/** The major version of a package: the installed one, or else the one that the nearest package.json asks for. */
function majorOf({ levels }: Place, name: string): number | undefined {
  const installed = levels
    .map(({ folder }) => /"version":\s*"([^"]+)"/.exec(textOf(join(folder, 'node_modules', name, PACKAGE_JSON)))?.[1])
    .find((version) => version !== undefined);
  const wanted = levels.flatMap(({ packageJson }) => packageJson?.rangeOf(name) ?? []);
  const major = /^[\^~>=v\s]*(\d+)/.exec(installed ?? wanted[0] ?? '')?.[1];
  return major === undefined ? undefined : Number(major);
}

/** Whether Node.js runs the test that divvy makes. */
export const isNodeTest = (runner: TestRunner): boolean => runner !== 'vitest';

/** The folder for tests that Node.js runs, so that another runner does not take them for its own. */
const NODE_TESTS = 'node-test';

/**
 * The file that the runner gets to run a task's test.
 *
 * task - the task's name.
 * folder - the folder of the tests, relative to the package.
 */
export function testToRun(runner: TestRunner, task: string, folder: string, isModule: boolean): string {
  const ending = isModule ? 'ts' : 'mts';
  if (runner === 'beside') return `${folder}/${NODE_TESTS}/${task}.${ending}`;
  return `${folder}/${task}.test.${runner === 'jest' || runner === 'jest-26' ? 'js' : ending}`;
}

export interface TestFile {
  /** Relative to the package. */
  readonly path: string;
  readonly text: string;
}

/**
 * Makes a task's test for a runner, from the template's test for node:test.
 *
 * Vitest runs the same source with another import. Jest compiles everything that it runs, and supports neither this
 * runtime's modules nor its processes: so a short Jest test makes Node.js run the real test. Other runners take any
 * file with `.test.` in its name for their own.
 *
 * source - the template's own test, with imports that fit the new place.
 * name - of the test.
 * folder - of the tests, relative to the package.
 * task - the task file, relative to the package.
 */
export function testFor(
  runner: TestRunner,
  source: string,
  {
    name,
    folder,
    task,
    isModule,
  }: { readonly name: string; readonly folder: string; readonly task: string; readonly isModule: boolean },
): TestFile[] {
  const ending = posix.extname(task);
  const isOurs = runner === 'node' || runner === 'vitest';
  const path = posix.join(folder, isOurs ? `${name}.test${ending}` : `${NODE_TESTS}/${name}${ending}`);
  if (runner === 'node' || runner === 'beside') return [{ path, text: source }];
  if (runner === 'vitest')
    return [
      {
        path,
        text: `${IN_NODE}${source.replace(NODE_TEST_IMPORT, importOfVitest).replace(LAST_IMPORT, `$&${PATIENCE}`)}`,
      },
    ];
  const test = jestTest(name, posix.basename(path), isModule);
  const text = runner === 'jest' ? test : test.replaceAll("'node:", "'").replace('60_000', '60000');
  return [
    { path, text: source },
    { path: posix.join(folder, `${name}.test.js`), text },
  ];
}

/**
 * The package's own tests may run in a DOM, such as jsdom's. This one must not, because it starts Node.js processes.
 */
const IN_NODE = '// @vitest-environment node\n';

/**
 * The imports at the top of a template's test. The limit keeps an import without an end from matching through the whole
 * file.
 */
const LAST_IMPORT = /(?:^import [^;]{1,1000};\n)+/m;
const PATIENCE = `
// Real processes boot here: on a busy machine that takes longer than the five seconds that Vitest gives a test.
vi.setConfig({ testTimeout: 60_000 });
`;

const NODE_TEST_IMPORT = /^import \{ ((?!mock\b)[^}]+) \} from 'node:test';$/m;

/** Vitest's names for functions of node:test, where they differ. */
const VITEST_NAMES: Readonly<Record<string, string>> = { before: 'beforeAll', after: 'afterAll' };

const importOfVitest = (_: string, names: string): string =>
  `import { ${names
    .split(',')
    .map((name) => name.trim())
    .map((name) => (VITEST_NAMES[name] === undefined ? name : `${VITEST_NAMES[name]} as ${name}`))
    .join(', ')}, vi } from 'vitest';`;

/**
 * Jest's own state gives the file's folder, because how a module can tell depends on how Jest compiles it. The limit is
 * 60 s: on a busy machine two processes need more than Jest's usual 5 s to boot.
 */
const jestTest = (name: string, file: string, isModule: boolean): string => `${
  isModule
    ? "import { spawnSync } from 'node:child_process';\nimport { dirname, join } from 'node:path';\n"
    : "const { spawnSync } = require('node:child_process');\nconst { dirname, join } = require('node:path');\n"
}
// The task and its runtime are TypeScript that Node.js runs as it stands, so Node.js runs their test, too.
test('${name}', () => {
  const file = join(dirname(expect.getState().testPath), '${NODE_TESTS}', '${file}');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout + stderr);
}, 60_000);
`;
