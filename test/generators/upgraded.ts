// Releases and projects for the tests of upgrade, diff and doctor.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { cleanEnvironment, type Ended, freshFolder, home, nodeForAll, type Options } from './commands.ts';
import { madeUp } from './made-up.ts';

/** A command of a made-up release, run to its end. */
export function run(
  command: string,
  argv: readonly string[],
  { cwd, env, uid, node = process.execPath }: Options & { readonly uid?: number; readonly node?: string } = {},
): Promise<Ended> {
  const child = spawn(node, [command, ...argv], {
    ...(uid !== undefined && { uid, gid: uid }),
    cwd,
    env: cleanEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
  });
}

const NOBODY = 65534;

/**
 * The same by somebody whom the permissions of files hold for, even where the tests are run by root.
 *
 * folder - that of the releases: it is opened for all, and the project is given to them.
 */
export function runAsNobody(folder: string, command: string, argv: readonly string[], project: string): Promise<Ended> {
  if (process.getuid?.() !== 0) return run(command, argv, { cwd: project });
  chmodSync(folder, 0o755);
  chmodSync(dirname(project), 0o755);
  execFileSync('chown', ['-R', `${NOBODY}:${NOBODY}`, project]);
  return run(command, argv, { cwd: project, uid: NOBODY, node: nodeForAll() });
}

/** A project that a release makes, with the template basic. Returns its folder. */
export async function projectOf(release: string, ...more: string[]): Promise<string> {
  const folder = join(freshFolder(), 'nightly');
  const argv = ['create', folder, '--template', 'basic', '--yes', '--no-git', ...more];
  const { code, stderr } = await run(release, argv);
  if (code !== 0) throw new Error(stderr);
  return folder;
}

const runtime = (path: string): string => readFileSync(join(home, 'runtime', path), 'utf8');

/** The runtime with one of its files under another name, as far as it is not the same then. */
function moved(from: string, to: string): { [path: string]: string | null } {
  const [old, name] = [from, to].map((path) => path.split('/').at(-1));
  const users = globSync('**/*.{ts,mjs,md}', { cwd: join(home, 'runtime') }).filter((path) =>
    runtime(path).includes(`${old}`),
  );
  const edited = users.map((path) => [`runtime/${path}`, runtime(path).replaceAll(`${old}`, `${name}`)] as const);
  return {
    ...Object.fromEntries(edited),
    [`runtime/${from}`]: null,
    [`runtime/${to}`]: runtime(from).replaceAll(`${old}`, `${name}`),
  };
}

export interface Releases {
  /** The release that is here, as 0.1.0. */
  readonly first: string;
  /** It changes constants, also one of a part on demand, words and the project's README, moves a file, and adds one, and one to a part. */
  readonly second: string;
  /** It removes what the second had added, and a type of the library, and changes more. */
  readonly third: string;
}

/** Each release is a whole package, made by programs of its own: milliseconds, on a busy machine too. */
export const RELEASES = 600_000;

/** Makes the releases before the tests of a file, and removes them after. A test may put more of them into their folder. */
export function threeReleases(): Releases & { readonly folder: string } {
  const made = { folder: '', first: '', second: '', third: '' };
  beforeAll(() => {
    made.folder = mkdtempSync(join(tmpdir(), 'divvy-releases-'));
    Object.assign(made, releasesIn(made.folder));
  }, RELEASES);
  afterAll(() => rmSync(made.folder, { recursive: true }));
  return made;
}

function releasesIn(folder: string): Releases {
  const first = madeUp(join(folder, '1'), { version: '0.1.0' });
  const second = madeUp(join(folder, '2'), {
    after: first,
    version: '0.2.0',
    files: {
      ...moved('master/backoff.ts', 'master/delays.ts'),
      'runtime/text/added.ts': '// New in 0.2.0.\nexport const added = 1;\n',
      'runtime/engine/added.ts': '// New in 0.2.0.\nexport const added = 1;\n',
    },
    edits: [
      ['runtime/master/throttle.ts', 'const ASK_EVERY_MS = 1000;', 'const ASK_EVERY_MS = 900;'],
      ['runtime/telemetry.ts', 'const SHORTEST_MS = 1;', 'const SHORTEST_MS = 2;'],
      ['runtime/text/words.ts', '/**', '/* In other words since 0.2.0. */\n/**'],
      ['templates/_project/README.md', '## Stopping it', '## How to stop it'],
      ['templates/_project/AGENTS.md', '## What is whose', '## Whose is what'],
    ],
    renames: { 'runtime/master/backoff.ts': 'runtime/master/delays.ts' },
  });
  const third = madeUp(join(folder, '3'), {
    after: second,
    version: '0.3.0',
    files: { 'runtime/text/added.ts': null, 'runtime/engine/added.ts': null },
    edits: [
      ['runtime/master/throttle.ts', 'const ASK_EVERY_MS = 900;', 'const ASK_EVERY_MS = 800;'],
      ['runtime/master/delays.ts', '/**', '/* Once more. */\n/**'],
      // A task that uses this type has an error from now on.
      ['runtime/index.ts', '{ type InlineOutcome, runInline }', '{ runInline }'],
    ],
  });
  return { first, second, third };
}

/** Replaces a text in a file of a project, which has to be there. */
export function edit(folder: string, path: string, from: string, to: string): void {
  const text = readFileSync(join(folder, path), 'utf8');
  if (!text.includes(from)) throw new Error(`${path} has no ${JSON.stringify(from)}`);
  writeFileSync(
    join(folder, path),
    text.replace(from, () => to),
  );
}

export const textOf = (folder: string, path: string): string => readFileSync(join(folder, path), 'utf8');

export function put(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** For what tries a runtime, by some fifty runs of tasks, once or several times. */
export const TRIED = { timeout: 600_000 };

/** Without trying it. */
export const QUICK = ['upgrade', '--no-verify'];

export const VENDORED = 'vendor/divvy/';

/** Without what divvy keeps for itself. */
export const withoutDivvy = (tree: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(tree).filter(([path]) => !path.startsWith('.divvy')));
