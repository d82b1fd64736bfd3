// A newer release of divvy: a project becomes what that would make, at once or not at all.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freshFolder, home, treeOf } from './commands.ts';
import { madeUp } from './made-up.ts';
import { edit, projectOf, put, QUICK, run, TRIED, textOf, threeReleases, VENDORED, withoutDivvy } from './upgraded.ts';

const releases = threeReleases();

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
  const renaming = madeUp(join(releases.folder, 'renaming'), {
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
