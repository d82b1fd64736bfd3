// A newer release of divvy in a project whose owner may have edited the runtime.
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freshFolder, home, treeOf } from './commands.ts';
import { madeUp } from './made-up.ts';
import { commitAll, git } from './project.ts';
import { edit, projectOf, put, type Releases, run, runAsNobody, textOf, threeReleases } from './upgraded.ts';

/** Each release is a whole package, made by programs of its own: milliseconds, on a busy machine too. */
const RELEASES = 600_000;

let folder: string;
let releases: Releases;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-releases-'));
  releases = threeReleases(folder);
}, RELEASES);

afterAll(() => rmSync(folder, { recursive: true }));

/** For what tries a runtime, by some fifty runs of tasks, once or several times. */
const TRIED = { timeout: 600_000 };

const QUICK = ['upgrade', '--no-verify'];
const VENDORED = 'vendor/divvy/';

/** Without the flag that nobody has tried it. */
const asTried = (tree: Record<string, string>): Record<string, string> => ({
  ...tree,
  'divvy.lock.json': (tree['divvy.lock.json'] ?? '').replace('  "unverified": true,\n', ''),
});

describe('an untouched project', () => {
  test('becomes what the newest release would make, byte for byte', async () => {
    const fresh = treeOf(await projectOf(releases.third));
    for (const release of [releases.first, releases.second]) {
      const project = await projectOf(release);
      expect(await run(releases.third, QUICK, { cwd: project })).toMatchObject({ code: 0, stderr: '' });
      expect(asTried(treeOf(project, ['.divvy', '.divvy/']))).toEqual(withoutDivvy(fresh));
    }
  });

  test('is tried before it is in place, and then its types are checked', TRIED, async () => {
    const project = await projectOf(releases.first);
    const { code, stdout } = await run(releases.second, ['upgrade', '--json'], { cwd: project });
    expect(code).toBe(0);
    const said = JSON.parse(stdout);
    expect(said).toMatchObject({
      written: true,
      tried: true,
      failed: [],
      failedBefore: [],
      from: '0.1.0',
      to: '0.2.0',
    });
    expect(said.passed).toBeGreaterThan(20);
    expect(textOf(project, 'divvy.lock.json')).not.toContain('unverified');
  });

  test('undo brings it back to the byte, and a second upgrade changes nothing', async () => {
    const project = await projectOf(releases.first);
    const before = withoutDivvy(treeOf(project));
    await run(releases.third, QUICK, { cwd: project });
    const after = withoutDivvy(treeOf(project));
    expect(await run(releases.third, QUICK, { cwd: project })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to do'),
    });
    expect(withoutDivvy(treeOf(project))).toEqual(after);
    expect((await run(releases.third, ['undo'], { cwd: project })).code).toBe(0);
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  });

  test('--check, --dry-run, --diff and --plan write nothing, and apply carries the plan out', async () => {
    const project = await projectOf(releases.first);
    const before = withoutDivvy(treeOf(project));
    expect(await run(releases.second, ['upgrade', '--check'], { cwd: project })).toMatchObject({ code: 10 });
    expect(await run(releases.first, ['upgrade', '--check'], { cwd: project })).toMatchObject({ code: 0 });
    expect(await run(releases.second, ['upgrade', '--dry-run'], { cwd: project })).toMatchObject({ code: 0 });
    const diff = await run(releases.second, ['upgrade', '--diff'], { cwd: project });
    expect(diff).toMatchObject({ code: 0, stdout: expect.stringContaining('+const ASK_EVERY_MS = 900;') });
    const plan = join(freshFolder(), 'plan.json');
    expect(await run(releases.second, [...QUICK, '--plan', plan], { cwd: project })).toMatchObject({ code: 0 });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
    expect(await run(releases.second, ['apply', plan], { cwd: project })).toMatchObject({ code: 0 });
    expect(textOf(project, `${VENDORED}VERSION`)).toBe('0.2.0\n');
  });

  test('a part on demand is renewed with what its owner changed in it, and comes to nobody who has not asked', async () => {
    const file = `${VENDORED}telemetry.ts`;
    const [project, other] = [await projectOf(releases.first), await projectOf(releases.first)];
    await run(releases.first, ['add', 'telemetry', '--no-install'], { cwd: project });
    edit(project, file, 'if (!isOff) await begin();', '// mine\nif (!isOff) await begin();');
    expect(await run(releases.second, ['add', 'telemetry'], { cwd: other })).toMatchObject({ code: 3 });
    for (const root of [project, other])
      expect(await run(releases.second, QUICK, { cwd: root })).toMatchObject({ code: 0, stderr: '' });
    expect(textOf(project, file)).toContain('const SHORTEST_MS = 2;');
    expect(textOf(project, file)).toContain('// mine\n');
    expect(existsSync(join(other, file))).toBe(false);
    const { stdout } = await run(releases.second, ['doctor', '--json'], { cwd: project });
    const findings = JSON.parse(stdout).findings.map(({ code, path }: Record<string, string>) => [code, path]);
    expect(findings).toEqual([
      ['unverified', undefined],
      ['edited', file],
    ]);
  });

  test('a file that a release adds to a part comes to who has the part, and goes with the release that removes it', async () => {
    const file = `${VENDORED}engine/added.ts`;
    const [project, other] = [await projectOf(releases.first), await projectOf(releases.first)];
    await run(releases.first, ['add', 'engine', 'bullmq', '--no-install'], { cwd: project });
    for (const root of [project, other])
      expect(await run(releases.second, QUICK, { cwd: root })).toMatchObject({ code: 0, stderr: '' });
    expect(textOf(project, file)).toContain('New in 0.2.0');
    expect(existsSync(join(other, `${VENDORED}engine`))).toBe(false);
    const { stdout } = await run(releases.second, ['doctor', '--json'], { cwd: project });
    expect(JSON.parse(stdout).findings).toMatchObject([{ code: 'unverified' }]);
    expect(await run(releases.third, QUICK, { cwd: project })).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(project, file))).toBe(false);
    expect(await run(releases.third, ['remove', 'engine'], { cwd: project })).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(project, `${VENDORED}engine`))).toBe(false);
  });

  test('--to goes to a release in between', async () => {
    const project = await projectOf(releases.first);
    expect(await run(releases.third, [...QUICK, '--to', '0.2.0'], { cwd: project })).toMatchObject({ code: 0 });
    const { [`${VENDORED}VERSION`]: _, ...now } = withoutDivvy(treeOf(project));
    const fresh = treeOf(await projectOf(releases.second));
    expect(asTried({ ...now, [`${VENDORED}VERSION`]: _ ?? '' })).toMatchObject(
      Object.fromEntries(Object.entries(fresh).filter(([path]) => path.startsWith(VENDORED))),
    );
  });

  test.each([
    [['--to', '9.0.0'], 2, 'npx --yes --package=create-divvy-task@9.0.0 divvy upgrade'],
    [['--to', 'new'], 2, 'is no version'],
    [['--continue'], 2, 'no upgrade waits here'],
  ])('%s is refused, with what to do', async (more, code, says) => {
    const project = await projectOf(releases.second);
    const before = withoutDivvy(treeOf(project));
    const ended = await run(releases.third, ['upgrade', ...more], { cwd: project });
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(says) });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  });

  test('a lock that is newer than the tool, and a release that is older than the lock, are refused', async () => {
    const project = await projectOf(releases.third);
    expect(await run(releases.second, ['upgrade'], { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('newer than this divvy (0.2.0)'),
    });
    const older = await projectOf(releases.second);
    expect(await run(releases.third, ['upgrade', '--to', '0.1.0'], { cwd: older })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('an upgrade goes forwards only'),
    });
  });
});

