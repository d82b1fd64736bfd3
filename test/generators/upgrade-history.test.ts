// Runtimes of this repository's own history as past releases: untouched, each becomes what the newest would make.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { home, treeOf } from './commands.ts';
import { madeUp } from './made-up.ts';
import { projectOf, run } from './upgraded.ts';

/** Each release is a whole package, made by programs of its own: milliseconds, on a busy machine too. */
const RELEASES = 600_000;

/** How many of the commits that changed the runtime are taken, spread over those since it has its rooms. */
const COMMITS = 5;

let folder: string;
/** The commands of the releases, the oldest first; the last is of the runtime that is here. */
let releases: string[];

const git = (...argv: string[]): string => execFileSync('git', argv, { cwd: home, encoding: 'utf8' });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-history-'));
  const all = git('log', '--format=%H', '--', 'runtime').trim().split('\n');
  const withRooms = all.filter((commit) => git('ls-tree', commit, 'runtime/master/master.ts') !== '').toReversed();
  const step = Math.max(1, Math.floor(withRooms.length / COMMITS));
  const commits = withRooms.filter((_, index) => index % step === 0).slice(0, COMMITS);
  releases = [];
  for (const [index, commit] of [...commits, undefined].entries()) {
    const after = releases.at(-1);
    const at = join(folder, String(index));
    const runtime = commit === undefined ? join(home, 'runtime') : runtimeOf(commit);
    releases.push(madeUp(at, { ...(after !== undefined && { after }), version: `0.0.${index + 1}`, runtime }));
  }
}, RELEASES);

afterAll(() => rmSync(folder, { recursive: true }));

/** The folder with the runtime of a commit. */
function runtimeOf(commit: string): string {
  const at = join(folder, commit);
  mkdirSync(at);
  execFileSync('sh', ['-c', `git archive ${commit} runtime | tar x -C '${at}'`], { cwd: home });
  return join(at, 'runtime');
}

const withoutDivvy = (tree: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(tree)
      .filter(([path]) => !path.startsWith('.divvy'))
      .map(([path, text]) => [path, path === 'divvy.lock.json' ? text.replace('  "unverified": true,\n', '') : text]),
  );

// Some twenty commands, each of which writes a whole project.
test('each past release becomes the newest, byte for byte, and undo brings it back', { timeout: 600_000 }, async () => {
  const newest = releases.at(-1) ?? '';
  const fresh = withoutDivvy(treeOf(await projectOf(newest)));
  expect(releases.length).toBeGreaterThan(1);
  for (const release of releases.slice(0, -1)) {
    const project = await projectOf(release);
    const before = withoutDivvy(treeOf(project));
    const ended = await run(newest, ['upgrade', '--no-verify'], { cwd: project });
    expect(ended.code, ended.stderr).toBe(0);
    expect(withoutDivvy(treeOf(project))).toEqual(fresh);
    expect((await run(newest, ['undo'], { cwd: project })).code).toBe(0);
    expect(withoutDivvy(treeOf(project))).toEqual(before);
  }
});
