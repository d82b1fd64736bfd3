// What git does not have is found whatever git was told not to look at.
import { appendFileSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { changedInGit } from '../../generators/programs/git.ts';
import { freshFolder } from './commands.ts';
import { commitAll, git } from './project.ts';

const FILE = 'jobs/package.json';
const read = (cwd: string): Buffer => readFileSync(join(cwd, FILE));
const look = (cwd: string) => changedInGit(cwd, [{ path: FILE, bytes: read(cwd) }]);

/** A repository with one committed file. */
function repository(text = '{ "name": "host" }\n', attributes = ''): string {
  const cwd = freshFolder();
  mkdirSync(join(cwd, 'jobs'));
  writeFileSync(join(cwd, FILE), text);
  if (attributes !== '') writeFileSync(join(cwd, '.gitattributes'), attributes);
  commitAll(cwd);
  return cwd;
}

function setEnvironment(values: NodeJS.ProcessEnv): void {
  const before = { ...process.env };
  Object.assign(process.env, values);
  onTestFinished(() => {
    process.env = before;
  });
}

const config = (cwd: string, name: string, value: string): unknown => git(cwd, 'config', name, value);

/** Another file of the same length, with the times that git knows: only its content tells. */
function editUnseen(cwd: string): void {
  const { atime, mtime } = statSync(join(cwd, FILE));
  writeFileSync(join(cwd, FILE), read(cwd).toString().replace('host', 'mine'));
  utimesSync(join(cwd, FILE), atime, mtime);
}

describe('a change that was not committed is found', () => {
  test.each<[string, (cwd: string) => unknown]>([
    ['as it is', () => {}],
    [
      'where it is staged',
      (cwd) => {
        editUnseen(cwd);
        git(cwd, 'add', '--all');
      },
    ],
    ['behind assume-unchanged', (cwd) => git(cwd, 'update-index', '--assume-unchanged', FILE)],
    ['behind skip-worktree', (cwd) => git(cwd, 'update-index', '--skip-worktree', FILE)],
    [
      'outside a sparse checkout',
      (cwd) => {
        git(cwd, 'sparse-checkout', 'set', '--no-cone', '/other/');
        mkdirSync(join(cwd, 'jobs'));
        writeFileSync(join(cwd, FILE), '{ "name": "host" }\n');
      },
    ],
    [
      'behind a file system monitor that lies',
      (cwd) => {
        config(cwd, 'core.fsmonitor', 'true #');
        git(cwd, 'update-index', '--fsmonitor-valid', FILE);
      },
    ],
    [
      'behind settings of the index',
      (cwd) => {
        for (const name of ['core.trustctime', 'core.fileMode']) config(cwd, name, 'false');
        config(cwd, 'core.checkStat', 'minimal');
        git(cwd, 'update-index', '--untracked-cache', '--split-index');
      },
    ],
    [
      'behind a setting of this work tree alone',
      (cwd) => {
        config(cwd, 'extensions.worktreeConfig', 'true');
        git(cwd, 'config', '--worktree', 'core.worktree', join(cwd, 'elsewhere'));
      },
    ],
    [
      'where another object stands for the committed one',
      (cwd) => {
        const [was] = git(cwd, 'rev-parse', `HEAD:${FILE}`).split('\n');
        editUnseen(cwd);
        git(cwd, 'replace', was ?? '', git(cwd, 'hash-object', '-w', FILE).trim());
      },
    ],
    [
      'behind a filter that drops it',
      (cwd) => {
        writeFileSync(join(cwd, '.git/info/attributes'), '* filter=same\n');
        config(cwd, 'filter.same.clean', `git cat-file blob HEAD:${FILE}`);
      },
    ],
    [
      'where the environment is that of a git hook',
      (cwd) => {
        const other = repository('{ "name": "mine" }\n');
        setEnvironment({ GIT_DIR: join(other, '.git'), GIT_WORK_TREE: cwd, GIT_INDEX_FILE: join(cwd, 'none') });
      },
    ],
  ])('%s', async (_, hide) => {
    const cwd = repository();
    hide(cwd);
    editUnseen(cwd);
    const found = await look(cwd);
    // "Cannot tell" is as good: both are refused.
    expect('unknown' in found ? [FILE] : found.changed).toEqual([FILE]);
  });

  test.each<[string, (cwd: string) => unknown]>([
    ['as it is', () => {}],
    ['with a setting that does not show it', (cwd) => config(cwd, 'status.showUntrackedFiles', 'no')],
    ['in an ignored folder', (cwd) => writeFileSync(join(cwd, '.gitignore'), 'jobs/\n')],
    ['that the repository excludes', (cwd) => appendFileSync(join(cwd, '.git/info/exclude'), 'jobs\n')],
    [
      'that the person excludes everywhere',
      (cwd) => {
        writeFileSync(join(cwd, 'mine'), '*\n');
        config(cwd, 'core.excludesFile', join(cwd, 'mine'));
      },
    ],
  ])('in a file that git does not have, %s', async (_, hide) => {
    const cwd = freshFolder();
    git(cwd, 'init', '--quiet');
    mkdirSync(join(cwd, 'jobs'));
    writeFileSync(join(cwd, FILE), '{}\n');
    hide(cwd);
    expect(await look(cwd)).toEqual({ changed: [FILE] });
  });

  test('in a submodule whose changes are not to be shown', async () => {
    const cwd = freshFolder();
    git(cwd, 'init', '--quiet');
    mkdirSync(join(cwd, 'jobs'));
    writeFileSync(join(cwd, FILE), '{ "name": "host" }\n');
    commitAll(join(cwd, 'jobs'));
    git(cwd, '-c', 'advice.addEmbeddedRepo=false', 'add', '--all');
    git(cwd, 'commit', '--quiet', '--message', 'all');
    for (const name of ['diff.ignoreSubmodules', 'submodule.jobs.ignore']) config(cwd, name, 'all');
    expect(await look(cwd)).toEqual({ changed: [] });
    editUnseen(cwd);
    expect(await look(cwd)).toEqual({ changed: [FILE] });
  });
});

describe('what git has is no change', () => {
  test.each<[string, string]>([
    ['as it is', ''],
    ['with a filter that a checkout undoes', '* ident\n'],
    ['in another encoding in the work tree', '* working-tree-encoding=UTF-16LE\n'],
    ['with other line ends in the work tree', '* text eol=crlf\n'],
  ])('%s', async (_, attributes) => {
    const cwd = repository('{ "name": "host $Id$" }\n', attributes === '* ident\n' ? attributes : '');
    writeFileSync(join(cwd, '.gitattributes'), attributes);
    git(cwd, 'rm', '--quiet', '--cached', FILE);
    git(cwd, 'checkout', '--quiet', 'HEAD', '--', FILE);
    expect(await look(cwd)).toEqual({ changed: [] });
  });

  test('with line ends that an editor has written', async () => {
    const cwd = repository();
    config(cwd, 'core.autocrlf', 'true');
    writeFileSync(join(cwd, FILE), '{ "name": "host" }\r\n');
    expect(await look(cwd)).toEqual({ changed: [] });
  });

  test('where there is no repository', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'jobs'));
    writeFileSync(join(cwd, FILE), '');
    expect(await look(cwd)).toEqual({ changed: [] });
  });
});