const withoutDivvy = (tree: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith('.divvy')));

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
    expect(await runAsNobody(folder, releases.second, QUICK, project)).toMatchObject({
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

describe('conflicts', () => {
  const THROTTLE = `${VENDORED}master/throttle.ts`;

  async function inConflict(): Promise<string> {
    const project = await projectOf(releases.first);
    edit(project, THROTTLE, 'const ASK_EVERY_MS = 1000;', 'const ASK_EVERY_MS = 5000;');
    return project;
  }

  const inMerged = (path: string): string => `.divvy/upgrade/merged/${path}`;

  test('never enter the vendored folder; once they are resolved, --continue goes on', async () => {
    const project = await inConflict();
    const before = withoutDivvy(treeOf(project));
    const ended = await run(releases.second, QUICK, { cwd: project });
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining(`${THROTTLE}: 1 conflict`) });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
    for (const [side, text] of [
      ['base', '= 1000;'],
      ['mine', '= 5000;'],
      ['theirs', '= 900;'],
    ])
      expect(textOf(project, `.divvy/upgrade/${side}/${THROTTLE}`)).toContain(text);

    expect(await run(releases.second, QUICK, { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('--continue'),
    });
    expect(await run(releases.second, ['upgrade', '--continue'], { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('1 place'),
    });
    expect((await run(releases.second, ['doctor'], { cwd: project })).stdout).toContain(
      'An upgrade from 0.1.0 to 0.2.0 waits',
    );
    expect(withoutDivvy(treeOf(project))).toEqual(before);

    const merged = textOf(project, inMerged(THROTTLE));
    const resolved = merged.replace(/<<<<<<<[\s\S]*>>>>>>> .*\n/, 'const ASK_EVERY_MS = 4000;\n');
    writeFileSync(join(project, inMerged(THROTTLE)), resolved);
    expect(await run(releases.second, [...QUICK, '--continue'], { cwd: project })).toMatchObject({
      code: 0,
      stderr: '',
    });
    expect(textOf(project, THROTTLE)).toBe(resolved);
    expect(textOf(project, `${VENDORED}VERSION`)).toBe('0.2.0\n');
    expect(existsSync(join(project, '.divvy/upgrade'))).toBe(false);
    await run(releases.second, ['undo'], { cwd: project });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  });

  test('--abort forgets them, and leaves nothing', async () => {
    const project = await inConflict();
    const before = withoutDivvy(treeOf(project));
    await run(releases.second, QUICK, { cwd: project });
    expect(await run(releases.second, ['upgrade', '--abort'], { cwd: project })).toMatchObject({ code: 0 });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  });

  test('what changes meanwhile is noticed', async () => {
    const project = await inConflict();
    await run(releases.second, QUICK, { cwd: project });
    const merged = inMerged(THROTTLE);
    writeFileSync(
      join(project, merged),
      textOf(project, merged).replace(/^(<<<<<<<|\|\|\|\|\|\|\||=======|>>>>>>>).*\n/gm, ''),
    );
    edit(project, THROTTLE, '/**', '// later\n/**');
    const before = withoutDivvy(treeOf(project));
    expect(await run(releases.second, [...QUICK, '--continue'], { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`a file has changed since the upgrade began:\n  ${THROTTLE}`),
    });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
    expect(await run(releases.third, [...QUICK, '--continue'], { cwd: project })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('npx --yes --package=create-divvy-task@0.2.0 divvy upgrade --continue'),
    });
  });

  test('a line of its owner that looks like a marker is none', async () => {
    const project = await inConflict();
    const own = '/*\n<<<<<<< yours\n=======\n>>>>>>> divvy 0.2.0\n*/\n';
    edit(project, THROTTLE, '/**', `${own}/**`);
    await run(releases.second, QUICK, { cwd: project });
    const merged = textOf(project, inMerged(THROTTLE));
    expect(merged).toContain("<<<<<<< yours'\n");
    writeFileSync(
      join(project, inMerged(THROTTLE)),
      merged.replace(/<<<<<<< yours'[\s\S]*>>>>>>> .*'\n/, 'const ASK_EVERY_MS = 5000;\n'),
    );
    expect((await run(releases.second, [...QUICK, '--continue'], { cwd: project })).code).toBe(0);
    expect(textOf(project, THROTTLE)).toContain(own);
  });

  test('a file that the release removed and its owner edited: it is kept, or deleted, as they say', async () => {
    for (const isKept of [true, false]) {
      const project = await projectOf(releases.second);
      edit(project, `${VENDORED}text/added.ts`, 'added = 1', 'added = 2');
      const ended = await run(releases.third, QUICK, { cwd: project });
      expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('divvy 0.3.0 has no such file') });
      if (!isKept) unlinkSync(join(project, inMerged(`${VENDORED}text/added.ts`)));
      expect((await run(releases.third, [...QUICK, '--continue'], { cwd: project })).code).toBe(0);
      expect(existsSync(join(project, VENDORED, 'text/added.ts'))).toBe(isKept);
    }
  });

  test('a file of its owner where the release has one is a conflict', async () => {
    const project = await projectOf(releases.first);
    put(project, `${VENDORED}text/added.ts`, 'export const mine = 1;\n');
    expect(await run(releases.second, QUICK, { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('a file of yours is where the release has one'),
    });
    expect(textOf(project, `${VENDORED}text/added.ts`)).toBe('export const mine = 1;\n');
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
    const { sumOf } = await import('../../generators/disk/line-ends.ts');
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
    const { brotliCompressSync, brotliDecompressSync } = await import('node:zlib');
    const forged = join(freshFolder(), 'forged');
    const { cpSync } = await import('node:fs');
    cpSync(join(folder, '3'), forged, { recursive: true });
    const file = join(forged, 'dist/releases.br');
    const text = brotliDecompressSync(readFileSync(file)).toString();
    expect(text).toContain('ASK_EVERY_MS = 1000;');
    writeFileSync(file, brotliCompressSync(text.replaceAll('ASK_EVERY_MS = 1000;', 'ASK_EVERY_MS = 1;')));
    const ended = await run(join(forged, 'dist/divvy.cjs'), QUICK, { cwd: project });
    expect(ended.code).toBe(3);
    expect(textOf(project, `.divvy/upgrade/base/${VENDORED}master/throttle.ts`)).toContain('= 1000;');
  });
});

