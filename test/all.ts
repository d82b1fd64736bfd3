// What `npm test` does: every check there is, one after the other, whether or not one before it failed; then the counts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { failuresOf, notRunIn, type Report } from './report.ts';

const home = join(import.meta.dirname, '..');
const reports = mkdtempSync(join(tmpdir(), 'divvy-test-'));
const vitest = join(home, 'node_modules/vitest/vitest.mjs');

/**
 * The Node.js versions of package.json's devDependencies. The newest runs everything, and the oldest what users run on theirs.
 * What both can do, the one between can do, too: it runs what depends on processes, sockets, streams and threads. What each mode
 * leaves out is in vitest.config.ts.
 */
const projects = ['projects', 'templates', 'http', 'csv', 'sqlite'].map((name) => `test/generated/${name}.test.ts`);
const nodes = [
  { name: 'node', tests: [] },
  { name: 'node-22', tests: ['--mode', 'oldest', 'test/runtime/', ...projects] },
  { name: 'node-24', tests: ['--mode', 'between', 'test/runtime/', 'test/generated/projects.test.ts'] },
];

const failed: string[] = [];
/** What failed of the tests, told of once more at the end: whoever has only the end of a log knows what to look for. */
const broken: string[] = [];
/** What this machine lacks, with the tests that were not run for it. */
const notRun = new Map<string, Set<string>>();

/** Runs one check with this terminal; `bin` is put first on PATH, so that what the check starts is found there too. */
function check(title: string, command: string, args: string[], bin?: string): void {
  console.log(`\n── ${title}`);
  const path = [bin, join(home, 'node_modules', '.bin'), process.env['PATH']].filter(Boolean).join(delimiter);
  const { status, signal, error } = spawnSync(command, args, {
    cwd: home,
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  if (status === 0) return;
  console.log(error ? `${title}: ${error.message}` : `${title}: ended with ${signal ?? `exit code ${status}`}`);
  failed.push(title);
}

check('format and lint', 'biome', ['ci']);
// By its path: other releases of TypeScript are installed for tests, and npm may link any of them as `tsc`.
const tsc = join(home, 'node_modules/typescript/bin/tsc');
check('types', 'node', [tsc]);
check('types: runtime/ declares what it exports', 'node', [tsc, '-p', 'tsconfig.runtime.json']);
check('types: the page of reports', 'node', [tsc, '-p', 'tsconfig.page.json']);
check('unused files, exports and dependencies', 'knip', []);
check('build', 'npm', ['run', 'build']);
check('the shape of the package', 'publint', ['--strict']);

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const { name, tests } of nodes) {
  const bin = join(home, 'node_modules', name, 'bin');
  const report = join(reports, `${name}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const version = spawnSync(join(bin, 'node'), ['--version'], { encoding: 'utf8' }).stdout ?? 'not installed';
  check(`tests on Node.js ${version.trim()}`, join(bin, 'node'), [vitest, 'run', ...reporters, ...tests], bin);
  try {
    const result: Report = JSON.parse(readFileSync(report, 'utf8'));
    counts.passed += result.numPassedTests;
    counts.failed += result.numFailedTests;
    counts.skipped += result.numPendingTests + result.numTodoTests;
    for (const [needs, tests] of notRunIn(result, home)) {
      for (const test of tests) notRun.set(needs, (notRun.get(needs) ?? new Set()).add(test));
    }
    broken.push(...failuresOf(result, home).map((failure) => `${name}: ${failure}`));
  } catch (error) {
    console.log(`${name} left no report: ${String(error)}`);
    failed.push(`the report of ${name}`);
  }
}
rmSync(reports, { recursive: true });

for (const failure of broken) console.log(`\n── ${failure}`);
for (const [needs, tests] of notRun) {
  console.log(`\n── Not run: ${needs}`);
  for (const test of tests) console.log(`   ${test}`);
}
console.log(failed.length === 0 ? '\nEvery check passed.' : `\nFailed: ${failed.join('; ')}.`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed.length === 0 ? 0 : 1;
