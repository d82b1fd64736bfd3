/** Which program runs a package's tests, and how a task's test is written for it. */

import { posix } from 'node:path';
import type { Place } from './place.ts';

/** `beside`: another one, which runs no such test; Node.js does, and the other must not find it. */
export type TestRunner = 'node' | 'vitest' | 'jest' | 'beside';

/** By the package's own test script; else by what is installed for it, in the package or above; else that of Node.js. */
export function testRunnerOf({ packageJson, levels }: Place): TestRunner {
  const script = packageJson.textIn('scripts', 'test') ?? '';
  if (/\bvitest\b/.test(script)) return 'vitest';
  if (/\bjest\b/.test(script)) return 'jest';
  if (/\bnode\b.*--test\b/.test(script)) return 'node';
  if (/\bbun test\b|\b(ava|mocha)\b/.test(script)) return 'beside';
  const isNeeded = (name: string) => levels.some((level) => level.packageJson?.dependsOn(name));
  if (isNeeded('vitest')) return 'vitest';
  if (isNeeded('jest')) return 'jest';
  return ['@types/bun', 'bun-types'].some(isNeeded) ? 'beside' : 'node';
}

/** A file of a test, as it is to be. */
export interface TestFile {
  /** Relative to the package. */
  readonly path: string;
  readonly text: string;
}

/**
 * A task's test for a runner, made from one for that of Node.js.
 *
 * Vitest runs the same source with another import. What Jest runs goes through its own compilers, which know neither this
 * runtime's modules nor its processes: there a test of a few lines has Node.js run the test. Others take what has `.test.` in
 * its name for theirs.
 *
 * source - the template's own, whose imports are as they are to be there.
 * name   - of the test.
 * folder - of the tests, relative to the package.
 * task   - the task file, relative to the package.
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
  const path = posix.join(folder, isOurs ? `${name}.test${ending}` : `node-test/${name}${ending}`);
  if (runner === 'node' || runner === 'beside') return [{ path, text: source }];
  if (runner === 'vitest')
    return [{ path, text: source.replace(NODE_TEST_IMPORT, importOfVitest).replace(LAST_IMPORT, `$&${PATIENCE}`) }];
  return [
    { path, text: source },
    { path: posix.join(folder, `${name}.test.js`), text: jestTest(name, posix.basename(path), isModule) },
  ];
}

/** Imports stand together at the top of a template's test. One without an end is not looked for in all of the file. */
const LAST_IMPORT = /(?:^import [^;]{1,1000};\n)+/m;
const PATIENCE = `
// Real processes boot here: on a busy machine that takes longer than the five seconds that Vitest gives a test.
vi.setConfig({ testTimeout: 60_000 });
`;

const NODE_TEST_IMPORT = /^import \{ ((?!mock\b)[^}]+) \} from 'node:test';$/m;

/** The names that vitest has for those of node:test, where they differ. */
const VITEST_NAMES: Readonly<Record<string, string>> = { before: 'beforeAll', after: 'afterAll' };

const importOfVitest = (_: string, names: string): string =>
  `import { ${names
    .split(',')
    .map((name) => name.trim())
    .map((name) => (VITEST_NAMES[name] === undefined ? name : `${VITEST_NAMES[name]} as ${name}`))
    .join(', ')}, vi } from 'vitest';`;

/**
 * It says where it is by what Jest knows of it: how a module says that differs with how Jest compiles one. Jest's limit of
 * five seconds for a test would be over before two processes have booted on a busy machine.
 */
const jestTest = (name: string, file: string, isModule: boolean): string => `${
  isModule
    ? "import { spawnSync } from 'node:child_process';\nimport { dirname, join } from 'node:path';\n"
    : "const { spawnSync } = require('node:child_process');\nconst { dirname, join } = require('node:path');\n"
}
// The task and its runtime are TypeScript that Node.js runs as it stands, so Node.js runs their test, too.
test('${name}', () => {
  const file = join(dirname(expect.getState().testPath), 'node-test', '${file}');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', file], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stdout + stderr);
}, 60_000);
`;
