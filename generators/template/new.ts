/** `divvy template new <name>`: makes a working template to start from. */

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { recoverFirst } from '../change-set/recovering.ts';
import { realRoot, survey, type Wanted } from '../change-set/survey.ts';
import { write } from '../change-set/write.ts';
import { stat } from '../disk/disk.ts';
import { whyOwned } from '../disk/paths.ts';
import { parseJson } from '../json/parse.ts';
import { read, version } from '../package.ts';
import { asArgument, asTyped, commandLine } from '../programs/shell.ts';
import { whyNotFileName } from '../project/names.ts';
import { filesAsJson, isPreview, previewOf, sayNotWritten, sayPreview } from '../settling/preview.ts';
import { badTemplateName, noNameForTemplate } from '../sources/errors.ts';
import { isLeftOverName } from '../sources/leftovers.ts';
import { newTemplateFiles } from '../sources/templates.ts';
import type { Call, Exit } from '../terminal/command.ts';
import { badFolder, folderNotEmpty } from '../terminal/errors.ts';
import { whyNoHome, withHome } from '../terminal/home.ts';
import { isInteractive } from '../terminal/terminal.ts';

/**
 * Resolves with 0. Rejects with a Refusal: with exit code 2 for an invalid name, with 3 for a folder that is not empty.
 */
export async function make(typed: Call): Promise<Exit> {
  const call = await withName(typed);
  const { terminal, cwd } = call;
  const given = withHome(call.words[0] ?? '');
  const name = nameOf(call, given);
  const reason = whyNotFileName(name);
  if (reason !== undefined) throw badTemplateName(name, reason);
  const root = realRoot(resolve(cwd, given));
  const owned = whyOwned(root);
  if (owned !== undefined) throw badFolder(given, owned);
  if (!isPreview(call) && stat(root) !== undefined) await recoverFirst(root, terminal);
  const there = entriesOf(root);
  if (there.length > 0) throw folderNotEmpty(given, there.slice(0, 3));

  const workshop = workshopAbove(dirname(root));
  const { added } = survey(root, filesOf(name, root, workshop));
  if (!isPreview(call)) write({ root, changes: added }, asTyped(call));
  sayPreview(call, previewOf(added));
  if (isPreview(call)) sayNotWritten(call, root, added.length, undefined);
  else terminal.say(whatIsNext(call, name, given, workshop));
  terminal.result({
    command: 'template new',
    version,
    written: !isPreview(call),
    folder: root,
    template: name,
    ...filesAsJson(call, previewOf(added)),
  });
  return 0;
}

const nameOf = ({ cwd }: Call, folder: string): string => basename(resolve(cwd, folder));

const entriesOf = (folder: string): string[] =>
  stat(folder)?.isDirectory()
    ? readdirSync(folder).filter((entry) => entry !== '.divvy' && !isLeftOverName(entry))
    : [];

/** Asks on a terminal for a missing name. */
async function withName(call: Call): Promise<Call> {
  if (call.words.length > 0) return call;
  if (!isInteractive(call)) throw noNameForTemplate(call.shown);
  const { withWord } = await import('../change-set/environment.ts');
  return withWord(call, 'A template of your own', {
    type: 'input',
    message: 'Which folder should the template be in? Its name names the template.',
    default: 'team-backfill',
    whyNot: (answer) => {
      const unfit = whyNoHome(answer);
      if (unfit !== undefined) return unfit;
      const folder = resolve(call.cwd, withHome(answer));
      const reason = whyNotFileName(basename(folder)) ?? whyOwned(folder);
      return reason ?? (entriesOf(folder).length === 0 ? undefined : 'that folder is not empty');
    },
  });
}

/**
 * The folder above whose package.json already resolves `#divvy`: several templates can share the files that an editor
 * needs.
 */
function workshopAbove(folder: string): string | undefined {
  const file = join(folder, 'package.json');
  if (stat(file)?.isFile()) {
    try {
      const { imports } = parseJson(readFileSync(file)) as { imports?: { '#divvy'?: unknown } };
      return imports?.['#divvy'] === undefined ? undefined : folder;
    } catch {
      return undefined;
    }
  }
  return stat(join(folder, '.git')) !== undefined || dirname(folder) === folder
    ? undefined
    : workshopAbove(dirname(folder));
}

/** Files for an editor, not for the template: left out if a folder above has them already. */
const FOR_EDITORS = ['_package.json', '_gitignore'];

function filesOf(name: string, root: string, workshop: string | undefined): Wanted[] {
  const modules = `${relative(root, workshop ?? root).replaceAll('\\', '/') || '.'}/node_modules`;
  const schema = `${modules}/create-divvy-task/templates/divvy.template.schema.json`;
  const files = newTemplateFiles()
    .filter(({ path }) => workshop === undefined || !FOR_EDITORS.includes(path))
    .map(({ path, bytes }) => ({
      path: path.replace(/^_package\.json$/, 'package.json').replace(/^_gitignore$/, '.gitignore'),
      after: Buffer.from(named(bytes.toString('utf8'), name, schema)),
    }));
  return workshop === undefined ? [...files, { path: 'tsconfig.json', after: Buffer.from(tsconfigText()) }] : files;
}

const named = (text: string, name: string, schema: string): string =>
  text
    .replaceAll('"../divvy.template.schema.json"', JSON.stringify(schema))
    .replaceAll('team-template', name)
    .replaceAll('0.0.0-generator', version);

/** The compiler options of a new project, for the files of all templates in the folder. */
function tsconfigText(): string {
  const { compilerOptions } = parseJson(read('templates/_project/tsconfig.json')) as {
    compilerOptions: object;
  };
  return `${JSON.stringify({ compilerOptions, include: ['**/files/**/*.ts'] }, null, 2)}\n`;
}

function whatIsNext({ terminal: { style } }: Call, name: string, given: string, workshop: string | undefined): string {
  const go = commandLine(['cd', asArgument(given)]);
  const divvy = 'npx -p create-divvy-task divvy';
  return [
    `Created ${style.strong(name)}: a template that works, with two prompts.`,
    '',
    style.strong('Next:'),
    `  ${go}`,
    ...(workshop === undefined ? ['  npm install                for your editor: typescript, and what #divvy is'] : []),
    `  ${divvy} template check`,
    `  ${divvy} template test`,
    '  Make files/tasks/example-task.ts yours; divvy.template.json says what is asked for',
    '',
    `To use it: ${divvy} add nightly -t ${commandLine([given.startsWith('/') ? given : `./${given.replace(/^\.\//, '')}`])}`,
    `To undo it: ${go} && ${divvy} undo`,
  ].join('\n');
}
