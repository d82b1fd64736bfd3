// A test that needs a program which is not here is not run, and is named at the end; where CI is set it fails.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PROGRAMS } from './needs.ts';
import { failuresOf, notRunIn, type Report } from './report.ts';

const home = join(import.meta.dirname, '..');
const MISSING = 'promtool is not on this machine (on Debian: apt-get install prometheus)';

/** Runs the tests of made-up/needs.ts where no program is to be found. */
function run(CI: string): { status: number | null; report: Report } {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-needs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'vitest.config.mjs');
  writeFileSync(config, "export default { test: { include: ['test/made-up/needs.ts'] } };");
  const output = join(folder, 'report.json');
  const vitest = [join(home, 'node_modules/vitest/vitest.mjs'), 'run', '--root', home, '--config', config];
  const { status } = spawnSync(process.execPath, [...vitest, '--reporter=json', `--outputFile.json=${output}`], {
    ...{ cwd: home, stdio: 'ignore', env: { ...process.env, PATH: folder, CI } },
  });
  return { status, report: JSON.parse(readFileSync(output, 'utf8')) as Report };
}

test('without CI it is not run, and is named with what is missing', () => {
  const { status, report } = run('');
  expect(status).toBe(0);
  expect(report).toMatchObject({ numPassedTests: 1, numFailedTests: 0, numPendingTests: 2 });
  expect(notRunIn(report, home)).toEqual(
    new Map([
      [MISSING, ['test/made-up/needs.ts > needs promtool first', 'test/made-up/needs.ts > needs promtool second']],
    ]),
  );
});

test('with CI it fails, and says what is missing', () => {
  const { status, report } = run('true');
  expect(status).toBe(1);
  expect(report).toMatchObject({ numPassedTests: 1, numFailedTests: 2, numPendingTests: 0 });
  const failures = failuresOf(report, home);
  expect(failures).toHaveLength(2);
  for (const failure of failures) expect(failure).toContain(MISSING);
  expect(failures.join()).not.toContain('it was run');
});

test('.ci/run looks for each of them, and installs its package', () => {
  const script = readFileSync(join(home, '.ci/run'), 'utf8');
  for (const [program, debian] of Object.entries(PROGRAMS)) {
    expect(script).toContain(`missing+=(${debian})`);
    expect(script).toContain(program === 'postgres' ? '/usr/lib/postgresql/' : `command -v ${program} `);
  }
});
