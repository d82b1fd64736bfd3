// The pages of docs/recipes/, and a shell in which their commands run as they stand there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect } from 'vitest';
import { cleanEnvironment, commandFile, createDivvyTask, type Ended, home } from '../generators/commands.ts';

export const recipes: string = join(home, 'docs/recipes');

/** The code of a page in one language, piece by piece. */
export function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(recipes, `${page}.md`), 'utf8');
  const found = [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, code = '']) => code,
  );
  expect(found.length, `${page}.md has ${language}`).toBeGreaterThan(0);
  return found;
}

/** npm and npx, but for what they would fetch: this package's two commands, and packages that this repository has. */
export function programsIn(folder: string): string {
  const bin = join(folder, '.bin');
  mkdirSync(bin);
  const program = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}`);
    chmodSync(join(bin, name), 0o755);
  };
  const node = `exec '${process.execPath}'`;
  const npm = join(dirname(process.execPath), 'npm');
  program('node', `${node} "$@"\n`);
  program('divvy', `${node} '${commandFile('divvy')}' "$@"\n`);
  program(
    'npx',
    `[ "$1" = tsc ] && shift && ${node} '${home}/node_modules/typescript/bin/tsc' "$@"
[ "$1 $2" = "-p create-divvy-task" ] || exit 99
shift 2
exec "$@"
`,
  );
  program(
    'npm',
    `case "$1 $2" in
"create divvy-task@latest") shift 2; name=$1; shift 2; ${node} '${commandFile('create-divvy-task')}' "$name" "$@";;
"install --save-dev") mkdir -p node_modules; exec ln -s '${home}/node_modules/'"$3" node_modules/;;
esac
exec ${existsSync(npm) ? `'${npm}'` : `$(PATH=$(echo "$PATH" | sed 's|^[^:]*:||') command -v npm)`} "$@"
`,
  );
  return bin;
}

/** Runs commands in one shell, which stops at the first that fails. */
export async function shell(folder: string, commands: readonly string[], bin = programsIn(folder)): Promise<Ended> {
  const PATH = [bin, process.env['PATH']].join(delimiter);
  const author = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b.c',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b.c',
  };
  const child = spawn('sh', ['-e', '-c', commands.join('\n')], {
    cwd: folder,
    env: { ...cleanEnvironment({ HOME: folder, ...author }), PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text;
    });
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...output };
}

/** A project of a template in a folder, as a page takes it for granted. */
export async function projectIn(folder: string, name: string): Promise<string> {
  const made = await createDivvyTask([name, '--yes', '--no-git'], { cwd: folder });
  expect(made.code, made.stderr).toBe(0);
  return join(folder, name);
}
