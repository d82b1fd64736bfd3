// People who changed what divvy copied into their project, each in another way. owners-checks.ts upgrades them.

import { execFileSync } from 'node:child_process';
import { hash } from 'node:crypto';
import { chmodSync, globSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { home } from './commands.ts';
import { edit, put, textOf } from './upgraded.ts';

export interface Owner {
  readonly name: string;
  /** Changes a project that release 0.1.0 has made. */
  readonly edits: (project: string) => void;
}

export const VENDORED = 'vendor/divvy/';
const [WORDS, THROTTLE, RATE, PACE] = ['text/words', 'master/throttle', 'text/rate', 'master/pace'].map(
  (name) => `${VENDORED}${name}.ts`,
) as [string, string, string, string];
const BACKOFF = `${VENDORED}master/backoff.ts`;
const RUN_LOOP = `${VENDORED}master/run-loop.ts`;

const filesIn = (project: string, pattern: string): string[] =>
  globSync(pattern, { cwd: project, exclude: (path) => path.includes('.divvy') })
    .filter((path) => /\.\w+$|VERSION$|SUMS$|LICENSE$/.test(path))
    .sort();

/** Writes files anew, each from what is in it. */
function each(project: string, pattern: string, change: (text: string) => string): void {
  for (const path of filesIn(project, pattern)) {
    const file = join(project, path);
    writeFileSync(file, change(readFileSync(file, 'utf8')));
  }
}

const CODE = `${VENDORED}**/*.{ts,mjs}`;
const EVERYTHING = '{**/*,.gitignore,vendor/divvy/.gitattributes}';
const crlf = (project: string): void => each(project, EVERYTHING, (text) => text.replaceAll('\n', '\r\n'));

function tool(name: string, ...argv: readonly string[]): Owner['edits'] {
  return (project) => {
    const bin = join(home, 'node_modules/.bin', name);
    execFileSync(bin, [...argv, 'vendor/divvy', 'README.md', 'tsconfig.json'], { cwd: project, stdio: 'pipe' });
  };
}

/** The bug is that a rate is measured over no time at all; 0.2.0 mends it with `now - first.at >= 1`. */
const mended =
  (words: string): Owner['edits'] =>
  (project) =>
    edit(project, RATE, 'return now > first.at ?', `return ${words} ?`);

const logged = (project: string): void =>
  edit(project, RUN_LOOP, '      await this.#loop();\n', "      await this.#loop();\n      console.debug('loop');\n");

const MARKER_LIKE = '/*\n<<<<<<< yours\nold words\n||||||| divvy 0.1.0\n=======\n>>>>>>> divvy 0.2.0\n*/\n';

const OF_CODE: readonly Owner[] = [
  { name: 'changed nothing', edits: () => {} },
  { name: 'a log line in the loop', edits: logged },
  {
    name: 'a changed default',
    edits: (project) => edit(project, `${VENDORED}options.ts`, '  graceMs: 0,', '  graceMs: 250,'),
  },
  {
    name: 'a constant that releases change too',
    edits: (project) => edit(project, THROTTLE, 'ASK_EVERY_MS = 1000;', 'ASK_EVERY_MS = 5000;'),
  },
  {
    name: 'a function moved inside its file',
    edits: (project) => {
      const [cut = ''] = /\/\*\* Returns at most `most`[\s\S]*?\n}\n\n/.exec(textOf(project, WORDS)) ?? [];
      edit(project, WORDS, cut, '');
      edit(project, WORDS, '/** `1 item`', `${cut}/** \`1 item\``);
    },
  },
  {
    name: 'a function moved to a file of their own',
    edits: (project) => {
      const [dateOf = ''] = /\/\*\* Returns `28 Nov[\s\S]*?\n}\n\n/.exec(textOf(project, WORDS)) ?? [];
      const [date = ''] = /const DATE = .*\n\n/.exec(textOf(project, WORDS)) ?? [];
      edit(project, WORDS, dateOf, '');
      edit(project, WORDS, date, "export { dateOf } from './dates.ts';\n\n");
      put(project, `${VENDORED}text/dates.ts`, `${date}${dateOf.trimEnd()}\n`);
    },
  },
  {
    name: 'a renamed export, in every file',
    edits: (project) => each(project, CODE, (text) => text.replaceAll(/\bgrouped\b(?=[(, ])/g, 'withCommas')),
  },
  {
    name: 'a renamed file',
    edits: (project) => {
      renameSync(join(project, RATE), join(project, `${VENDORED}text/speed.ts`));
      each(project, CODE, (text) => text.replace('text/rate.ts', 'text/speed.ts'));
    },
  },
  { name: 'a bug fix in the words of the release', edits: mended('now - first.at >= 1') },
  { name: 'a bug fix in other words', edits: mended('now !== first.at') },
  {
    name: 'a file with another in its place',
    edits: (project) =>
      put(
        project,
        RATE,
        'export class Rate {\n  constructor(_now: number) {}\n\n  perSecond(_ended: number, _now: number): number {\n    return 1;\n  }\n}\n',
      ),
  },
  {
    name: 'lines that look like markers, beside a conflict',
    edits: (project) => {
      edit(project, THROTTLE, 'ASK_EVERY_MS = 1000;', 'ASK_EVERY_MS = 2000;');
      edit(project, THROTTLE, '/** What the throttle needs', `${MARKER_LIKE}/** What the throttle needs`);
    },
  },
];

const OF_FILES: readonly Owner[] = [
  {
    name: 'deleted documentation',
    edits: (project) => {
      for (const path of [`${VENDORED}README.md`, `${VENDORED}LICENSE`, 'AGENTS.md']) unlinkSync(join(project, path));
    },
  },
  {
    name: 'deleted sums and version',
    edits: (project) => {
      for (const name of ['SHA256SUMS', 'VERSION']) unlinkSync(join(project, VENDORED, name));
    },
  },
  {
    name: 'a deleted source that nothing imports',
    edits: (project) => unlinkSync(join(project, VENDORED, 'text/samples.ts')),
  },
  { name: 'a deleted source that others import', edits: (project) => unlinkSync(join(project, BACKOFF)) },
  {
    name: 'a file of their own in the folder',
    edits: (project) => {
      put(project, `${VENDORED}own.ts`, 'export const own = 1;\n');
      // The same as a release has it.
      put(project, `${VENDORED}text/added.ts`, '/** New in 0.2.0. */\nexport const added: number = 1;\n');
    },
  },
  {
    name: 'files of their own in new folders, one without an end of its line',
    edits: (project) => {
      put(project, `${VENDORED}extra/deep/own.ts`, "export { own } from '../../own.ts';\r\n");
      put(project, `${VENDORED}extra/notes.md`, 'no end');
    },
  },
  {
    name: 'a file of their own where a release has one',
    edits: (project) => put(project, `${VENDORED}text/added.ts`, "export const added = 'mine';\n"),
  },
  {
    name: 'a file of their own where a release moves one',
    edits: (project) => {
      put(project, `${VENDORED}master/delays.ts`, "export const mine = 'delays';\n");
    },
  },
  {
    name: 'an edited file, and one of their own where a release moves it',
    edits: (project) => {
      edit(project, BACKOFF, '; // past', '; // far past');
      put(project, `${VENDORED}master/delays.ts`, "export const mine = 'delays';\n");
    },
  },
  {
    name: 'an edited file that they moved as the release does',
    edits: (project) => {
      renameSync(join(project, BACKOFF), join(project, `${VENDORED}master/delays.ts`));
      edit(project, `${VENDORED}master/delays.ts`, '; // past', '; // far past');
      each(project, CODE, (text) => text.replace('./backoff.ts', './delays.ts'));
    },
  },
  { name: 'a source that is empty', edits: (project) => put(project, `${VENDORED}text/samples.ts`, '') },
  {
    name: 'a tour that is no text',
    edits: (project) => writeFileSync(join(project, VENDORED, 'README.md'), Buffer.from([0, 255, 0, 254, 10])),
  },
  {
    name: 'other permissions',
    edits: (project) => {
      chmodSync(join(project, VENDORED, 'run.mjs'), 0o755);
      chmodSync(join(project, WORDS), 0o600);
      edit(project, WORDS, '/** `1 item`', '/** For example `1 item`');
      chmodSync(join(project, BACKOFF), 0o640);
    },
  },
  {
    name: 'sums made anew',
    edits: (project) => {
      logged(project);
      const paths = filesIn(project, `${VENDORED}**/*`).filter((path) => !path.endsWith('SUMS'));
      const sums = paths.map(
        (path) => `${hash('sha256', readFileSync(join(project, path)))}  ${path.slice(VENDORED.length)}\n`,
      );
      put(project, `${VENDORED}SHA256SUMS`, sums.join(''));
    },
  },
  {
    name: "edits in the project's own files",
    edits: (project) => {
      edit(project, 'README.md', '# nightly', '# Our nightly job');
      edit(project, 'AGENTS.md', '## Rules of a task', '## Our rules\n\n- Ask first.\n\n## Rules of a task');
      edit(project, 'tsconfig.json', '"strict": true,', '"strict": true,\n    "noUnusedLocals": true,');
      edit(project, '.gitignore', 'node_modules/\n', 'node_modules/\nout/\n');
      edit(project, 'package.json', '"version": "0.0.0"', '"version": "1.2.3"');
      edit(project, 'tasks/nightly.ts', 'import ', '// Ours.\nimport ');
      put(project, 'NOTES.md', 'Notes of our own, where a later release has some.\n');
    },
  },
];

