// A project as somebody may have it: small, so that a test can change every part of it.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sumOf } from '../../generators/disk/line-ends.ts';
import { textOf } from '../../generators/project/lock.ts';
import { freshFolder, home } from './commands.ts';

export const TASK = [
  "import type { Parallelizable } from '#divvy';",
  '',
  'export default class Nightly implements Parallelizable<number> {',
  '  *dispatch(): Generator<number> {',
  '    yield 1;',
  '  }',
  '',
  '  process(item: number): void {',
  '    console.log(item);',
  '  }',
  '}',
  '',
].join('\n');

/** Makes a project with a task file of each name and text, and the lock that divvy would have left. Returns its folder. */
export function projectWith(tasks: Readonly<Record<string, string | Buffer>> = { nightly: TASK }): string {
  const folder = freshFolder();
  const files: Record<string, string> = {};
  const put = (path: string, content: string | Buffer) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    files[path] = sumOf(Buffer.from(content));
  };
  put('divvy.json', JSON.stringify({ tasks: 'tasks', runtime: 'vendor/divvy' }));
  for (const [name, content] of Object.entries(tasks)) put(`tasks/${name}.ts`, content);
  mkdirSync(join(folder, 'vendor/divvy'), { recursive: true });
  copyFileSync(join(home, 'runtime/parallelizable.ts'), join(folder, 'vendor/divvy/parallelizable.ts'));
  writeFileSync(join(folder, 'divvy.lock.json'), textOf({ lockVersion: 1, runtime: '0.0.0', tasks: {}, files }));
  return folder;
}

/** Runs git in a folder, as nobody in particular. */
export const git = (cwd: string, ...argv: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', ...argv], { cwd, encoding: 'utf8' });

/** Makes a repository of a folder, with all that is in it committed. */
export function commitAll(cwd: string): void {
  git(cwd, 'init', '--quiet');
  git(cwd, 'add', '--all');
  git(cwd, 'commit', '--quiet', '--message', 'all');
}
