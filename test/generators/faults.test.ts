// A disk that fails at every single step of a write, once or from then on, and in the roll-back too: each file is as it was or as it
// is to be, and where a part was written there is a record, from which the next command puts it right.
import { spawnSync } from 'node:child_process';
import fs, { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isPending, recover } from '../../generators/change-set/recovery.ts';
import { reversalOfLast } from '../../generators/change-set/reversal.ts';
import { realRoot, survey } from '../../generators/change-set/survey.ts';
import { write } from '../../generators/change-set/write.ts';
import { readLock } from '../../generators/project/lock.ts';
import { Refusal } from '../../generators/terminal/refusal.ts';
import { cleanEnvironment, commandFile, divvy, freshFolder, treeOf } from './commands.ts';

/** A folder that does not go is left behind, empty, and harms nobody: so none for `rmdir`. */
const STEPS = [
  'chmodSync',
  'fsyncSync',
  'lstatSync',
  'mkdirSync',
  'openSync',
  'readFileSync',
  'readdirSync',
  'renameSync',
  'rmSync',
  'writeFileSync',
] as const;

/** Does something while the nth of some steps on the disk fails, or each from the nth on. Returns what was thrown, and whether one failed. */
function failing(
  nth: number,
  act: () => void,
  {
    steps = STEPS,
    on = false,
    before,
  }: { steps?: readonly (keyof typeof fs)[]; on?: boolean; before?: () => void } = {},
): { thrown: unknown; failed: boolean } {
  let count = 0;
  const real = Object.fromEntries(STEPS.map((name) => [name, fs[name]]));
  for (const name of steps) {
    const call = fs[name] as (...given: unknown[]) => unknown;
    Object.assign(fs, {
      [name]: (...given: unknown[]) => {
        if (++count < nth || (count > nth && !on)) return call(...given);
        if (before === undefined)
          throw Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO', syscall: name });
        before();
        return call(...given);
      },
    });
  }
  syncBuiltinESMExports();
  try {
    act();
    return { thrown: undefined, failed: count >= nth };
  } catch (thrown) {
    return { thrown, failed: count >= nth };
  } finally {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  }
}

const FILES = { 'new.txt': 'after', 'there/old.txt': 'after', 'deep/er/new.txt': 'after', 'going/old.txt': undefined };

function prepare(root: string): void {
  mkdirSync(join(root, 'there'), { recursive: true });
  mkdirSync(join(root, 'going'));
  writeFileSync(join(root, 'there/old.txt'), 'old', { mode: 0o600 });
  writeFileSync(join(root, 'going/old.txt'), 'old', { mode: 0o640 });
}

function writeAll(root: string, files: Record<string, string | undefined>): void {
  const wanted = Object.entries(files).map(([path, text]) => ({
    path,
    after: text === undefined ? undefined : Buffer.from(text),
  }));
  const { added, differing } = survey(root, wanted);
  write({ root, changes: [...added, ...differing], goneFolders: ['going'] }, 'a test');
}

function undo(root: string): void {
  const reversal = reversalOfLast(root);
  if (reversal) write(reversal, 'undo');
}

/** One act at whose nth step the disk fails; whether it did. What it left is checked, put right, and checked again. */
function check(
  nth: number,
  on: boolean,
  root: string,
  act: (root: string) => void,
  [before, after]: readonly [Record<string, string>, Record<string, string>],
): boolean {
  const { thrown, failed } = failing(nth, () => act(root), { on });
  const what = `step ${nth}: ${String(thrown)}`;
  const seen = () => (existsSync(root) ? treeOf(root, ['.divvy']) : {});
  if (thrown === undefined) expect(seen(), what).toEqual(after);
  else if (thrown instanceof Refusal && /could not be put back/.test(thrown.message))
    expect(isPending(root)).toBe(true);
  else expect(seen(), what).toEqual(before);
  // A refusal, or what the command line makes one.
  expect(
    thrown === undefined || thrown instanceof Refusal || (thrown as NodeJS.ErrnoException).code === 'EIO',
    what,
  ).toBe(true);
  recover(root);
  expect(isPending(root), what).toBe(false);
  expect(seen(), what).toEqual(thrown === undefined ? after : before);
  return failed;
}

// Some hundred writes each, one after the other.
const TIMEOUT = 300_000;

