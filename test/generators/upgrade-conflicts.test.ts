// An upgrade whose conflicts its owner resolves: it waits in .divvy/upgrade/, and what is there is not trusted.
import { existsSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freshFolder, treeOf } from './commands.ts';
import { madeUp } from './made-up.ts';
import { edit, projectOf, put, QUICK, run, textOf, threeReleases, VENDORED, withoutDivvy } from './upgraded.ts';

const THROTTLE = `${VENDORED}master/throttle.ts`;

const releases = threeReleases();

describe('conflicts', () => {
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

describe('an attacker found, and it holds now:', () => {
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
    const moving = madeUp(join(releases.folder, 'moving'), {
      after: releases.first,
      version: '0.2.0',
      files: { 'runtime/text/speed.ts': '// Nobody imports it.\n' },
    });
    const after = madeUp(join(releases.folder, 'moved'), {
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
    const heading = madeUp(join(releases.folder, 'heading'), {
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
