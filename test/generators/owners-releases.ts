// Five made-up releases after 0.1.0, each of which changes other things, and the projects that they make.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { cleanEnvironment, home, treeOf } from './commands.ts';
import { madeUp } from './made-up.ts';
import { VENDORED } from './owners.ts';
import { run } from './upgraded.ts';

/** A release, with what a fresh project has of it. */
export interface MadeRelease {
  readonly version: string;
  /** The file that is its command `divvy`. */
  readonly command: string;
  /** The files that it moved, by their path in a project of the release before. */
  readonly renames: { readonly [path: string]: string };
  readonly fresh: Tree;
}

/** What treeOf returns. */
export type Tree = { readonly [path: string]: string };

type Texts = { readonly [path: string]: string | null };

/** What a release changes: from the texts of the one before it, by their path in the package. */
interface Change {
  readonly files: (read: (path: string) => string) => Texts;
  readonly renames?: { readonly [path: string]: string };
}

function swapped(text: string, ...pairs: readonly (readonly [from: string, to: string])[]): string {
  return pairs.reduce((now, [from, to]) => {
    if (!now.includes(from)) throw new Error(`no release has ${JSON.stringify(from)} any more`);
    return now.replace(from, () => to);
  }, text);
}

const SAMPLES = '/** Examples of what a run says. Internal. */\nexport const samples = [\n  1,\n  2,\n];\n';
const OLD_END = "\nexport { added } from './added.ts';\n";
const HERE = "import { fromHere } from './here.ts';\n";
const COUNTED =
  '\n/** How many words a command has, in words. */\nexport function counted(words: readonly string[]): string {\n  return grouped(words.length);\n}\n';

const CHANGES: readonly Change[] = [
  { files: () => ({ 'runtime/text/samples.ts': SAMPLES }) },
  {
    files: (read) => {
      const of = (path: string, from: string, to: string) => ({ [path]: swapped(read(path), [from, to]) });
      return {
        ...of('runtime/master/throttle.ts', 'ASK_EVERY_MS = 1000;', 'ASK_EVERY_MS = 900;'),
        ...of('runtime/text/rate.ts', 'return now > first.at ?', 'return now - first.at >= 1 ?'),
        ...of('runtime/master/timeouts.ts', 'LAG_MS = 500;', 'LAG_MS = 550;'),
        ...of('runtime/master/controls.ts', '/** The controls of', '/** Since 0.2.0: the controls of'),
        ...of('templates/_project/README.md', '## Stopping it', '## How to stop it'),
        'runtime/text/added.ts': '/** New in 0.2.0. */\nexport const added: number = 1;\n',
        'runtime/text/words.ts': `${read('runtime/text/words.ts')}${OLD_END}`,
      };
    },
  },
  {
    renames: { 'master/backoff.ts': 'master/delays.ts' },
    files: (read) => {
      const of = (path: string, from: string, to: string) => ({ [path]: swapped(read(path), [from, to]) });
      return {
        ...of('runtime/master/boots.ts', './backoff.ts', './delays.ts'),
        ...of('runtime/master/delivery.ts', './backoff.ts', './delays.ts'),
        'runtime/master/backoff.ts': null,
        'runtime/master/delays.ts': swapped(read('runtime/master/backoff.ts'), [
          'an item or of a boot',
          'an item, a boot',
        ]),
        ...of('runtime/master/pace.ts', 'min(PREFETCH_MAX, Math', 'min(\n    PREFETCH_MAX,\n    Math'),
        ...of('runtime/text/samples.ts', '[\n  1,\n  2,\n]', '[1, 2, 3]'),
        ...of('runtime/master/throttle.ts', 'in the master. Internal.', 'in the master. Internal since 0.3.0.'),
        ...of('templates/_project/tsconfig.json', '"skipLibCheck": true', '"skipLibCheck": true,\n    "pretty": true'),
      };
    },
  },
  {
    files: (read) => {
      const of = (path: string, from: string, to: string) => ({ [path]: swapped(read(path), [from, to]) });
      return {
        ...of('runtime/master/throttle.ts', 'ASK_EVERY_MS = 900;', 'ASK_EVERY_MS = 800;'),
        'runtime/text/added.ts': null,
        ...of('runtime/text/words.ts', OLD_END, ''),
        'runtime/text/shell.ts': `${swapped(read('runtime/text/shell.ts'), [HERE, `${HERE}import { grouped } from './words.ts';\n`])}${COUNTED}`,
        ...of('runtime/README.md', ': a ten-minute tour', ': a tour of ten minutes'),
        ...of('templates/_project/AGENTS.md', '## What is whose', '## Whose is what'),
        ...of('templates/_project/_gitignore', 'node_modules/\n', 'node_modules/\n*.log\n'),
      };
    },
  },
  {
    renames: { 'master/delays.ts': 'retry/waits.ts' },
    files: (read) => {
      const of = (path: string, from: string, to: string) => ({ [path]: swapped(read(path), [from, to]) });
      return {
        ...of('runtime/master/boots.ts', './delays.ts', '../retry/waits.ts'),
        ...of('runtime/master/delivery.ts', './delays.ts', '../retry/waits.ts'),
        'runtime/master/delays.ts': null,
        'runtime/retry/waits.ts': swapped(read('runtime/master/delays.ts'), ['30_000', '30 * 1000']),
        'runtime/text/here.ts': swapped(
          read('runtime/text/here.ts'),
          [
            "import path from 'node:path';\n",
            "import path from 'node:path';\nimport { samples } from './samples.ts';\n",
          ],
          ['function folderNow', 'export const sampled: number = samples.length;\n\nfunction folderNow'],
        ),
        ...of('runtime/run.mjs', '// The runner: checks', '// The runner, 数: checks'),
        ...of('templates/_project/README.md', '## Going on', '## How to go on'),
        'templates/_project/NOTES.md': '# Notes on {{description}}\n',
      };
    },
  },
  {
    files: (read) => {
      const of = (path: string, from: string, to: string) => ({ [path]: swapped(read(path), [from, to]) });
      return {
        'runtime/text/rate.ts': null,
        'runtime/master/pace.ts': read('runtime/master/pace.ts') + read('runtime/text/rate.ts').replace(/^.*\n/, ''),
        ...of('runtime/master/controls.ts', '../text/rate.ts', './pace.ts'),
        ...of('runtime/cli/progress.ts', '../text/rate.ts', '../master/pace.ts'),
        ...of('runtime/text/words.ts', '/** Words for people', '// 0.6.0\n/** Words for people'),
        ...of('runtime/index.ts', '/** The module that', '/** As before: the module that'),
        'runtime/errors.ts': `${read('runtime/errors.ts')}\nexport const since060 = true;\n`,
      };
    },
  },
];