describe.each([
  ['once', false],
  ['from then on', true],
])('the disk fails %s', (_, on) => {
  test.each([
    ['a new project', () => {}, { 'a.txt': 'a', 'deep/er/b.txt': 'b' }],
    ['a project that is there', prepare, FILES],
  ])('in a write: %s', { timeout: TIMEOUT }, (_, prepare, files) => {
    for (let nth = 1; ; nth++) {
      const folder = freshFolder();
      const whole = join(folder, 'whole');
      prepare(whole);
      writeAll(whole, files);
      const root = join(folder, 'above/project');
      prepare(root);
      const all = treeOf(folder, ['whole']);
      const before = existsSync(root) ? treeOf(root) : {};
      const failed = check(nth, on, root, (root) => writeAll(root, files), [before, treeOf(whole, ['.divvy'])]);
      if (!failed) return expect(nth).toBeGreaterThan(30);
      undo(root);
      // A folder that failed to go may stay, if nothing is in it.
      const left = Object.entries(treeOf(folder, ['whole'])).filter(
        ([path]) => !/^above\/(project\/(\.divvy\/.*)?)?$/.test(path),
      );
      expect(Object.fromEntries(left)).toEqual(
        Object.fromEntries(Object.entries(all).filter(([path]) => !/^above\/(project\/)?$/.test(path))),
      );
    }
  });

  test('in an undo', { timeout: TIMEOUT }, () => {
    for (let nth = 1; ; nth++) {
      const root = freshFolder();
      prepare(root);
      const before = treeOf(root);
      writeAll(root, FILES);
      if (!check(nth, on, root, undo, [treeOf(root, ['.divvy']), before])) return expect(nth).toBeGreaterThan(30);
      undo(root);
      expect(treeOf(root, ['.divvy'])).toEqual(before);
    }
  });
});

describe('between the staging of a file and its move into place', () => {
  test.each([
    ['somebody saves it', 'there/old.txt'],
    ['one comes where there was none', 'new.txt'],
    ['somebody saves one that is to go', 'going/old.txt'],
  ])('%s: it stays, and nothing is written', (_, path) => {
    const root = freshFolder();
    prepare(root);
    // The first rename makes the folder of the record, the second the record itself; with the third a file is moved.
    const save = () => writeFileSync(join(root, path), 'saved meanwhile');
    const { thrown, failed } = failing(2, () => writeAll(root, FILES), { steps: ['renameSync'], before: save });
    expect(failed).toBe(true);
    expect(thrown).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining(`"${path}" is not written: it was changed`),
    });
    const mode = { 'there/old.txt': '600', 'going/old.txt': '640' }[path] ?? '644';
    expect(treeOf(root)).toEqual({
      'going/': 'folder',
      'going/old.txt': '640 old',
      'there/': 'folder',
      'there/old.txt': '600 old',
      [path]: `${mode} saved meanwhile`,
    });
  });
});

describe('what cannot be read is not taken for what is no good', () => {
  const once = { steps: ['readFileSync'] } as const;

  test('a lock', () => {
    const root = freshFolder();
    writeFileSync(join(root, 'divvy.lock.json'), '{}');
    expect(failing(1, () => readLock(root), once).thrown).toMatchObject({
      message: `EIO: i/o error, readFileSync '${join(root, 'divvy.lock.json')}'`,
    });
  });

  test('the record of the last command, and the copies in it', () => {
    const root = freshFolder();
    prepare(root);
    writeAll(root, { 'there/old.txt': 'after' });
    for (let nth = 1; ; nth++) {
      const { thrown, failed } = failing(nth, () => reversalOfLast(root), once);
      if (!failed) return expect(nth).toBeGreaterThan(3);
      expect(thrown).not.toBeInstanceOf(Refusal);
      expect(thrown).toMatchObject({ message: expect.stringMatching(/^EIO: .* '.+'$/) });
    }
  });

  test('the folder of the project', () => {
    const root = freshFolder();
    const { thrown } = failing(1, () => realRoot(root), { steps: ['realpathSync'] });
    expect(thrown).toMatchObject({ message: expect.stringMatching(/EIO: i\/o error, realpathSync$/) });
  });
});

/** A command for which reading a file fails once it is open, as Node.js has it then: without its path. */
const withUnreadable = (file: string, argv: readonly string[], cwd: string) => {
  const script = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const real = fs.readFileSync;
    fs.readFileSync = (path, ...rest) => {
      if (!String(path).endsWith(${JSON.stringify(file)})) return real(path, ...rest);
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', syscall: 'read' });
    };
    syncBuiltinESMExports();`;
  return divvy(argv, { cwd, env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` } });
};

test('a file of the project that cannot be read is said in words, with its name', async () => {
  const root = freshFolder();
  writeFileSync(join(root, 'package.json'), '{ "name": "a", "type": "module" }\n');
  expect((await divvy(['add', 'nightly', '--no-install'], { cwd: root })).code).toBe(0);
  const { code, stderr } = await withUnreadable('tasks/nightly.ts', ['hook', 'add', 'beforeRun'], root);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `error: the system refused: EIO: i/o error, read '${join(root, 'tasks/nightly.ts')}'\nCheck the permissions and the free space there, and try again.\n`,
  );
});

test('of a plan for which there is no room nothing is left', () => {
  const folder = freshFolder();
  // Eight blocks of 512 bytes are less than a plan.
  const argv = ['-c', 'ulimit -f 8; exec "$@"', 'sh', process.execPath, commandFile('divvy')];
  const { status, stderr } = spawnSync('sh', [...argv, 'create', 'nightly', '--yes', '--plan', 'plan.json'], {
    cwd: folder,
    env: cleanEnvironment({ NODE_DISABLE_COMPILE_CACHE: '1' }),
    encoding: 'utf8',
  });
  expect(stderr).toContain('plan.json" could not be written: EFBIG');
  expect(status).toBe(1);
  expect(treeOf(folder)).toEqual({});
});
