// Repositories as somebody might make them, well or ill meant.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cleanEnvironment, freshFolder } from '../commands.ts';
import { git } from '../project.ts';
import { TEMPLATE } from './archives.ts';

/** Makes a repository with some files committed on its branch main; returns its folder. */
export function repositoryWith(files: Readonly<Record<string, string>> = TEMPLATE): string {
  const folder = freshFolder();
  git(folder, 'init', '--quiet', '--initial-branch=main');
  commit(folder, files);
  return folder;
}

/** Commits files; returns the commit's id. */
export function commit(folder: string, files: Readonly<Record<string, string>>): string {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '--message', 'files');
  return git(folder, 'rev-parse', 'HEAD').trim();
}

interface TreeEntry {
  readonly mode: string;
  /** Its bytes, each a character. */
  readonly name: string;
  readonly id: string;
}

/** Writes an object that git itself would refuse to make; returns its id. */
export function writeTree(folder: string, entries: readonly TreeEntry[]): string {
  const input = Buffer.concat(
    entries.flatMap(({ mode, name, id }) => [Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(id, 'hex')]),
  );
  return write(folder, ['-t', 'tree', '--literally'], input);
}

export const writeBlob = (folder: string, text: string): string => write(folder, ['-t', 'blob'], Buffer.from(text));

/** Makes a tree what the branch main has. */
export function commitTree(folder: string, tree: string): void {
  const id = git(folder, 'commit-tree', '-m', 'a tree', tree).trim();
  git(folder, 'update-ref', 'refs/heads/main', id);
}

const write = (cwd: string, argv: readonly string[], input: Buffer): string =>
  execFileSync('git', ['hash-object', '-w', '--stdin', ...argv], { cwd, input, encoding: 'utf8' }).trim();

/** An environment in which git has these settings, and none of the machine's. */
export function settings(values: Readonly<Record<string, string>>, extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const folder = freshFolder();
  for (const [name, value] of Object.entries(values)) {
    execFileSync('git', ['config', '--file', join(folder, '.gitconfig'), '--add', name, value]);
  }
  return cleanEnvironment({ HOME: folder, XDG_CONFIG_HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...extra });
}

/** A program of the shell; returns its path. */
export function program(text: string): string {
  const path = join(freshFolder(), 'program');
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
}