/** A comment in the middle of each twelfth source, so that every release changes some ten files more. */
function commented(version: string, index: number, folder: string): Texts {
  const paths = globSync('runtime/**/*.ts', { cwd: folder }).sort();
  const chosen = paths.filter((_, at) => at % (2 * CHANGES.length) === index);
  const texts = chosen.map((path) => [path, readFileSync(join(folder, path), 'utf8')] as const);
  return Object.fromEntries(
    texts.map(([path, text]) => [
      path,
      text.replace(/\n(?=export (?:function|class|const) )/, `\n// As in ${version}.\n`),
    ]),
  );
}

/** Makes the releases 0.1.0 to 0.6.0 in a folder, and a project of each. */
export async function sixReleases(folder: string): Promise<readonly MadeRelease[]> {
  const releases: MadeRelease[] = [];
  for (const [index, { files, renames = {} }] of CHANGES.entries()) {
    const version = `0.${index + 1}.0`;
    const after = releases.at(-1)?.command;
    const before = after === undefined ? home : dirname(dirname(after));
    const inRuntime = (prefix: string) =>
      Object.fromEntries(Object.entries(renames).map((pair) => pair.map((path) => `${prefix}${path}`)));
    const notes = index === 0 ? {} : commented(version, index, before);
    const command = madeUp(join(folder, version), {
      ...(after !== undefined && { after }),
      version,
      files: { ...notes, ...files((path) => notes[path] ?? readFileSync(join(before, path), 'utf8')) },
      renames: inRuntime('runtime/'),
    });
    const project = join(folder, `project-${version}`, 'nightly');
    const made = await run(command, ['create', project, '--template', 'basic', '--yes', '--no-git']);
    expect(made.code, made.stderr).toBe(0);
    releases.push({ version, command, renames: inRuntime(VENDORED), fresh: treeOf(project, ['.divvy']) });
  }
  return releases;
}

/** The folder of the project that 0.1.0 has made, to be copied. */
export const firstProject = (folder: string): string => join(folder, 'project-0.1.0/nightly');

/** How a command ended. */
export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a command of a release in this process: several hundred are run, and a process takes ten times as long as most of
 * them. One at a time: folder, environment and output are the process's.
 */
export async function runHere({ command }: MadeRelease, argv: readonly string[], cwd: string): Promise<Said> {
  const { main } = await import(pathToFileURL(join(dirname(command), 'commands.js')).href);
  const said = { stdout: '', stderr: '' };
  const before = { cwd: process.cwd(), env: process.env, exitCode: process.exitCode };
  const writes = [process.stdout.write, process.stderr.write] as const;
  const into = (name: keyof typeof said) => (text: string | Uint8Array) => {
    said[name] += String(text);
    return true;
  };
  process.chdir(cwd);
  process.env = cleanEnvironment();
  process.stdout.write = into('stdout');
  process.stderr.write = into('stderr');
  try {
    await main('divvy', argv);
    return { code: Number(process.exitCode), ...said };
  } finally {
    process.chdir(before.cwd);
    process.env = before.env;
    process.exitCode = before.exitCode;
    [process.stdout.write, process.stderr.write] = writes;
  }
}

/** Runs a command of a release in a process of its own. */
export const runApart = ({ command }: MadeRelease, argv: readonly string[], cwd: string): Promise<Said> =>
  run(command, argv, { cwd });
