/** Renders the files of a template. */

import { join, posix } from 'node:path';
import { stat } from '../disk/disk.ts';
import { folded } from '../disk/paths.ts';
import type { Made } from '../project/lock.ts';
import { className } from '../project/names.ts';
import { templateFileRefused, templateNotRendered } from '../sources/errors.ts';
import { unhidden } from '../sources/hidden.ts';
import { projectTemplateFiles, type Template, type TemplateFile } from '../sources/templates.ts';
import { type Answer, inMarkdown, textsIn, withNames, withTexts } from './placeholders.ts';
import { whyNotThere } from './places.ts';

/** The values for the placeholders in a template. */
export interface Given {
  readonly task: string;
  readonly runtimeDir: string;
  readonly answers?: readonly Answer[];
}

/**
 * The files of a new project: those that every project has, and those of the template, which win.
 *
 * Rejects with a Refusal like templateFiles.
 */
export async function projectFiles(template: Template, given: Given): Promise<ProjectFile[]> {
  const own = await templateFiles(template, given);
  const made = { task: given.task, description: descriptionOf(template) };
  const project = await Promise.all(projectTemplateFiles().map((file) => filledFor(file, made, given.runtimeDir)));
  return [
    ...project
      .filter(({ path }) => !own.some((other) => other.path === path))
      .map((file) => ({ ...file, isOwn: false })),
    ...own.map((file) => ({ ...file, isOwn: true })),
  ];
}

/** What a template is said to be, as it can stand in the files of a project. */
export const descriptionOf = ({ manifest, origin }: Template): string =>
  origin === undefined ? manifest.description : inMarkdown(manifest.description);

/** A file that every new project gets, filled for one. */
export async function filledFor(
  file: TemplateFile,
  { task, description }: Made,
  runtimeDir: string,
): Promise<TemplateFile> {
  return described(await rendered(file, { task, runtimeDir }, description, []), description);
}

/** Only now: the description of somebody's template may have words in it that are placeholders elsewhere. */
const described = (file: TemplateFile, description: string): TemplateFile => ({
  ...file,
  bytes: Buffer.from(file.bytes.toString('utf8').replace('{{description}}', () => description)),
});

interface ProjectFile extends TemplateFile {
  /** Whether the file comes from the template. */
  readonly isOwn: boolean;
}

/**
 * The files of a template, each at its place in a new project.
 *
 * Replaces names in contents and paths, and writes text answers in the syntax of each file. A file that ends in `.ejs`
 * is code, and runs here: only a trusted one may get this far.
 *
 * Rejects with a Refusal with exit code 3 for a file that the template may not write, or an answer that cannot stand at
 * its place.
 */
export async function templateFiles({ manifest, files }: Template, given: Given): Promise<TemplateFile[]> {
  const all = await Promise.all(files.map((file) => rendered(file, given, manifest.description, files)));
  for (const { path } of all) {
    const reason = whyNotThere(path, manifest.permissions, given);
    if (reason !== undefined) throw templateFileRefused(manifest.name, path, reason);
    // An answer may give two files the same path, and the last one would overwrite the other.
    if (all.filter((other) => folded(other.path) === folded(path)).length > 1)
      throw templateFileRefused(manifest.name, path, 'two of its files would be this one');
  }
  return all;
}

async function rendered(
  { path, bytes, ...rest }: TemplateFile,
  given: Given,
  description: string,
  others: readonly TemplateFile[],
): Promise<TemplateFile> {
  const { task, runtimeDir, answers = [] } = given;
  const isEjs = path.endsWith('.ejs');
  const target = targetOf(path, task, answers);
  const source = bytes.toString('utf8');
  // A binary file, such as an image, has no names in it.
  if (!Buffer.from(source).equals(bytes)) return { ...rest, path: target, bytes };
  if (isEjs)
    return {
      ...rest,
      path: target,
      bytes: Buffer.from(await renderEjs(path, source, given, description, others)),
    };
  const named = withNames(source, task, answers).replaceAll('vendor/divvy', runtimeDir);
  return { ...rest, path: target, bytes: Buffer.from(await filled(target, named, answers)) };
}

/**
 * The permission bits of a new file, if the template's file is executable. An existing file keeps its own, and Windows
 * has none.
 */
export const modeOf = ({ path, isExecutable }: TemplateFile, root: string): number | undefined =>
  isExecutable && process.platform !== 'win32' && stat(join(root, path)) === undefined ? 0o755 : undefined;

/** The path that a template's file gets in the project. */
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

/** An `include` finds only the template's own files, and nothing on the disk. */
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
