// `divvy doctor` and `divvy diff`: each thing that can be wrong with a project, one at a time. Neither writes anything.
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { freshFolder, treeOf } from './commands.ts';
import { madeUp } from './made-up.ts';
import { edit, projectOf, put, RELEASES, run, textOf, threeReleases } from './upgraded.ts';

const releases = threeReleases();
/** It knows of a fault of 0.1.0 and 0.2.0. */
let warned: string;

beforeAll(() => {
  const advisory = { id: 'DIVVY-1', affected: '<0.3.0', fixed: '0.3.0', severity: 'high', text: 'It may lose a line.' };
  warned = madeUp(join(releases.folder, '4'), { after: releases.third, version: '0.4.0', advisories: [advisory] });
}, RELEASES);

interface Said {
  readonly code: number | null;
  readonly findings: readonly { level: string; code: string; path?: string; message: string; remedy: string }[];
  readonly people: string;
}

async function doctor(project: string, command = releases.first, ...more: string[]): Promise<Said> {
  const before = treeOf(project);
  const { code, stdout, stderr } = await run(command, ['doctor', '--json', ...more], { cwd: project });
  expect(treeOf(project)).toEqual(before);
  const { findings, exitCode } = JSON.parse(stdout);
  expect(exitCode).toBe(code);
  return { code, findings, people: stderr };
}

test('a project as it was made: nothing is wrong', async () => {
  const project = await projectOf(releases.first);
  expect(await doctor(project)).toEqual({
    code: 0,
    findings: [],
    people: expect.stringMatching(
      /^vendor\/divvy\/ is the runtime of divvy 0\.1\.0: \d+ files as released\.\nNothing is wrong\.\n$/,
    ),
  });
});

const THROTTLE = 'vendor/divvy/master/throttle.ts';

