// Real input: a generated `files` project over the packages that this repository has installed, against sha256sum.
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { home } from '../generators/commands.ts';
import { makeProject, node } from './projects.ts';

const installed = join(home, 'node_modules');
const LARGEST_PACKAGE_BYTES = 512 * 1024;
/** Then the run is let go on: where much else is at work a worker may not even boot between two kills. */
const KILLING_MS = 60_000;
/** The folders of packages that are not large, so that this takes seconds; a few of them are hundreds of megabytes. */
const packages = readdirSync(installed)
  .filter((name) => !name.startsWith('.'))
  .map((name) => join(installed, name))
  .filter((folder) => bytesBelow(folder) <= LARGEST_PACKAGE_BYTES);

test('odd names, links, globs and what is not there are as with sha256sum', async () => {
  const project = await makeProject('files');
  const input = join(project, 'input');
  const names = [
    'new\nline',
    'back\\slash',
    'carriage\rreturn',
    ' spaces ',
    'ünïcode',
    '-n',
    '[x]',
    '.hidden',
    'empty',
  ];
  mkdirSync(join(input, 'deep/.er'), { recursive: true });
  for (const name of names) writeFileSync(join(input, name), name === 'empty' ? '' : name);
  for (const name of names) writeFileSync(join(input, 'deep/.er', name), name.repeat(100_000));
  symlinkSync('empty', join(input, 'link-to-file'));
  symlinkSync('..', join(input, 'deep/link-to-folder'));

  for (const { args, likewise } of [
    { args: [], likewise: 'find . -type f -print0 | xargs -0 sha256sum' },
    { args: ['deep'], likewise: 'find deep -type f -print0 | xargs -0 sha256sum' },
    { args: ['./deep/', 'deep'], likewise: 'find ./deep/ deep -type f -print0 | xargs -0 sha256sum' },
    { args: ['link-to-file'], likewise: 'sha256sum link-to-file' },
    { args: ['*[hn]'], likewise: 'sha256sum *slash *return -- -n' },
    { args: ['[x]', 'gone', '*.gone'], likewise: "sha256sum '[x]' gone '*.gone'" },
  ]) {
    const ours = await node(input, '../vendor/divvy/run.mjs', '../tasks/my-task.ts', '--', ...args);
    const theirs = await execa('sh', ['-c', likewise], { cwd: input, reject: false });
    expect(ours.stdout.split('\n').sort(), args.join(' ')).toEqual(theirs.stdout.split('\n').sort());
    expect(ours.exitCode, ours.stderr).toBe(theirs.exitCode);
    for (const name of theirs.exitCode === 0 ? [] : ['gone', '*.gone']) expect(ours.stderr).toContain(`'${name}'`);
  }
});

test('folders that tools keep their own files in are left out, unless an argument names them', async () => {
  const project = await makeProject('files');
  const input = join(project, 'input');
  const paths = ['a', 'deep/node_modules', 'deep/.git/b', '.divvy/run/c', '.git/d', 'node_modules/e/f'];
  for (const path of paths) {
    mkdirSync(join(input, path, '..'), { recursive: true });
    writeFileSync(join(input, path), path);
  }
  const listed = async (...args: string[]) => {
    const { stdout } = await node(input, '../vendor/divvy/run.mjs', '../tasks/my-task.ts', '--', ...args);
    return stdout.split('\n').map((line) => line.slice(66));
  };
  expect((await listed()).sort()).toEqual(['./a', './deep/node_modules']);
  expect((await listed('**')).sort()).toEqual(['a', 'deep/node_modules']);
  expect(await listed('.git', 'node_modules/e', '.divvy/**', 'a')).toEqual(
    expect.arrayContaining(['.git/d', 'node_modules/e/f', '.divvy/run/c', 'a']),
  );
});

test('the sums of thousands of files are those of sha256sum', async () => {
  const project = await makeProject('files');
  const { exitCode, stdout, stderr } = await node(
    project,
    'vendor/divvy/run.mjs',
    'tasks/my-task.ts',
    '--',
    ...packages,
  );

  const expected = await sums();
  expect(expected.length).toBeGreaterThan(2500);
  expect(stderr).toMatch(/^divvy: [\d,]+ items: [\d,]+ done\. Took [^\n]*$/);
  expect(exitCode).toBe(0);
  expect(stdout.split('\n').sort()).toEqual(expected);
});

test('and the same while a worker is killed every 250 ms', async () => {
  const project = await makeProject('files');
  const options = ['-n', '8', '--max-crashes', '1000', '--verbose'];
  const run = node(project, 'vendor/divvy/run.mjs', ...options, 'tasks/my-task.ts', '--', ...packages);

  const alive = new Map<string, number>();
  let kills = 0;
  let killing: NodeJS.Timeout | undefined;
  let isOver = false;
  const killOne = (): void => {
    const pids = [...alive.values()];
    const pid = pids[Math.floor(Math.random() * pids.length)];
    if (pid === undefined) return;
    kills += 1;
    kill(pid);
  };
  for await (const line of run.iterable({ from: 'stderr' })) {
    const [, booted, pid] = /worker (\d+) is process (\d+)/.exec(line) ?? [];
    if (booted !== undefined) alive.set(booted, Number(pid));
    const [, dead] = /worker (\d+) (?:was killed by|exited)/.exec(line) ?? [];
    if (dead !== undefined) alive.delete(dead);
    if (line.endsWith('is ready') && killing === undefined) {
      killing = setInterval(killOne, 250);
      setTimeout(() => {
        clearInterval(killing);
        isOver = true;
      }, KILLING_MS).unref();
    }
  }
  clearInterval(killing);
  const { exitCode, stdout, stderr } = await run;

  console.log(`${kills} workers were killed, ${isOver ? 'and then the run went on' : 'to the end of the run'}`);
  const deaths = stderr.match(/^divvy: worker \d+ was killed by SIGKILL/gm)?.length;
  expect(deaths).toBeLessThanOrEqual(kills); // one may have been about to exit by itself
  expect(deaths).toBeGreaterThan(3);
  expect(exitCode).toBe(0);
  // A worker that dies between its line and its ack leaves the line: the item is processed again.
  expect([...new Set(stdout.split('\n'))].sort()).toEqual(await sums());
}, 600_000);

/** The lines that the original program prints for the same files. */
async function sums(): Promise<string[]> {
  const find = execa('find', [...packages, '-name', 'node_modules', '-prune', '-o', '-type', 'f', '-print0']);
  const { stdout } = await find.pipe('xargs', ['-0', 'sha256sum'], { maxBuffer: 100_000_000 });
  return stdout.split('\n').sort();
}

/** Kills a process, if it has not ended by itself meanwhile. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function bytesBelow(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((bytes, entry) => bytes + statSync(join(entry.parentPath, entry.name)).size, 0);
}
