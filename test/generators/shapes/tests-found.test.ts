// A task's test is one that the package's own runner finds and can run; or the line that it needs is shown.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { divvyHere } from '../in-process.ts';
import { packageJson } from './proof.ts';
import { put, repositoryWith, runIn, type Tree } from './repository.ts';

vi.setConfig({ testTimeout: 600_000 });

const tested = (script: string, fields: object = {}) => packageJson({ scripts: { test: script }, ...fields });
const vitest = (settings: string): Tree => ({
  'package.json': tested('vitest run'),
  'vitest.config.ts': `export default { test: { ${settings} } };\n`,
});
const jest = (settings: object): Tree => ({ 'package.json': tested('jest', { jest: settings }) });

async function added(files: Tree) {
  const root = repositoryWith(files);
  const { code, stdout, stderr } = await divvyHere(['add', 'nightly', '--json'], root);
  expect(code, stderr).toBe(0);
  const { byHand, testRunner }: { byHand: { file: string; line: string }[]; testRunner: string } = JSON.parse(stdout);
  return { root, lines: byHand.map(({ file, line }) => `${file}: ${line}`), testRunner, said: stderr };
}

test.each<[string, Tree]>([
  ['AVA', { 'package.json': tested('ava') }],
  ['Mocha, behind another script', { 'package.json': tested('npm run unit', { devDependencies: { mocha: '*' } }) }],
  ['tap', { 'package.json': tested('tap') }],
  ['Deno', { 'package.json': tested('deno test') }],
  [
    'coverage by c8, behind another script',
    { 'package.json': packageJson({ scripts: { test: 'npm run unit', unit: 'c8 --100 node --test' } }) },
  ],
  ['coverage by Node.js', { 'package.json': tested('node --test --experimental-test-coverage') }],
  ['Jest, whose root is src', jest({ rootDir: 'src' })],
  ['Jest, which looks by a pattern', jest({ testRegex: '.*\\.spec\\.ts$' })],
  [
    "Vitest by Angular's compiler",
    {
      'package.json': tested('vitest'),
      'vitest.config.ts':
        "import angular from '@analogjs/vite-plugin-angular';\nexport default { plugins: [angular()] };\n",
    },
  ],
  ['Vitest in a browser', vitest("browser: { enabled: true, instances: [{ browser: 'chromium' }] }")],
  ['Vitest in a browser, by its script', { 'package.json': tested('vitest run --browser=firefox') }],
])('beside %s Node.js runs the test, where the other does not look, and the summary names it', async (_, files) => {
  const { said, testRunner } = await added(files);
  expect(testRunner).toBe('node');
  expect(said).toMatch(/tasks\/node-test\/nightly\.ts +its test: node --test tasks\/node-test\/nightly\.ts\n/);
});

test.each<[string, Tree, string[]]>([
  [
    'Vitest, which looks elsewhere',
    vitest("include: ['src/**/*.test.ts'], deps: { include: ['**'] }"),
    ["vitest.config.ts: 'tasks/**/*.test.ts', one more of test.include, so that its test is found"],
  ],
  ['Vitest, which looks everywhere', vitest("include: ['**/*.{test,spec}.?(c|m)[jt]s?(x)']"), []],
  ['Vitest, whose projects look where each wants', vitest("include: ['src/**'], projects: []"), []],
  ['Vitest, which is told by a program', vitest('include: patterns'), []],
  [
    'Vitest, with limits of coverage',
    vitest('coverage: { enabled: true, thresholds: { lines: 90 } }'),
    ["vitest.config.ts: exclude: ['vendor/divvy/**'], in test.coverage, with what it leaves out already"],
  ],
  ['Vitest, with coverage of other files', vitest("coverage: { enabled: true, include: ['src/**'] }"), []],
  [
    'Vitest, with coverage by its script',
    { 'package.json': tested('vitest run --coverage') },
    ["package.json: --coverage.exclude='vendor/divvy/**', in each script that runs vitest with --coverage"],
  ],
  [
    'Jest, which looks elsewhere',
    jest({ testMatch: ['<rootDir>/src/**/*.test.js'], roots: ['<rootDir>/src'] }),
    [
      'package.json: "<rootDir>/tasks/**/*.test.js", one more of testMatch, so that its test is found',
      'package.json: "<rootDir>/tasks", one more of roots, so that its test is found',
    ],
  ],
  ['Jest, whose pattern finds it', jest({ testRegex: '(/__tests__/.*|(\\.|/)(test|spec))\\.[jt]sx?$' }), []],
  ['Jest, which looks everywhere', jest({ testMatch: ['**/*.test.js'], roots: ['<rootDir>'] }), []],
  [
    'Jest, which counts every file',
    jest({ collectCoverageFrom: ['**/*.{js,ts}'], coverageThreshold: {} }),
    [
      'package.json: "!tasks/**", one more of collectCoverageFrom',
      'package.json: "!vendor/divvy/**", one more of collectCoverageFrom',
    ],
  ],
  ['Jest, which counts its own files', jest({ collectCoverageFrom: ['src/**/*.js'] }), []],
])('what has to be added is shown for %s', async (_, files, lines) => {
  expect((await added(files)).lines).toEqual(lines);
});