/** What is done to a project, and what doctor then finds. */
const CASES: readonly (readonly [string, (project: string) => void, number, object])[] = [
  [
    'an edited file',
    (project) => edit(project, THROTTLE, '/**', '// mine\n/**'),
    10,
    { level: 'yours', code: 'edited', path: THROTTLE, remedy: `To see how: divvy diff ${THROTTLE}` },
  ],
  [
    'a file of its owner',
    (project) => put(project, 'vendor/divvy/own/log.ts', ''),
    10,
    { level: 'yours', code: 'added', path: 'vendor/divvy/own/log.ts' },
  ],
  [
    'a deleted file that nothing needs',
    (project) => unlinkSync(join(project, 'vendor/divvy/README.md')),
    10,
    { level: 'yours', code: 'missing', path: 'vendor/divvy/README.md' },
  ],
  [
    'a deleted file that others import',
    (project) => unlinkSync(join(project, THROTTLE)),
    3,
    { level: 'broken', code: 'missing', message: expect.stringMatching(/is missing, and vendor\/divvy\/\S+ needs it/) },
  ],
  [
    'a deleted run.mjs',
    (project) => unlinkSync(join(project, 'vendor/divvy/run.mjs')),
    3,
    { level: 'broken', code: 'missing', path: 'vendor/divvy/run.mjs' },
  ],
  [
    'no runtime at all',
    (project) => rmSync(join(project, 'vendor'), { recursive: true }),
    3,
    { level: 'broken', code: 'runtime', remedy: expect.stringContaining('git checkout -- vendor/divvy') },
  ],
  [
    'a link in place of a file',
    (project) => {
      unlinkSync(join(project, THROTTLE));
      symlinkSync('/etc/passwd', join(project, THROTTLE));
    },
    3,
    { level: 'broken', code: 'no-file', path: THROTTLE },
  ],
  [
    'CRLF at the ends of lines',
    (project) => writeFileSync(join(project, THROTTLE), textOf(project, THROTTLE).replaceAll('\n', '\r\n')),
    0,
    { level: 'note', code: 'line-ends', path: THROTTLE, remedy: '' },
  ],
  [
    'a lock of another release than the folder',
    (project) => edit(project, 'divvy.lock.json', '"runtime": "0.1.0"', '"runtime": "0.2.0"'),
    3,
    { level: 'broken', code: 'disagree', message: expect.stringContaining("they don't belong together") },
  ],
  [
    'no lock',
    (project) => unlinkSync(join(project, 'divvy.lock.json')),
    3,
    { level: 'broken', code: 'unreadable', remedy: expect.stringContaining('git checkout -- divvy.lock.json') },
  ],
  [
    'a lock that git could not merge',
    (project) =>
      put(project, 'divvy.lock.json', `<<<<<<< ours\n${textOf(project, 'divvy.lock.json')}=======\n>>>>>>> theirs\n`),
    3,
    { level: 'broken', code: 'unreadable', message: expect.stringContaining('conflict markers') },
  ],
  [
    'a divvy.json that is not JSON',
    (project) => put(project, 'divvy.json', '{'),
    3,
    { level: 'broken', code: 'unreadable', path: 'divvy.json' },
  ],
  [
    'no link to the runtime',
    (project) => edit(project, 'package.json', '"#divvy"', '"#other"'),
    3,
    {
      level: 'broken',
      code: 'import',
      remedy: expect.stringContaining('"imports": {"#divvy": "./vendor/divvy/index.ts"}'),
    },
  ],
  [
    'a link to another place',
    (project) => edit(project, 'package.json', './vendor/divvy/index.ts', './lib/index.ts'),
    3,
    { level: 'broken', code: 'import', message: expect.stringContaining('"./lib/index.ts"') },
  ],
  [
    'an .nvmrc with a Node.js that the runtime does not take',
    (project) => put(project, '.nvmrc', '20\n'),
    10,
    { level: 'due', code: 'node', path: '.nvmrc', message: expect.stringContaining('^22.18 || ^24.11 || >=26') },
  ],
  [
    'engines that leave no Node.js',
    (project) => edit(project, 'package.json', '"^22.18 || ^24.11 || >=26"', '"^20"'),
    10,
    { level: 'due', code: 'node', path: 'package.json' },
  ],
  [
    'a task that is gone',
    (project) => unlinkSync(join(project, 'tasks/nightly.ts')),
    10,
    { level: 'due', code: 'task', remedy: expect.stringContaining('divvy remove nightly') },
  ],
  [
    'a deleted index.ts',
    (project) => unlinkSync(join(project, 'vendor/divvy/index.ts')),
    3,
    { level: 'broken', code: 'missing', path: 'vendor/divvy/index.ts' },
  ],
  [
    'a runtime behind a link',
    (project) => {
      renameSync(join(project, 'vendor'), join(project, 'elsewhere'));
      symlinkSync('elsewhere', join(project, 'vendor'));
    },
    10,
    { level: 'due', code: 'link' },
  ],
  [
    'a folder in place of README.md',
    (project) => {
      unlinkSync(join(project, 'README.md'));
      mkdirSync(join(project, 'README.md'));
    },
    10,
    { level: 'yours', code: 'no-file' },
  ],
  [
    'an upgrade that waits and cannot be read',
    (project) => put(project, '.divvy/upgrade/state.json', '{'),
    10,
    { level: 'due', code: 'upgrade-waits', remedy: expect.stringContaining('--abort') },
  ],
  [
    'a command that was cut short',
    (project) => {
      mkdirSync(join(project, '.divvy/pending'), { recursive: true });
      writeFileSync(
        join(project, '.divvy/pending/record'),
        JSON.stringify({
          version: 1,
          command: 'divvy add x',
          madeAbove: 0,
          madeFolders: [],
          goneFolders: [],
          changes: [],
        }),
      );
    },
    3,
    {
      level: 'broken',
      code: 'cut-short',
      message: expect.stringContaining('divvy add x'),
      remedy: expect.stringContaining('divvy undo'),
    },
  ],
];

describe('names', () => {
  test.each(CASES)('%s', async (_, spoil, code, finding) => {
    const project = await projectOf(releases.first);
    spoil(project);
    const said = await doctor(project);
    expect(said).toMatchObject({ code, findings: [finding, ...said.findings.slice(1)] });
    expect(said.findings.slice(1).filter(({ code }) => code !== 'newer')).toEqual([]);
    expect(said.people).toContain(said.findings[0]?.message);
  });

  test('.nvmrc with a major that the runtime takes is fine', async () => {
    const project = await projectOf(releases.first);
    for (const version of ['22', '22.x', 'v24', '26', '24.11.1', 'lts/*']) {
      put(project, '.nvmrc', `${version}\n`);
      expect((await doctor(project)).findings, version).toEqual([]);
    }
  });
});

