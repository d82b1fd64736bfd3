// A newer release is merged with what its owner changed: what stays, where the base is from, and what the result must do.
import { chmodSync, cpSync, existsSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { sumOf } from '../../generators/disk/line-ends.ts';
import { freshFolder, home, treeOf } from './commands.ts';
import { commitAll, git } from './project.ts';
import {
  edit,
  projectOf,
  put,
  QUICK,
  run,
  runAsNobody,
  TRIED,
  textOf,
  threeReleases,
  VENDORED,
  withoutDivvy,
} from './upgraded.ts';

const releases = threeReleases();

describe('what its owner changed', () => {
  test('stays: edits are merged, also of a file that is moved; what was deleted stays so, unless it is needed', async () => {
    const project = await projectOf(releases.first);
    edit(project, `${VENDORED}master/throttle.ts`, '/**', '// mine\n/**');
    edit(project, `${VENDORED}master/backoff.ts`, '; // past', '; // mine too: past');
    edit(project, 'README.md', '# nightly', '# Our nightly job');
    unlinkSync(join(project, 'AGENTS.md'));
    unlinkSync(join(project, VENDORED, 'README.md'));
    unlinkSync(join(project, VENDORED, 'master/cursor.ts'));
    put(project, `${VENDORED}own.ts`, 'export const own = 1;\n');
    const { code, stdout, stderr } = await run(releases.third, QUICK, { cwd: project });
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('merged with your changes') });
    expect(stderr).toContain(`${VENDORED}master/cursor.ts is back: you deleted it, and the release needs it.`);
    const throttle = textOf(project, `${VENDORED}master/throttle.ts`);
    expect(throttle).toMatch(/^\/\/ mine\n[\s\S]*ASK_EVERY_MS = 800;/);
    expect(textOf(project, `${VENDORED}master/delays.ts`)).toMatch(
      /^\/\* Once more\. \*\/\n[\s\S]*\/\/ mine too: past/,
    );
    expect(existsSync(join(project, VENDORED, 'master/backoff.ts'))).toBe(false);
    expect(textOf(project, 'README.md')).toMatch(/^# Our nightly job[\s\S]*## How to stop it/);
    expect(existsSync(join(project, 'AGENTS.md'))).toBe(false);
    expect(existsSync(join(project, VENDORED, 'README.md'))).toBe(false);
    expect(textOf(project, `${VENDORED}own.ts`)).toBe('export const own = 1;\n');
    const doctor = await run(releases.third, ['doctor', '--json'], { cwd: project });
    const findings = JSON.parse(doctor.stdout).findings as { code: string; path?: string }[];
    expect(findings.filter(({ code }) => code === 'edited').map(({ path }) => path)).toEqual([
      'README.md',
      `${VENDORED}master/delays.ts`,
      `${VENDORED}master/throttle.ts`,
    ]);
  });

  test('a checkout with CRLF is untouched, and stays one', async () => {
    const project = await projectOf(releases.first);
    const paths = Object.keys(treeOf(project)).filter((path) => /\.(ts|mjs|md|json)$|VERSION$|SUMS$/.test(path));
    for (const path of paths) writeFileSync(join(project, path), textOf(project, path).replaceAll('\n', '\r\n'));
    edit(project, `${VENDORED}master/throttle.ts`, '/**', '// mine\r\n/**');
    expect(await run(releases.second, QUICK, { cwd: project })).toMatchObject({ code: 0, stderr: '' });
    const fresh = await projectOf(releases.second);
    for (const path of [`${VENDORED}text/words.ts`, `${VENDORED}VERSION`, 'README.md'])
      expect(textOf(project, path)).toBe(textOf(fresh, path).replaceAll('\n', '\r\n'));
    expect(textOf(project, `${VENDORED}master/throttle.ts`)).toBe(
      `// mine\r\n${textOf(fresh, `${VENDORED}master/throttle.ts`).replaceAll('\n', '\r\n')}`,
    );
  });

  test('a link in place of a file stays, and is not written through', async () => {
    const project = await projectOf(releases.first);
    const outside = join(freshFolder(), 'outside.ts');
    writeFileSync(outside, 'theirs\n');
    unlinkSync(join(project, VENDORED, 'master/throttle.ts'));
    symlinkSync(outside, join(project, VENDORED, 'master/throttle.ts'));
    const before = withoutDivvy(treeOf(project));
    // The release needs the file, and cannot put it there.
    expect(await run(releases.second, QUICK, { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('symbolic link'),
    });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
    expect(readFileSync(outside, 'utf8')).toBe('theirs\n');
  });

  test('a file that is read-only is refused, with nothing changed', async () => {
    const project = await projectOf(releases.first);
    chmodSync(join(project, VENDORED, 'master/throttle.ts'), 0o444);
    const before = withoutDivvy(treeOf(project));
    expect(await runAsNobody(releases.folder, releases.second, QUICK, project)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('read-only'),
    });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  });

  test('uncommitted changes of its owner are not written over, unless that is allowed', async () => {
    const project = await projectOf(releases.first);
    commitAll(project);
    edit(project, `${VENDORED}master/throttle.ts`, '/**', '// mine\n/**');
    const before = withoutDivvy(treeOf(project));
    expect(await run(releases.second, QUICK, { cwd: project })).toMatchObject({
      code: 5,
      stderr: expect.stringContaining(`${VENDORED}master/throttle.ts`),
    });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
    expect((await run(releases.second, [...QUICK, '--allow-dirty'], { cwd: project })).code).toBe(0);
  });
});

