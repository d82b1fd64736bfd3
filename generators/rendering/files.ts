/** The files of a template, as they are to be written. */

import { join, posix } from 'node:path';
import { stat } from '../disk/disk.ts';
import { folded } from '../disk/paths.ts';
import { className } from '../project/names.ts';
import { templateFileRefused, templateNotRendered } from '../sources/errors.ts';
import { unhidden } from '../sources/hidden.ts';
import { projectTemplateFiles, type Template, type TemplateFile } from '../sources/templates.ts';
import { type Answer, inMarkdown, textsIn, withNames, withTexts } from './placeholders.ts';
import { whyNotThere } from './places.ts';

/** What the names in a template stand for here. */
export interface Given {
  readonly task: string;
  readonly runtimeDir: string;
  readonly answers?: readonly Answer[];
}

/**
 * The files of a new project: what every project has, and over it what the template has.
 *
 * Rejects as templateFiles does.
 */
export async function projectFiles(template: Template, given: Given): Promise<ProjectFile[]> {
  const own = await templateFiles(template, given);
  const { description: said } = template.manifest;
  const description = template.origin === undefined ? said : inMarkdown(said);
  const project = await Promise.all(
    projectTemplateFiles().map((file) => rendered(file, given, description, undefined)),
  );
  return [
    ...project
      .filter(({ path }) => !own.some((other) => other.path === path))
      .map((file) => ({ ...file, isOwn: false })),
    ...own.map((file) => ({ ...file, isOwn: true })),
  ];
}

interface ProjectFile extends TemplateFile {
  /** It is of the template. */
  readonly isOwn: boolean;
}

/**
 * The files of a template, each at the place that it has in a new project.
 *
 * Names are replaced in contents and paths, answers that are texts as the language of each file writes them. A file that
 * ends in `.ejs` is code, which is run here: only one that somebody trusts may come so far.
 *
 * Rejects with a Refusal with exit code 3 for a file that the template may not write, or an answer that cannot stand where
 * it would.
 */
export async function templateFiles({ manifest, files }: Template, given: Given): Promise<TemplateFile[]> {
  const all = await Promise.all(files.map((file) => rendered(file, given, manifest.description, files)));
  for (const { path } of all) {
    const reason = whyNotThere(path, manifest.permissions, given);
    if (reason !== undefined) throw templateFileRefused(manifest.name, path, reason);
    // An answer may give a file the name of another, and the one that comes last would be left.
    if (all.filter((other) => folded(other.path) === folded(path)).length > 1)
      throw templateFileRefused(manifest.name, path, 'two of its files would be this one');
  }
  return all;
}

async function rendered(
  { path, bytes, ...rest }: TemplateFile,
  given: Given,
  description: string,
  others: readonly TemplateFile[] | undefined,
): Promise<TemplateFile> {
  const { task, runtimeDir, answers = [] } = given;
  const isEjs = path.endsWith('.ejs');
  const target = targetOf(path, task, answers);
  const source = bytes.toString('utf8');
  // An image, or whatever it is: there are no names in it.
  if (!Buffer.from(source).equals(bytes)) return { ...rest, path: target, bytes };
  if (isEjs)
    return {
      ...rest,
      path: target,
      bytes: Buffer.from(await renderEjs(path, source, given, description, others ?? [])),
    };
  const named = withNames(source, task, answers).replaceAll('vendor/divvy', runtimeDir);
  return { ...rest, path: target, bytes: Buffer.from(await filled(target, named, answers)) };
}

/**
 * The permission bits of a file that is to be new, where its template's may be run: what is there keeps its own, and
 * Windows has none.
 */
export const modeOf = ({ path, isExecutable }: TemplateFile, root: string): number | undefined =>
  isExecutable && process.platform !== 'win32' && stat(join(root, path)) === undefined ? 0o755 : undefined;

/** Where a file of a template is to be. */
export const targetOf = (path: string, task: string, answers: readonly Answer[]): string =>
  withNames(unhidden(path.replace(/\.ejs$/, '')), task, answers);

async function filled(path: string, text: string, answers: readonly Answer[]): Promise<string> {
  const texts = textsIn(text, answers);
  if (texts.length === 0) return text;
  if (!/\.[cm]?[jt]sx?$/.test(path)) {
    const result = withTexts(path, text, answers);
    if ('reason' in result) throw templateNotRendered(path, 1, result.reason);
    return result.text;
  }
  const { fillLiterals } = await import('../codemods/literals.ts');
  const result = fillLiterals(
    text,
    path,
    texts.map(({ word, answer }) => ({ word, value: answer.value })),
  );
  if ('text' in result) return result.text;
  const [{ line, reason } = { line: 1, reason: '' }] = result.refusals;
  throw templateNotRendered(path, line, reason);
}

/** An `include` finds the template's own files, and nothing on the disk. */
async function renderEjs(
  path: string,
  source: string,
  { task, runtimeDir, answers = [] }: Given,
  description: string,
  others: readonly TemplateFile[],
): Promise<string> {
  const { default: ejs } = await import('ejs');
  const data = {
    project: task,
    task,
    className: className(task),
    description,
    runtimeDir,
    answers: Object.fromEntries(answers.map(({ name, value }) => [name, value])),
  };
  const includer = (name: string): { template: string } => {
    const wanted = posix.join(posix.dirname(path), name);
    const file = others.find((other) => other.path === wanted || other.path === `${wanted}.ejs`);
    if (file === undefined) throw new Error(`it includes ${JSON.stringify(name)}, which is no file of the template`);
    return { template: file.bytes.toString('utf8') };
  };
  try {
    return ejs.render(source, data, { includer });
  } catch (error) {
    throw templateNotRendered(path, 1, (error as Error).message);
  }
}