test('a link to the runtime that depends on conditions is one', async () => {
  const project = await projectOf(releases.first);
  edit(project, 'package.json', '"./vendor/divvy/index.ts"', '{ "default": "./vendor/divvy/index.ts" }');
  expect((await doctor(project)).findings).toEqual([]);
});

test('what was edited counts as right with --ci, and what is broken or due does not', async () => {
  const project = await projectOf(releases.first);
  edit(project, THROTTLE, '/**', '// mine\n/**');
  expect((await doctor(project, releases.first, '--ci')).code).toBe(0);
  put(project, '.nvmrc', '20\n');
  expect((await doctor(project, releases.first, '--ci')).code).toBe(10);
  unlinkSync(join(project, 'vendor/divvy/run.mjs'));
  expect((await doctor(project, releases.first, '--ci')).code).toBe(3);
});

test('in a workflow of GitHub each finding stands beside its file', async () => {
  const project = await projectOf(releases.first);
  edit(project, THROTTLE, '/**', '// mine\n/**');
  const { stdout } = await run(releases.first, ['doctor', '--ci'], { cwd: project, env: { GITHUB_ACTIONS: 'true' } });
  expect(stdout).toContain(`::notice file=${THROTTLE}::${THROTTLE} was edited. To see how: divvy diff ${THROTTLE}\n`);
});

test('a known fault is said with the release that mends it, and is gone after the upgrade', async () => {
  const project = await projectOf(releases.second);
  const { code, findings } = await doctor(project, warned, '--ci');
  expect(code).toBe(10);
  expect(findings).toMatchObject([
    {
      level: 'due',
      code: 'advisory',
      message: 'This copy has a known fault (DIVVY-1, high): It may lose a line.',
      remedy: 'It is mended in 0.3.0: divvy upgrade',
    },
    { level: 'note', code: 'older' },
  ]);
  await run(warned, ['upgrade', '--no-verify'], { cwd: project });
  expect((await doctor(project, warned)).findings).toMatchObject([{ code: 'unverified' }]);
});

test('a runtime that is newer than this divvy is no fault', async () => {
  const { code, findings } = await doctor(await projectOf(releases.third), releases.first);
  expect(code).toBe(0);
  expect(findings).toMatchObject([{ code: 'newer', remedy: expect.stringContaining('create-divvy-task@0.3.0') }]);
});

test('missing files come back by the command that doctor names', async () => {
  const project = await projectOf(releases.first);
  const before = textOf(project, THROTTLE);
  unlinkSync(join(project, THROTTLE));
  const [finding] = (await doctor(project)).findings;
  const [, task = ''] = /divvy add (\S+)$/.exec(finding?.remedy ?? '') ?? [];
  expect((await run(releases.first, ['add', task], { cwd: project })).code).toBe(0);
  expect(textOf(project, THROTTLE)).toBe(before);
});

test('a name in the project that could move the cursor is shown as text', async () => {
  const project = await projectOf(releases.first);
  put(project, 'vendor/divvy/\u001b[31mred.ts', '');
  const { stdout } = await run(releases.first, ['doctor'], { cwd: project });
  expect(stdout).not.toContain('\u001b');
});

