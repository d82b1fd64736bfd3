// Repositories as people have them: real ones on the disk, with git, whose tools are those of this repository.
import { execFile } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cleanEnvironment, freshFolder, home, treeOf } from '../commands.ts';
import { commitAll } from '../project.ts';

/** Files by their paths, and links. */
export type Tree = Readonly<Record<string, string | Buffer | { readonly link: string }>>;

/** Makes files in a folder. */
export function put(folder: string, files: Tree): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (typeof content === 'object' && 'link' in content) symlinkSync(content.link, join(folder, path));
    else writeFileSync(join(folder, path), content);
  }
}

/**
 * Makes a repository, with all that is in it committed.
 *
 * tools - packages that are installed in it: links to those of this repository.
 *
 * Returns its folder.
 */
export function repositoryWith(files: Tree, tools: readonly string[] = []): string {
  const folder = freshFolder();
  put(folder, { '.gitignore': 'node_modules/\ndist/\n', ...files });
  for (const tool of tools) install(folder, tool);
  commitAll(folder);
  return folder;
}

function install(folder: string, tool: string): void {
  const from = join(home, 'node_modules', tool);
  const to = join(folder, 'node_modules', tool);
  mkdirSync(dirname(to), { recursive: true });
  symlinkSync(from, to);
  const { bin = {}, name } = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8'));
  const bins: Record<string, string> = typeof bin === 'string' ? { [name]: bin } : bin;
  for (const [program, file] of Object.entries(bins)) {
    mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true });
    symlinkSync(join(from, file), join(folder, 'node_modules/.bin', program));
  }
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program as a person in that folder would: with the programs that are installed there, and this Node.js. */
export function runIn(cwd: string, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const [command = '', ...rest] = argv;
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const bins = [...upwards(cwd).map((folder) => join(folder, 'node_modules/.bin')), dirname(process.execPath)];
  const environment = { ...cleanEnvironment(env), PATH: [...bins, ...path].join(delimiter) };
  return new Promise((resolve) => {
    execFile(command, rest, { cwd, env: environment, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr: code === -1 ? `${error?.message}\n${stderr}` : stderr });
    });
  });
}

const upwards = (folder: string): string[] => [folder, ...(dirname(folder) === folder ? [] : upwards(dirname(folder)))];

/** What is the repository's own: what git ignores is not. */
export const contentOf = (folder: string): Record<string, string> => {
  return treeOf(folder, ['node_modules', 'dist', '.yarn', '.divvy', ...divvyFolders(folder)]);
};

/** Those of its packages. */
const divvyFolders = (folder: string): string[] =>
  ['packages/one', 'packages/two']
    .flatMap((name) => [`${name}/.divvy`, `${name}/node_modules`])
    .filter((path) => lstatSync(join(folder, path), { throwIfNoEntry: false }) !== undefined);
