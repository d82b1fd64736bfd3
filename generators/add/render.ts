/** Puts the task and the files that it needs into the in-memory tree, and edits the package's own files in memory. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Workshop } from '../change-set/environment.ts';
import { readBefore } from '../disk/disk.ts';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { foldersAbove } from '../disk/paths.ts';
import { divvyTaken } from '../host/errors.ts';
import { type Formatter, formatted, formattersOf, formattingOnes, keepFormat, leaveAlone } from '../host/formatter.ts';
import type { Hint } from '../host/hints.ts';
import { HostFiles, isAsWritten } from '../host/host-files.ts';
import { isBeside } from '../host/layout.ts';
import { leaveAloneInLinters } from '../host/linter.ts';
import { inPackageJson as order } from '../host/order.ts';
import { isNodeTest, testFor, testToRun } from '../host/test-runner.ts';
import { hintsOfTests } from '../host/test-settings.ts';
import { leaveOut } from '../host/tsconfigs.ts';
import { leaveOutOfWorkspaces } from '../host/workspaces.ts';
import { version } from '../package.ts';
import { withHooks } from '../project/hooks.ts';
import { manifestText } from '../project/manifest.ts';
import { isStartScript, startScript } from '../project/start-script.ts';
import { vendoredRuntime } from '../project/vendor.ts';
import { modeOf, templateFiles } from '../rendering/files.ts';
import type { Edited } from '../rendering/lock-edits.ts';
import { packageJsonOf } from '../rendering/places.ts';
import { templateFileRefused } from '../sources/errors.ts';
import type { Call } from '../terminal/command.ts';
import { Gathered } from '../terminal/gathered.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { saying } from '../terminal/waiting.ts';
import { asModule, isSource, withReferences } from './references.ts';
import type { Subject } from './subject.ts';
import { taskTsconfig } from './task-tsconfig.ts';

export interface Rendered {
  /** The paths of the files that belong to the task: first the task file, then its test. */
  readonly own: readonly string[];
  readonly edited: Edited | undefined;
  readonly host: HostFiles;
  /** The file to run for the task's test; undefined if its template has none. */
  readonly test: string | undefined;
  /** The lines that a person has to add by hand. */
  readonly hints: readonly Hint[];
  /** The folders to make, outer ones first. */
  readonly folders: readonly string[];
}

/** Rejects with a Refusal with exit code 3 if a file of the package cannot be edited as needed. */
export async function render(call: Call, subject: Subject, put: Workshop['put']): Promise<Rendered> {
  const formatters = formattersOf(subject.place);
  const names = formattingOnes(formatters).flatMap(({ name, program }) => (program === undefined ? [] : [name]));
  const text = `Still formatting what is written: waiting for ${names.join(' and ')}.`;
  const { note } = call.terminal;
  return saying(names.length > 0 ? note : undefined, text, () => renderBy(formatters, call, subject, put));
}

async function renderBy(
  formatters: readonly Formatter[],
  call: Call,
  subject: Subject,
  put: Workshop['put'],
): Promise<Rendered> {
  const { place, manifest, lock, task, testRunner } = subject;
  const { root } = place;
  const paths: string[] = [];
  const add = (path: string, after: Buffer | string, mode?: number): void => {
    paths.push(path);
    put(path, after, undefined, mode);
  };
  const format = formatting(call, formatters, root);

  const { own, edited } = await renderTask(call, subject, format, add);
  const test = own.find((path) => path === testToRun(testRunner, task, manifest.tests, place.isModule));
  if (lock?.files[MANIFEST] === undefined && readBefore(root, MANIFEST) === undefined)
    add(MANIFEST, await format(MANIFEST, manifestText(manifest)));
  for (const { path, after } of missingRuntime(root, manifest.runtime)) add(path, after);

  const host = new HostFiles(root, lock);
  const gathered = new Gathered();
  const attempt: Gathered['attempt'] = (act) => gathered.attempt(act);
  editPackageJson(subject, own[0] ?? '', host, attempt);
  const open = host.open.bind(host);
  const hints: Hint[] = attempt(() => leaveOutOfWorkspaces(place, manifest.runtime, open)) ?? [];
  if (isBeside(manifest)) {
    const tsconfig = `${manifest.tasks}/tsconfig.json`;
    if (readBefore(root, tsconfig) === undefined) add(tsconfig, await format(tsconfig, taskTsconfig(place, manifest)));
    const folders = [manifest.tasks, manifest.runtime];
    // A listed tsconfig exists: it was read just now.
    const openThere = (path: string) => open(path, 'jsonc') as NonNullable<ReturnType<HostFiles['open']>>;
    leaveOut(place, folders, [...own, `${manifest.runtime}/index.ts`], openThere, attempt);
    const files = {
      open,
      make: (path: string, text: string) => void (paths.includes(path) || add(path, text)),
    };
    const alone = [`${manifest.runtime}/`, LOCK];
    for (const formatter of formatters)
      hints.push(...(attempt(() => leaveAlone(formatter, place, alone, files)) ?? []));
    const isFound = testRunner === 'node' && /--test\b/.test(place.packageJson.textIn('scripts', 'test') ?? '');
    const isTested = testRunner === 'vitest' || isFound;
    const written = {
      ...manifest,
      isNodeTest: isNodeTest(testRunner),
      isTested,
      isJavaScript: test?.endsWith('.js') === true,
      ending: place.isModule ? '.ts' : '.mts',
    };
    hints.push(...(attempt(() => leaveAloneInLinters(place, written, open, files.make)) ?? []));
    hints.push(...(test === undefined ? [] : hintsOfTests(place, testRunner, { ...manifest, test })));
  }
  gathered.end();
  for (const file of host.edited()) hints.push(...(await keepFormat(formatters, root, file)));
  for (const { path, bytes, before } of host.edited()) put(path, bytes, before.bytes);
  const folders = foldersAbove(paths).filter((folder) => !existsSync(join(root, folder)));
  return { own, edited, host, test, hints, folders: folders.sort() };
}

