// The two commands, run as a person would run them, in folders of their own.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';

export const home: string = join(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Options {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** By somebody whom the permissions of files hold for, even where the tests are run by root. */
  readonly unprivileged?: boolean;
  /** What it says of waiting is in stderr: for all else that would make a test one of how fast the machine is. */
  readonly waits?: boolean;
}

/** What a command says on stderr, but for what it waits for. */
export const withoutWaiting = (stderr: string): string => stderr.replaceAll(/^note: Still .*\n/gm, '');

const NOBODY = 65534;

/** The environment without what npm, a CI or a git hook put there. */
export function cleanEnvironment(extra: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const left = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|CI$|NO_COLOR$|FORCE_COLOR$|GIT_|VITEST)/i.test(name),
  );
  return { ...Object.fromEntries(left), ...extra };
}

/** Runs a command to its end; its stdin is empty and no terminal. */
export const divvy = (argv: readonly string[], options: Options = {}): Promise<Ended> => run('divvy', argv, options);
export const createDivvyTask = (argv: readonly string[], options: Options = {}): Promise<Ended> =>
  run('create-divvy-task', argv, options);

/** This Node.js, where everybody may run it: the folder that it is in may be closed to others. */
export function nodeForAll(): string {
  const copy = join(inject('commands'), 'node');
  if (!existsSync(copy)) copyFileSync(process.execPath, copy);
  chmodSync(copy, 0o755);
  return copy;
}

/** The file that is a command, bundled as it is published. */
export const commandFile = (program: 'create-divvy-task' | 'divvy'): string =>
  join(inject('commands'), `${program}.cjs`);

function run(
  program: 'create-divvy-task' | 'divvy',
  argv: readonly string[],
  { cwd, env, unprivileged, waits = false }: Options,
): Promise<Ended> {
  const isRoot = process.getuid?.() === 0;
  const asNobody = unprivileged === true && isRoot;
  const child = spawn(asNobody ? nodeForAll() : process.execPath, [commandFile(program), ...argv], {
    cwd,
    // Hundreds of commands are started; each after the first need not compile the same again.
    env: { NODE_COMPILE_CACHE: join(inject('commands'), 'compile-cache'), ...cleanEnvironment(env) },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(asNobody && { uid: NOBODY, gid: NOBODY }),
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code, signal, ...output, stderr: waits ? output.stderr : withoutWaiting(output.stderr) }),
    );
  });
}

/** A fresh folder, by its real path, that goes when the test is over. */
export function freshFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'divvy-generators-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Everything below a folder: a file's bytes (latin1) and mode, a link's target. `.git` and what `leave` names is left out. */
export function treeOf(folder: string, leave: readonly string[] = []): Record<string, string> {
  const tree: Record<string, string> = {};
  const walk = (below: string): void => {
    for (const name of readdirSync(join(folder, below)).sort()) {
      const path = below === '' ? name : `${below}/${name}`;
      const state = lstatSync(join(folder, path));
      if (name === '.git' || leave.includes(path)) continue;
      if (state.isSymbolicLink()) tree[path] = `-> ${readlinkSync(join(folder, path))}`;
      else if (state.isDirectory()) {
        tree[`${path}/`] = 'folder';
        walk(path);
      } else tree[path] = `${(state.mode & 0o777).toString(8)} ${readFileSync(join(folder, path), 'latin1')}`;
    }
  };
  walk('');
  return tree;
}