describe('what was merged', TRIED, () => {
  test('is not put in place if it does less than the runtime that is here', async () => {
    const project = await projectOf(releases.first);
    // The second release moves that file: no line is in conflict, and nothing runs.
    put(project, `${VENDORED}own.ts`, "export { backoff } from './master/backoff.ts';\n");
    edit(project, `${VENDORED}index.ts`, 'export { Master }', "export { backoff } from './own.ts';\nexport { Master }");
    const before = withoutDivvy(treeOf(project));
    const { code, stderr } = await run(releases.second, ['upgrade'], { cwd: project });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/does not do what a runtime promises[\s\S]*and \d+ more[\s\S]*Nothing was changed/),
    });
    expect(stderr).toContain('backoff.ts');
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  });

  test('is not put in place if the types of the tasks are wrong with it', async () => {
    const project = await projectOf(releases.first);
    symlinkSync(join(home, 'node_modules'), join(project, 'node_modules'));
    // An error that was there before is not to blame on the upgrade.
    put(project, 'tasks/old.ts', "export const wrong: number = 'text';\n");
    expect((await run(releases.second, ['upgrade'], { cwd: project })).code).toBe(0);
    put(
      project,
      'tasks/typed.ts',
      "import type { InlineOutcome } from '#divvy';\nexport type All = InlineOutcome[];\n",
    );
    const before = withoutDivvy(treeOf(project, ['node_modules']));
    const { code, stderr } = await run(releases.third, ['upgrade'], { cwd: project });
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/the types of the tasks: tasks\/typed\.ts\(1,15\): error TS\d+/),
    });
    expect(stderr).not.toContain('old.ts');
    expect(withoutDivvy(treeOf(project, ['node_modules']))).toEqual(before);
  });

  test('what the old runtime fails too is told, and not blamed on the upgrade', async () => {
    const project = await projectOf(releases.first);
    edit(project, `${VENDORED}errors.ts`, 'hint}`, 69)', 'hint}`, 1)');
    const { code, stdout } = await run(releases.second, ['upgrade', '--json'], { cwd: project });
    expect(code).toBe(0);
    const failedBefore = [{ name: expect.stringContaining('69') }];
    expect(JSON.parse(stdout)).toMatchObject({ written: true, failed: [], failedBefore });
  });

  test('--no-verify is remembered, doctor says so, and the next upgrade tries it', async () => {
    const project = await projectOf(releases.first);
    await run(releases.second, QUICK, { cwd: project });
    const doctor = await run(releases.second, ['doctor'], { cwd: project });
    expect(doctor).toMatchObject({ code: 10, stdout: expect.stringContaining('nobody has tried it since') });
    expect(await run(releases.second, QUICK, { cwd: project })).toMatchObject({ code: 0 });
    expect(textOf(project, 'divvy.lock.json')).toContain('"unverified": true');
    expect(await run(releases.second, ['upgrade'], { cwd: project })).toMatchObject({ code: 0 });
    expect(await run(releases.second, ['doctor'], { cwd: project })).toMatchObject({ code: 0 });
  });

  test("a Node.js that is not the project's is refused, with --no-verify as the way out", async () => {
    const project = await projectOf(releases.first);
    edit(project, 'package.json', '"^22.18 || ^24.11 || >=26"', '">=99"');
    expect(await run(releases.second, ['upgrade'], { cwd: project })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/asks for Node\.js >=99[\s\S]*divvy upgrade --no-verify/),
    });
  });
});

