// Owners who changed their runtime in every way, each upgraded from 0.1.0 to each of five releases. owners.long.ts also tries
// what was merged.
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { OWNERS } from './owners.ts';
import { checkAgain, checkDoctor, checkUndo, inShort, outside, upgraded } from './owners-checks.ts';
import { firstProject, type MadeRelease, runHere, sixReleases } from './owners-releases.ts';

/** Each release is a whole package, made by programs of its own: milliseconds, on a busy machine too. */
const RELEASES = 600_000;

/** Divvy waits for the disk with each file that it writes: several thousand times here, where that proves nothing. */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

let folder: string;
let releases: readonly MadeRelease[];
/** By owner: what became of the upgrade to each release. OWNERS_TABLE=1 prints it. */
const table: Record<string, readonly string[]> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-owners-'));
  releases = await sixReleases(folder);
}, RELEASES);

afterAll(() => {
  rmSync(folder, { recursive: true });
  if (process.env['OWNERS_TABLE'] !== undefined) console.log(JSON.stringify(table));
});

// With $name a long name would be cut.
test.each(OWNERS.map(({ name, edits }) => [name, edits] as const))('an owner with %s', async (name, edits) => {
  const [from, ...later] = releases;
  if (from === undefined) throw new Error('there are no releases');
  const project = join(mkdtempSync(join(MEMORY, 'divvy-owner-')), 'nightly');
  onTestFinished(() => rmSync(dirname(project), { recursive: true }));
  cpSync(firstProject(folder), project, { recursive: true });
  edits(project);
  const before = outside(project);
  const cells: string[] = [];
  table[name] = cells;
  for (const to of later) {
    const step = { project, before, from, to, releases, run: runHere };
    cells.push(inShort(await upgraded(step, '--no-verify')));
    await checkAgain(step, '--no-verify');
    await checkDoctor(step);
    // So the next upgrade begins where this one began.
    await checkUndo(step);
  }
  expect(cells).toHaveLength(5);
});