describe('a hostile repository', () => {
  test('a lock with a path that leaves the folder is refused, and nothing is read or written there', async () => {
    const project = await projectOf(releases.first);
    put(project, '../secret', 'secret\n');
    edit(
      project,
      'divvy.lock.json',
      '"files": {',
      `"files": {\n    "vendor/divvy/../../../secret": ${JSON.stringify('0'.repeat(64))},`,
    );
    const before = withoutUpgrade(treeOf(join(project, '..')));
    const ended = await run(releases.second, QUICK, { cwd: project });
    expect(ended.code).toBe(3);
    expect(ended.stdout + ended.stderr).not.toContain('secret\n');
    expect(textOf(project, '../secret')).toBe('secret\n');
    expect(withoutUpgrade(treeOf(join(project, '..')))).toEqual(before);
  });

  test.each([
    ['a path that leaves the folder', { path: '../../../../etc/passwd' }],
    ['a path in .git', { path: '.git/hooks/pre-commit' }],
  ])('an upgrade that waits, with %s, is refused', async (_, file) => {
    const project = await projectOf(releases.first);
    const state = { format: 1, divvy: '0.2.0', what: 'runtime', from: '0.1.0', to: '0.2.0', noVerify: false };
    const files = [{ ...file, mine: null, conflicts: 1, middles: 0 }];
    put(project, '.divvy/upgrade/state.json', JSON.stringify({ ...state, files }));
    expect(await run(releases.second, [...QUICK, '--continue'], { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('cannot be used'),
    });
  });
});

const withoutUpgrade = (tree: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => !path.includes('/.divvy')));