describe('the base of a merge', () => {
  /** Programs, but for git and npm. */
  const ALONE = { PATH: '/nonexistent' };

  test('is in the package: without git, npm and network', async () => {
    const project = await projectOf(releases.first);
    edit(project, `${VENDORED}master/throttle.ts`, '/**', '// mine\n/**');
    expect(await run(releases.third, QUICK, { cwd: project, env: ALONE })).toMatchObject({ code: 0, stderr: '' });
    expect(textOf(project, `${VENDORED}master/throttle.ts`)).toMatch(/^\/\/ mine\n[\s\S]*= 800;/);
  });

  /** A project of a release that no package knows: its runtime has a line of its own. */
  async function ofUnknownRelease(): Promise<string> {
    const project = await projectOf(releases.first);
    const path = `${VENDORED}master/throttle.ts`;
    const before = sumOf(readFileSync(join(project, path)));
    edit(project, path, '/**', '/* Of a release that nobody knows. */\n/**');
    edit(project, 'divvy.lock.json', before, sumOf(readFileSync(join(project, path))));
    return project;
  }

  test('else it is in git', async () => {
    const project = await ofUnknownRelease();
    commitAll(project);
    edit(project, `${VENDORED}master/throttle.ts`, '/** How long after', '// mine\n/** How long after');
    git(project, 'commit', '--quiet', '--all', '--message', 'mine');
    expect(await run(releases.second, QUICK, { cwd: project })).toMatchObject({ code: 0 });
    const merged = textOf(project, `${VENDORED}master/throttle.ts`);
    expect(merged).toContain('// mine\n');
    expect(merged).toContain('= 900;');
    expect(merged).not.toContain('Of a release that nobody knows');
  });

  test('if it is nowhere, the file is a conflict that says so', async () => {
    const project = await ofUnknownRelease();
    edit(project, `${VENDORED}master/throttle.ts`, '/** How long after', '// mine\n/** How long after');
    const before = withoutDivvy(treeOf(project));
    expect(await run(releases.second, QUICK, { cwd: project, env: ALONE })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('0.1.0 had another one, which is in no place that divvy looks'),
    });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  });

  test('a forged one is none: its sum is not that of the lock', async () => {
    const project = await projectOf(releases.first);
    commitAll(project);
    // git has a version of the file that would make the edit look like the release's.
    edit(project, `${VENDORED}master/throttle.ts`, '= 1000;', '= 1;');
    const forged = join(freshFolder(), 'forged');
    cpSync(join(releases.folder, '3'), forged, { recursive: true });
    const file = join(forged, 'dist/releases.br');
    const text = brotliDecompressSync(readFileSync(file)).toString();
    expect(text).toContain('ASK_EVERY_MS = 1000;');
    writeFileSync(file, brotliCompressSync(text.replaceAll('ASK_EVERY_MS = 1000;', 'ASK_EVERY_MS = 1;')));
    const ended = await run(join(forged, 'dist/divvy.cjs'), QUICK, { cwd: project });
    expect(ended.code).toBe(3);
    expect(textOf(project, `.divvy/upgrade/base/${VENDORED}master/throttle.ts`)).toContain('= 1000;');
  });
});
