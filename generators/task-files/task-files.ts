/** The files of a task in a package, made from its template: each at its place, formatted, with its hooks. */

import type { Place } from '../host/place.ts';
import { testFor, testToRun } from '../host/test-runner.ts';
import type { TestRunner } from '../host/test-settings.ts';
import { withHooks } from '../project/hooks.ts';
import type { Manifest } from '../project/manifest.ts';
import { modeOf, templateFiles } from '../rendering/files.ts';
import type { Edited } from '../rendering/lock-edits.ts';
import type { Answer } from '../rendering/placeholders.ts';
import { templateFileRefused } from '../sources/errors.ts';
import type { Template } from '../sources/templates.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Format } from './formatting.ts';
import { asModule, isSource, withReferences } from './references.ts';

/** What a task is made of. */
export interface Making {
  readonly task: string;
  readonly place: Place;
  readonly manifest: Manifest;
  readonly template: Template;
  readonly answers: readonly Answer[];
  readonly hooks: readonly string[];
  readonly testRunner: TestRunner;
}

export interface TaskFile {
  readonly path: string;
  readonly after: Buffer;
  readonly mode?: number | undefined;
}

export interface TaskFiles {
  /** First the task file, then its test. */
  readonly files: readonly TaskFile[];
  /** What its hooks have put into the task file; undefined if there are none, or the file stays as it is. */
  readonly edited: Edited | undefined;
}

/** A test of a template; each test runner gets its own version of it. */
const TEST = /^test\/([^/]+)\.test\.ts$/;

/**
 * Makes the files of a task.
 *
 * left - the bytes of a file that stays as it is, because it is as divvy wrote it; undefined for one that is made.
 *
 * Rejects with a Refusal with exit code 3 if the template may not write a file, or it cannot be rendered or edited.
 */
export async function taskFiles(
  terminal: Pick<Terminal, 'note'>,
  making: Making,
  format: Format,
  left: (path: string) => Buffer | undefined,
): Promise<TaskFiles> {
  const { task, place, manifest, template, answers, testRunner } = making;
  const { root, isModule } = place;
  const { tests: folder, runtime: runtimeDir } = manifest;
  const taskFile = taskFileIn(making);
  const made: TaskFile[] = [];
  let edited: Edited | undefined;
  const put = async (path: string, text: string): Promise<Buffer | string> => {
    const written = left(path) ?? (await format(path, text));
    made.push({ path, after: Buffer.from(written) });
    return written;
  };
  const files = await templateFiles(template, { task, runtimeDir, answers });
  const options = { folder, task: taskFile, isModule };
  const testsOf = (path: string, source: string) =>
    TEST.test(path) ? testFor(testRunner, source, { ...options, name: path.replace(TEST, '$1') }) : [];
  const places = new Map(files.map(({ path }) => [path, testsOf(path, '')[0]?.path ?? placeOf(path, making)]));
  for (const file of files) {
    const { path, bytes } = file;
    const written = bytes.toString('utf8');
    const source = isSource(path) ? withReferences(written, path, places) : written;
    if (path === `tasks/${task}.ts`) {
      edited = await putWithHooks(terminal, making, { path: taskFile, source }, put);
    } else if (TEST.test(path)) {
      for (const file of testsOf(path, source)) await put(file.path, file.text);
    } else {
      const place = placeOf(path, making);
      const after = left(place) ?? (source === written ? bytes : Buffer.from(source));
      made.push({ path: place, after, mode: modeOf({ ...file, path: place }, root) });
    }
  }
  refuseTwice(made, template.manifest.name);
  return { files: inOrder(made, making), edited };
}

const taskFileIn = ({ task, manifest, place }: Making): string =>
  `${manifest.tasks}/${task}${place.isModule ? '.ts' : '.mts'}`;

function placeOf(path: string, { manifest: { tasks, tests }, place: { isModule } }: Making): string {
  const place = path.replace(/^tasks\//, `${tasks}/`).replace(/^test\//, `${tests}/`);
  return !isModule && /^(tasks|test)\//.test(path) ? asModule(place) : place;
}

/** Other files of the template may sort before the task and its test in their folder. */
export function inOrder<File extends { readonly path: string }>(files: readonly File[], making: Making): File[] {
  const { task, place, manifest, testRunner } = making;
  const test = testToRun(testRunner, task, manifest.tests, place.isModule);
  const rank = ({ path }: File) => (path === taskFileIn(making) ? 0 : path === test ? 1 : 2);
  return files.toSorted((a, b) => rank(a) - rank(b));
}

/** A template's `tasks/` and `test/` may be the same folder here. */
function refuseTwice(files: readonly TaskFile[], template: string): void {
  const paths = files.map(({ path }) => path);
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) throw templateFileRefused(template, twice, 'two of its files would be this one');
}

/** Puts the task's file, with its hooks. Returns what they have put in; undefined without hooks. */
async function putWithHooks(
  terminal: Pick<Terminal, 'note'>,
  { hooks }: Making,
  { path, source }: { readonly path: string; readonly source: string },
  put: (path: string, text: string) => Promise<Buffer | string>,
): Promise<Edited | undefined> {
  const { text, inserted } = hooks.length > 0 ? await withHooks(source, path, hooks, terminal) : { text: source };
  const written = await put(path, text);
  if (!inserted || typeof written !== 'string') return undefined;
  const { reformatted } = await import('../codemods/reformatted.ts');
  return { path, inserted: reformatted({ text, inserted }, written, path) ?? inserted };
}