test('killed before each rename, the next command puts it right, or it is done', TRIED, async () => {
  const preload = join(freshFolder(), 'kill.mjs');
  writeFileSync(
    preload,
    `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    const real = fs.renameSync; let count = 0;
    fs.renameSync = (...given) => { if (++count === Number(process.env.KILL_AT)) process.kill(process.pid, 'SIGKILL'); return real(...given); };
    syncBuiltinESMExports();`,
  );
  const project = await projectOf(releases.first);
  edit(project, `${VENDORED}master/throttle.ts`, '/**', '// mine\n/**');
  const before = withoutDivvy(treeOf(project));
  for (let at = 1; ; at++) {
    const env = { NODE_OPTIONS: `--import ${preload}`, KILL_AT: String(at) };
    const ended = await run(releases.second, QUICK, { cwd: project, env });
    if (ended.signal !== 'SIGKILL') {
      expect(at).toBeGreaterThan(5);
      return;
    }
    // Whatever writes next takes back what was cut short, and this writes nothing itself.
    const next = await run(releases.second, ['upgrade', '--abort'], { cwd: project });
    expect(next.code, next.stderr).toBe(0);
    const now = withoutDivvy(treeOf(project));
    if (now['vendor/divvy/VERSION'] === before['vendor/divvy/VERSION']) expect(now).toEqual(before);
    else {
      expect((await run(releases.second, ['undo'], { cwd: project })).code).toBe(0);
      expect(withoutDivvy(treeOf(project))).toEqual(before);
    }
  }
});