/** A test of a template; each test runner gets its own version of it. */
const TEST = /^test\/([^/]+)\.test\.ts$/;

type Format = (path: string, text: string) => Promise<string>;

function formatting(call: Call, formatters: readonly Formatter[], root: string): Format {
  const formats = formattingOnes(formatters).map((each) => formattingBy(call, each, root));
  return async (path, text) => {
    let result = text;
    for (const format of formats) result = await format(path, result);
    return result;
  };
}

/** If the formatter fails, the file is written unformatted, with a note. */
function formattingBy({ terminal }: Call, formatter: Formatter, root: string): Format {
  const { name, program } = formatter;
  if (program === undefined) {
    terminal.note(`${name} is set up here, but is not in node_modules: what is written is not formatted by it.`);
    return async (_, text) => text;
  }
  let isSaid = false;
  return async (path, text) => {
    const result = await formatted({ ...formatter, program }, root, path, text);
    if ('text' in result) return result.text;
    // A fault in the formatter's settings is the same for every file, so print it once.
    const reason = result.reason.split('\n').slice(0, MOST_LINES).join('\n');
    const what = `${name} could not format ${path}, which is written as it comes`;
    terminal.note(isSaid ? `${what}.` : `${what}:\n${reason}`);
    isSaid = true;
    return text;
  };
}

/** How many lines of a formatter's message to print; the rest is its own stack. */
const MOST_LINES = 6;

/**
 * Keeps files that are still as divvy wrote them: the formatter may format differently by now, and hooks may have been
 * added.
 */