test.each<[string, Tree]>([
  ['installed', { 'package.json': tested('jest'), 'node_modules/jest/package.json': '{ "version": "26.6.3" }' }],
  ['wanted', { 'package.json': tested('jest', { devDependencies: { jest: '^26.0.0' } }) }],
])('Jest before 27, as it is %s, gets a test without what it does not know', async (_, files) => {
  const { root, testRunner } = await added(files);
  const text = readFileSync(join(root, 'tasks/nightly.test.js'), 'utf8');
  expect({ testRunner, text }).toEqual({ testRunner: 'jest', text: expect.not.stringMatching(/node:|60_000/) });
  expect(text).toMatch(/from 'child_process'[\s\S]*}, 60000\);\n$/);
});

test('Vitest with a DOM, which looks elsewhere, runs the test once the line that is shown is there', async () => {
  const settings = (include: string) =>
    `export default { test: { environment: 'happy-dom', include: ['src/**/*.test.ts'${include}] } };\n`;
  const root = repositoryWith({ 'package.json': tested('vitest run'), 'vitest.config.ts': settings('') }, [
    'vitest',
    'happy-dom',
  ]);
  expect(await divvyHere(['add', 'nightly'], root)).toMatchObject({ code: 0, stderr: '' });
  put(root, { 'vitest.config.ts': settings(", 'tasks/**/*.test.ts'") });
  const ran = await runIn(root, ['vitest', 'run', 'tasks/nightly.test.ts']);
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/Tests .*2 passed/) });
});

/** As console-fail-test has it: before each test every method of the console is another, which a test must not have called. */
const NO_PRINTING = `import { afterEach, beforeEach, expect } from 'vitest';
const methods = Object.entries(console).filter(([, method]) => typeof method === 'function');
let printed: unknown[][] = [];
beforeEach(() => {
  printed = [];
  for (const [name] of methods) Object.assign(console, { [name]: (...texts: unknown[]) => printed.push(texts) });
});
afterEach(() => {
  Object.assign(console, Object.fromEntries(methods));
  expect(printed).toEqual([]);
});
`;

test.each(['basic', 'csv', 'dance-party', 'files', 'http', './team'])(
  'the test of a task from %s passes where a test may print nothing',
  async (template) => {
    const settings = "export default { test: { setupFiles: ['./no-printing.ts'] } };\n";
    const files = { 'vitest.config.ts': settings, 'no-printing.ts': NO_PRINTING };
    const tools = ['vitest', ...(template === 'csv' ? ['csv-parse'] : [])];
    const root = repositoryWith({ ...files, 'package.json': tested('vitest run') }, tools);
    if (template === './team') expect(await divvyHere(['template', 'new', 'team'], root)).toMatchObject({ code: 0 });
    const { code, stderr } = await divvyHere(['add', 'nightly', '-t', template, '--yes', '--no-install'], root);
    expect(code, stderr).toBe(0);
    const ran = await runIn(root, ['vitest', 'run', 'tasks/nightly.test.ts']);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0, stdout: expect.stringMatching(/Tests .*passed/) });
  },
);