describe('diff', () => {
  const said = async (project: string, command: string, ...argv: string[]) => {
    const before = treeOf(project);
    const ended = await run(command, ['diff', ...argv], { cwd: project });
    expect(treeOf(project)).toEqual(before);
    return ended;
  };

  test('shows what its owner changed, as a patch that git takes back', async () => {
    const project = await projectOf(releases.first);
    const original = textOf(project, THROTTLE);
    expect(await said(project, releases.first)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing differs'),
    });
    edit(project, THROTTLE, '= 1000;', '= 5000;');
    edit(project, 'README.md', '# nightly', '# ours');
    const { code, stdout } = await said(project, releases.first);
    expect(code).toBe(10);
    expect(stdout).toContain('-# nightly\n+# ours\n');
    execFileSync('git', ['apply', '--reverse', '-'], { cwd: project, input: stdout });
    expect(textOf(project, THROTTLE)).toBe(original);
    expect((await said(project, releases.first)).code).toBe(0);
  });

  test('of a file, or of a folder; another one is refused', async () => {
    const project = await projectOf(releases.first);
    edit(project, THROTTLE, '= 1000;', '= 5000;');
    edit(project, 'README.md', '# nightly', '# ours');
    expect((await said(project, releases.first, 'vendor/divvy/master')).stdout).not.toContain('# ours');
    expect((await said(project, releases.first, 'README.md')).stdout).not.toContain('5000');
    expect((await said(project, releases.first, 'vendor/divvy/errors.ts')).code).toBe(0);
    expect(await said(project, releases.first, 'tasks/nightly.ts')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("is no file of divvy's in this project"),
    });
  });

  test('--upstream shows what the release changed, --both who changed what', async () => {
    const project = await projectOf(releases.first);
    edit(project, THROTTLE, '= 1000;', '= 5000;');
    edit(project, 'README.md', '# nightly', '# ours');
    unlinkSync(join(project, 'AGENTS.md'));
    const upstream = await said(project, releases.second, '--upstream');
    expect(upstream.stdout).toContain('-const ASK_EVERY_MS = 1000;\n+const ASK_EVERY_MS = 900;\n');
    expect(upstream.stdout).not.toContain('= 5000');
    expect(upstream.stdout).not.toContain('b/vendor/divvy/SHA256SUMS');
    const { stdout } = await said(project, releases.second, '--both');
    expect(stdout).toMatch(/^ {2}README\.md +you \+1 −1, the release \+1 −1: merges$/m);
    expect(stdout).toMatch(/^ {2}vendor\/divvy\/master\/throttle\.ts +you \+1 −1, the release \+1 −1: 1 conflict$/m);
    expect(stdout).toMatch(/^ {2}AGENTS\.md +you deleted, the release \+1 −1: stays deleted$/m);
    expect(stdout).toMatch(/^ {2}vendor\/divvy\/text\/added\.ts +the release new$/m);
  });

  test('a lock with a version that is none is refused', async () => {
    const project = await projectOf(releases.first);
    edit(project, 'divvy.lock.json', '"runtime": "0.1.0"', '"runtime": "banana"');
    expect(await said(project, releases.first)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"banana" is no version'),
    });
  });

  test('line ends are no difference', async () => {
    const project = await projectOf(releases.first);
    writeFileSync(join(project, THROTTLE), textOf(project, THROTTLE).replaceAll('\n', '\r\n'));
    expect((await said(project, releases.first)).code).toBe(0);
  });
});

describe('eject', () => {
  test('removes what only divvy reads, keeps what runs, and undo brings it back', async () => {
    const project = await projectOf(releases.first);
    const withoutDivvy = (tree: Record<string, string>) =>
      Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith('.divvy')));
    const before = withoutDivvy(treeOf(project));
    expect(await run(releases.first, ['eject', '--dry-run'], { cwd: project })).toMatchObject({ code: 0 });
    expect(withoutDivvy(treeOf(project))).toEqual(before);
    expect(await run(releases.first, ['eject'], { cwd: project })).toMatchObject({ code: 0, stderr: '' });
    const { 'divvy.json': _, 'divvy.lock.json': __, 'package.json': edited, ...rest } = before;
    const { 'package.json': after, ...now } = withoutDivvy(treeOf(project));
    expect(now).toEqual(rest);
    expect(after).not.toContain('create-divvy-task');
    expect(after).toContain('"start"');
    const started = execFileSync(process.execPath, ['vendor/divvy/run.mjs', 'tasks/nightly.ts', '-q'], {
      cwd: project,
      encoding: 'utf8',
    });
    expect(started).not.toBe('');
    expect((await run(releases.first, ['doctor'], { cwd: project })).code).toBe(2);
    expect(await run(releases.first, ['undo'], { cwd: project })).toMatchObject({ code: 0 });
    expect(withoutDivvy(treeOf(project))).toEqual({
      ...rest,
      'divvy.json': _,
      'divvy.lock.json': __,
      'package.json': edited,
    });
  });

  test('is refused where divvy.json says what tasks need', async () => {
    const project = await projectOf(releases.first);
    edit(project, 'divvy.json', '"tasks": "tasks"', '"tasks": "tasks", "import": "tsx"');
    const before = treeOf(project);
    expect(await run(releases.first, ['eject'], { cwd: project })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('--import tsx'),
    });
    expect(treeOf(project)).toEqual(before);
  });
});

test('none of these commands needs a project that this command line is in', async () => {
  const project = await projectOf(releases.first);
  for (const command of ['doctor', 'diff', 'upgrade'])
    expect((await run(releases.first, [command, '-C', project], { cwd: freshFolder() })).code).toBe(0);
});