async function renderTask(
  { terminal }: Call,
  subject: Subject,
  format: Format,
  add: (path: string, after: Buffer | string, mode?: number) => void,
): Promise<{ own: string[]; edited: Edited | undefined }> {
  const { task, place, manifest, lock, template, answers, standing, testRunner } = subject;
  const { root, isModule } = place;
  const { tasks, tests: folder, runtime: runtimeDir } = manifest;
  const isSame = isMadeSo(subject);
  const left = (path: string): Buffer | undefined => {
    const before = isSame ? readBefore(root, path) : undefined;
    return before && isAsWritten(lock, path, before) ? before.bytes : undefined;
  };
  const taskFile = `${tasks}/${task}${isModule ? '.ts' : '.mts'}`;
  const placeOf = (path: string): string => {
    const place = path.replace(/^tasks\//, `${tasks}/`).replace(/^test\//, `${folder}/`);
    return !isModule && /^(tasks|test)\//.test(path) ? asModule(place) : place;
  };
  // Other files of the template may sort before these two in their folder.
  const test = testToRun(testRunner, task, folder, isModule);
  const rank = (path: string) => (path === taskFile ? 0 : path === test ? 1 : 2);
  const inOrder = (paths: readonly string[]) => paths.toSorted((a, b) => rank(a) - rank(b));
  const own: string[] = [];
  let edited: Edited | undefined;
  if (standing) {
    // All of them were read just now.
    for (const path of standing) add(path, readBefore(root, path)?.bytes ?? '');
    return { own: inOrder(standing), edited };
  }
  const put = async (path: string, text: string): Promise<Buffer | string> => {
    own.push(path);
    const written = left(path) ?? (await format(path, text));
    add(path, written);
    return written;
  };
  const files = await templateFiles(template, { task, runtimeDir, answers: answers.answers });
  const options = { folder, task: taskFile, isModule };
  const testsOf = (path: string, source: string) =>
    TEST.test(path) ? testFor(testRunner, source, { ...options, name: path.replace(TEST, '$1') }) : [];
  const places = new Map(files.map(({ path }) => [path, testsOf(path, '')[0]?.path ?? placeOf(path)]));
  for (const file of files) {
    const { path, bytes } = file;
    const written = bytes.toString('utf8');
    const source = isSource(path) ? withReferences(written, path, places) : written;
    if (path === `tasks/${task}.ts`) {
      edited = await putWithHooks(terminal, subject, { path: taskFile, source }, put);
    } else if (TEST.test(path)) {
      for (const file of testsOf(path, source)) await put(file.path, file.text);
    } else {
      const place = placeOf(path);
      own.push(place);
      add(place, left(place) ?? (source === written ? bytes : source), modeOf({ ...file, path: place }, root));
    }
  }
  refuseTwice(own, template.manifest.name);
  return { own: inOrder(own), edited };
}

/** A template's `tasks/` and `test/` may be the same folder here. */
function refuseTwice(paths: readonly string[], template: string): void {
  const twice = paths.find((path, index) => paths.indexOf(path) !== index);
  if (twice !== undefined) throw templateFileRefused(template, twice, 'two of its files would be this one');
}

/** Whether the lock has the task as it would be made now. */
function isMadeSo({ task, lock, template, hooks, answers }: Subject): boolean {
  const there = lock?.tasks[task];
  return (
    there?.template === template.manifest.name &&
    there.resolved === template.origin?.resolved &&
    there.hooks.join() === hooks.join() &&
    isDeepStrictEqual(there.answers, answers.shown)
  );
}

/** Puts the task's file, with its hooks. Returns what they have put in; undefined without hooks. */
async function putWithHooks(
  terminal: Terminal,
  { hooks }: Subject,
  { path, source }: { readonly path: string; readonly source: string },
  put: (path: string, text: string) => Promise<Buffer | string>,
): Promise<Edited | undefined> {
  const { text, inserted } = hooks.length > 0 ? await withHooks(source, path, hooks, terminal) : { text: source };
  const written = await put(path, text);
  if (!inserted || typeof written !== 'string') return undefined;
  const { reformatted } = await import('../codemods/reformatted.ts');
  return { path, inserted: reformatted({ text, inserted }, written, path) ?? inserted };
}

/**
 * The files of the runtime to write: all if there is no runtime, and the missing ones if it is of this release.
 * Existing files stay as they are: updating them is the work of another command.
 */
function missingRuntime(root: string, folder: string): { path: string; after: Buffer }[] {
  const file = join(root, folder, 'VERSION');
  const there = existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  if (there !== undefined && there !== version) return [];
  return vendoredRuntime(folder).filter(({ path, after }) => {
    const before = there === undefined ? undefined : readBefore(root, path);
    return before === undefined || before.bytes.equals(after);
  });
}

function editPackageJson(
  { task, place, packageManager, manifest: { runtime }, template: { manifest: template } }: Subject,
  taskFile: string,
  host: HostFiles,
  attempt: Gathered['attempt'],
): void {
  const file = attempt(() => host.open(PACKAGE_JSON, 'json'));
  if (file === undefined) return;
  const put = (at: readonly string[], key: string, value: string, task?: string) =>
    attempt(() => file.putProperty(at, key, value, { order, ...(task !== undefined && { task }) }));
  const wanted = `./${runtime}/index.ts`;
  const there = file.value(['imports', '#divvy']);
  attempt(() => {
    if (there === undefined || there === wanted) return;
    throw divvyTaken(PACKAGE_JSON, file.lineOf(['imports', '#divvy']), JSON.stringify(there), wanted);
  });
  if (there === undefined) put(['imports'], '#divvy', wanted);
  const script = `divvy:${task}`;
  // Keep a script that was written for another package manager.
  if (!isStartScript(file.value(['scripts', script]), runtime, taskFile)) {
    put(['scripts'], script, startScript(place.root, runtime, taskFile, packageManager), task);
  }
  const { scripts, devDependencies } = packageJsonOf(template);
  // Tasks of the same template share its scripts, and its packages too.
  for (const [name, command] of Object.entries(scripts)) put(['scripts'], name, command);
  const isThere = (name: string) =>
    ['dependencies', 'devDependencies'].some((kind) => file.value([kind, name]) !== undefined);
  const needed = { dependencies: template.dependencies ?? {}, devDependencies };
  for (const [kind, packages] of Object.entries(needed)) {
    for (const [name, range] of Object.entries(packages)) if (!isThere(name)) put([kind], name, range);
  }
}