const OF_LINES: readonly Owner[] = [
  { name: 'CRLF in every file', edits: crlf },
  {
    name: 'CRLF in every file, and edits',
    edits: (project) => {
      logged(project);
      edit(project, BACKOFF, '; // past', '; // far past');
      edit(project, 'README.md', '# nightly', '# Our nightly job');
      crlf(project);
    },
  },
  {
    name: 'CRLF in every line but their own',
    edits: (project) => {
      crlf(project);
      edit(project, WORDS, '/** `1 item`', '// Mine.\n/** `1 item`');
    },
  },
  {
    name: 'tabs in one file',
    edits: (project) => each(project, PACE, (text) => text.replaceAll(/^ {2}/gm, '\t')),
  },
  {
    name: 'no line end at the end of files',
    edits: (project) => {
      for (const path of [WORDS, PACE, `${VENDORED}errors.ts`]) each(project, path, (text) => text.trimEnd());
    },
  },
  {
    name: 'lines at the end of files',
    edits: (project) => {
      for (const path of [RUN_LOOP, PACE, `${VENDORED}errors.ts`, 'AGENTS.md'])
        each(project, path, (text) => `${text}\n// Ours.\n`);
    },
  },
  {
    name: 'a licence on top of every file',
    edits: (project) => each(project, CODE, (text) => `// (c) Our company. All rights reserved.\n\n${text}`),
  },
  {
    name: 'a comment in Latin-1',
    edits: (project) => {
      const text = textOf(project, WORDS).replace('/** `1 item`', '/** Zum Beispiel f\u00fcr `1 item`');
      const bytes = Buffer.from(text).toString('latin1').replace('f\u00c3\u00bcr', 'f\u00fcr');
      writeFileSync(join(project, WORDS), bytes, 'latin1');
    },
  },
  {
    name: 'comments in German',
    edits: (project) => {
      edit(project, WORDS, '/** Words for people: numbers', '/** Wörter für Menschen: Zahlen');
      edit(
        project,
        THROTTLE,
        'How long after an answer to ask again',
        'Wie lange nach einer Antwort nichts gefragt wird',
      );
      edit(project, BACKOFF, 'The longest wait before a boot', 'Die längste Wartezeit vor einem Start');
    },
  },
  {
    name: 'characters of every kind in comments',
    edits: (project) =>
      edit(
        project,
        WORDS,
        '/** `1 item`',
        '/* 数 é e\u0301 👩‍💻 \u2028 \u2029 \u0085 a\rb \f \ufeff \u00a0 $& $1 __proto__ */\n/** `1 item`',
      ),
  },
  { name: 'a byte order mark on every file', edits: (project) => each(project, CODE, (text) => `\ufeff${text}`) },
  {
    name: 'prettier with 4 spaces and double quotes',
    edits: tool('prettier', '--write', '--tab-width=4', '--no-config', '--ignore-path=/dev/null'),
  },
  {
    name: 'prettier nearly as it was',
    edits: tool('prettier', '--write', '--single-quote', '--print-width=120', '--no-config', '--ignore-path=/dev/null'),
  },
  { name: 'biome with tabs', edits: tool('biome', 'format', '--write', '--line-width=100') },
];

export const OWNERS: readonly Owner[] = [...OF_CODE, ...OF_FILES, ...OF_LINES];
