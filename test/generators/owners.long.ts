// Owners who changed their runtime in every way go through five releases one after another, as they come out. Whatever is put
// in place does what a runtime promises, and what does not is not put in place.
import { hash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { conform } from '../../generators/conformance/suite.ts';
import { freshFolder } from './commands.ts';
import { OWNERS, VENDORED } from './owners.ts';
import { checkAgain, checkDoctor, checkUndo, inShort, outside, type Step, upgraded } from './owners-checks.ts';
import { firstProject, type MadeRelease, runApart, sixReleases } from './owners-releases.ts';

/** Each release is a whole package, made by programs of its own: milliseconds, on a busy machine too. */
const RELEASES = 600_000;

let folder: string;
let releases: readonly MadeRelease[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'divvy-owners-'));
  releases = await sixReleases(folder);
}, RELEASES);

afterAll(() => rmSync(folder, { recursive: true }));

/** By the sum of a runtime: many owners have the same one. */
const tried = new Map<string, readonly string[]>();

/** What the runtime of a project fails. */
async function failuresOf(project: string): Promise<readonly string[]> {
  const paths = Object.keys(outside(project)).filter((path) => path.startsWith(VENDORED) && !path.endsWith('/'));
  const files = paths.map((path) => [path.slice(VENDORED.length), readFileSync(join(project, path))] as const);
  const isStated = (path: string) => ['SHA256SUMS', 'LICENSE', 'README.md'].includes(path);
  const code = files.filter(([path]) => !isStated(path)).map(([path, bytes]) => `${path} ${bytes.toString('base64')}`);
  const sum = hash('sha256', code.join('\n'));
  const known = tried.get(sum);
  if (known !== undefined) return known;
  const first = await conform(new Map(files));
  const only = first.failed.map(({ name }) => name);
  // A busy machine may have kept a case waiting.
  const failed = only.length === 0 ? [] : (await conform(new Map(files), { only })).failed.map(({ name }) => name);
  tried.set(sum, failed);
  return failed;
}

/** What was not put in place is worse than what is there. */
async function checkRefused(step: Step, said: string): Promise<void> {
  const before = await failuresOf(step.project);
  await upgraded(step, '--no-verify');
  const after = await failuresOf(step.project);
  expect(
    after.filter((name) => !before.includes(name)),
    said,
  ).not.toEqual([]);
  await checkUndo(step);
}

// With $name a long name would be cut.
test.each(OWNERS.map(({ name, edits }) => [name, edits] as const))('an owner with %s', async (name, edits) => {
  const project = join(freshFolder(), 'nightly');
  cpSync(firstProject(folder), project, { recursive: true });
  edits(project);
  let [from] = releases;
  const cells: string[] = [];
  for (const to of releases.slice(1)) {
    if (from === undefined) throw new Error('there are no releases');
    const step = { project, before: outside(project), from, to, releases, run: runApart };
    const ended = await upgraded(step);
    const { failedBefore = [] } = JSON.parse(ended.last.stdout) as { failedBefore?: { name: string }[] };
    cells.push(inShort(ended) + (failedBefore.length > 0 ? `, ${failedBefore.length} failed before` : ''));
    if (ended.isRefused) {
      await checkRefused(step, ended.last.stdout);
      continue;
    }
    const known = failedBefore.map((failure) => failure.name);
    expect((await failuresOf(project)).filter((failure) => !known.includes(failure))).toEqual([]);
    await checkAgain(step);
    await checkDoctor(step);
    from = to;
  }
  // It takes an hour, so each owner is told at once.
  if (process.env['OWNERS_TABLE'] !== undefined) console.log(`${name}: ${cells.join(' | ')}`);
  expect(cells).toHaveLength(5);
});