test('a release that renames something renames it in tasks too, and shows what is left to write', TRIED, async () => {
  const renaming = madeUp(join(folder, 'renaming'), {
    after: releases.first,
    version: '0.2.0',
    edits: [['runtime/index.ts', 'export { Master }', 'export { Master as Chief }']],
    files: Object.fromEntries(
      ['conformance/library.ts'].map((path) => [
        path,
        readFileSync(join(home, path), 'utf8').replace('Master,', 'Chief as Master,'),
      ]),
    ),
    migrations: [{ name: 'chief', export: 'Master', to: 'Chief' }],
  });
  const project = await projectOf(releases.first);
  put(project, 'tasks/by-namespace.ts', "import * as divvy from '#divvy';\nexport const one = divvy.Master;\n");
  const before = withoutDivvy(treeOf(project));
  const { code, stderr } = await run(renaming, ['upgrade'], { cwd: project });
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('test/nightly.test.ts: Master is called Chief since divvy 0.2.0, and was renamed (chief)');
  expect(stderr).toContain(
    'tasks/by-namespace.ts:2: Master is called Chief now. Write: export const one = divvy.Chief;',
  );
  expect(textOf(project, 'test/nightly.test.ts')).toMatch(
    /import \{ Chief, runInline \} from '#divvy';[\s\S]*new Chief\(/,
  );
  expect(textOf(project, 'tasks/by-namespace.ts')).toContain('divvy.Master');
  // The test is still known to be divvy's.
  expect((await run(renaming, ['add', 'nightly'], { cwd: project })).code).toBe(0);
  expect((await run(renaming, ['upgrade'], { cwd: project })).stdout).toContain('Nothing to do');
  await run(renaming, ['undo'], { cwd: project });
  expect(withoutDivvy(treeOf(project))).toEqual(before);
});

describe('an attacker found, and it holds now:', () => {
  const THROTTLE = `${VENDORED}master/throttle.ts`;
  const MERGED = `.divvy/upgrade/merged/${THROTTLE}`;

  async function waiting(...more: string[]): Promise<string> {
    const project = await projectOf(releases.first);
    edit(project, THROTTLE, 'const ASK_EVERY_MS = 1000;', 'const ASK_EVERY_MS = 5000;');
    expect((await run(releases.third, [...QUICK, ...more], { cwd: project })).code).toBe(3);
    return project;
  }

  const resolve = (project: string): void =>
    writeFileSync(
      join(project, MERGED),
      textOf(project, MERGED).replace(/<<<<<<<[\s\S]*>>>>>>> .*\n/, 'const ASK_EVERY_MS = 4000;\n'),
    );

  const goOn = (project: string, ...more: string[]) =>
    run(releases.third, [...QUICK, '--continue', ...more], { cwd: project });

  test('--continue goes to the release that the upgrade was for', async () => {
    const project = await waiting('--to', '0.2.0');
    resolve(project);
    expect(await goOn(project, '--to', '0.3.0')).toMatchObject({ code: 2, stderr: expect.stringContaining('"0.2.0"') });
    expect((await goOn(project)).code).toBe(0);
    expect(textOf(project, `${VENDORED}VERSION`)).toBe('0.2.0\n');
  });

  test('a link or a folder in merged/ is no deleted file', async () => {
    for (const kind of ['link', 'folder']) {
      const project = await waiting();
      unlinkSync(join(project, MERGED));
      if (kind === 'link') symlinkSync('/etc/passwd', join(project, MERGED));
      else put(project, `${MERGED}/x`, '');
      expect(await goOn(project)).toMatchObject({ code: 3, stderr: expect.stringContaining('it is no plain file') });
      expect(existsSync(join(project, THROTTLE))).toBe(true);
    }
  });

  test('a file that the release needs cannot be deleted in merged/', async () => {
    const project = await waiting();
    unlinkSync(join(project, MERGED));
    expect(await goOn(project)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('you deleted it, and the release needs it'),
    });
  });

  test('a file that comes into conflict meanwhile is said to have changed', async () => {
    const project = await waiting();
    resolve(project);
    edit(project, 'README.md', '## Stopping it', '## Ending it');
    expect(await goOn(project)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('a file has changed since the upgrade began:\n  README.md'),
    });
  });

  test('what is in place already no longer waits', async () => {
    const project = await waiting();
    resolve(project);
    const plan = join(freshFolder(), 'plan.json');
    expect((await goOn(project, '--plan', plan)).code).toBe(0);
    expect((await run(releases.third, ['apply', plan], { cwd: project })).code).toBe(0);
    expect((await run(releases.third, ['doctor', '--ci'], { cwd: project })).stdout).not.toContain('waits for you');
    expect(await run(releases.third, QUICK, { cwd: project })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to do'),
    });
    expect(existsSync(join(project, '.divvy/upgrade'))).toBe(false);
  });

  test('journals of a task called upgrade are no upgrade that waits, and are never removed', async () => {
    const project = await projectOf(releases.first);
    put(project, '.divvy/upgrade/1.ndjson', '{}\n');
    expect((await run(releases.third, ['upgrade', '--abort'], { cwd: project })).code).toBe(0);
    expect(textOf(project, '.divvy/upgrade/1.ndjson')).toBe('{}\n');
    edit(project, THROTTLE, 'const ASK_EVERY_MS = 1000;', 'const ASK_EVERY_MS = 5000;');
    expect(await run(releases.third, QUICK, { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('journals of a task called upgrade'),
    });
    expect(textOf(project, '.divvy/upgrade/1.ndjson')).toBe('{}\n');
  });

  test('an edited file that is only moved is still known to be of the release', async () => {
    const moving = madeUp(join(folder, 'moving'), {
      after: releases.first,
      version: '0.2.0',
      files: { 'runtime/text/speed.ts': '// Nobody imports it.\n' },
    });
    const after = madeUp(join(folder, 'moved'), {
      after: moving,
      version: '0.3.0',
      files: { 'runtime/text/speed.ts': null, 'runtime/text/velocity.ts': '// Nobody imports it.\n' },
      renames: { 'runtime/text/speed.ts': 'runtime/text/velocity.ts' },
    });
    const project = await projectOf(moving);
    put(project, `${VENDORED}text/speed.ts`, '// mine\n// Nobody imports it.\n');
    expect((await run(after, QUICK, { cwd: project })).code).toBe(0);
    expect(textOf(project, `${VENDORED}text/velocity.ts`)).toBe('// mine\n// Nobody imports it.\n');
    const doctor = JSON.parse((await run(after, ['doctor', '--json'], { cwd: project })).stdout);
    expect(doctor.findings).toMatchObject([
      { code: 'unverified' },
      { code: 'edited', path: `${VENDORED}text/velocity.ts` },
    ]);
  });

  test('a runtime that is not there is not renewed; index.ts comes back', async () => {
    const project = await projectOf(releases.first);
    unlinkSync(join(project, VENDORED, 'index.ts'));
    expect((await run(releases.second, QUICK, { cwd: project })).code).toBe(0);
    expect(existsSync(join(project, VENDORED, 'index.ts'))).toBe(true);
    rmSync(join(project, 'vendor'), { recursive: true });
    const before = withoutDivvy(treeOf(project));
    expect(await run(releases.third, QUICK, { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('git checkout -- vendor/divvy'),
    });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  });

  test('lines of ======= of both sides may stay', async () => {
    const heading = madeUp(join(folder, 'heading'), {
      after: releases.first,
      version: '0.2.0',
      edits: [
        ['templates/_project/README.md', '`npm run divvy -- --help`', 'Theirs\n=======\n\n`npm run divvy -- --help`'],
      ],
    });
    const project = await projectOf(releases.first);
    edit(project, 'README.md', '`npm run divvy -- --help`', 'Mine\n=======\n\n`npm run divvy -- --help`');
    expect((await run(heading, QUICK, { cwd: project })).code).toBe(3);
    const merged = '.divvy/upgrade/merged/README.md';
    const both = 'Mine\n=======\n\nTheirs\n=======\n\n';
    const text = textOf(project, merged);
    const isWhole = /<<<<<<< yours\n[\s\S]*>>>>>>> divvy 0\.2\.0\n/;
    expect(text).toMatch(isWhole);
    // The middle of the conflict is left.
    writeFileSync(join(project, merged), text.replace(isWhole, both.replace('Theirs', '=======\nTheirs')));
    expect((await run(heading, [...QUICK, '--continue'], { cwd: project })).code).toBe(3);
    writeFileSync(join(project, merged), text.replace(isWhole, both));
    expect((await run(heading, [...QUICK, '--continue'], { cwd: project })).code).toBe(0);
    expect(textOf(project, 'README.md')).toContain(both);
  });

  test('the ends of lines of a file that has both stay', async () => {
    const project = await projectOf(releases.first);
    const text = textOf(project, THROTTLE);
    const mixed = `// mine, with LF\n${text.replaceAll('\n', '\r\n')}`;
    writeFileSync(join(project, THROTTLE), mixed);
    expect((await run(releases.second, QUICK, { cwd: project })).code).toBe(0);
    expect(textOf(project, THROTTLE)).toBe(mixed.replace('= 1000;', '= 900;'));
  });
});
