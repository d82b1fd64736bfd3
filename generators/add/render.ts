/** Puts the task and the files that it needs into the in-memory tree, and edits the package's own files in memory. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Workshop } from '../change-set/environment.ts';
import { readBefore } from '../disk/disk.ts';
import { LOCK, MANIFEST, PACKAGE_JSON } from '../disk/file-names.ts';
import { foldersAbove } from '../disk/paths.ts';
import { divvyTaken } from '../host/errors.ts';
import { type Formatter, formattersOf, formattingOnes, keepFormat, leaveAlone } from '../host/formatter.ts';
import type { Hint } from '../host/hints.ts';
import { HostFiles, isAsWritten } from '../host/host-files.ts';
import { isBeside } from '../host/layout.ts';
import { leaveAloneInLinters } from '../host/linter.ts';
import { inPackageJson as order } from '../host/order.ts';
import { isNodeTest, testToRun } from '../host/test-runner.ts';
import { hintsOfTests } from '../host/test-settings.ts';
import { leaveOut } from '../host/tsconfigs.ts';
import { leaveOutOfWorkspaces } from '../host/workspaces.ts';
import { version } from '../package.ts';
import { manifestText } from '../project/manifest.ts';
import { isStartScript, startScript } from '../project/start-script.ts';
import { vendoredRuntime } from '../project/vendor.ts';
import type { Edited } from '../rendering/lock-edits.ts';
import { packageJsonOf } from '../rendering/places.ts';
import { type Format, formatting } from '../task-files/formatting.ts';
import { inOrder, type TaskFiles, taskFiles } from '../task-files/task-files.ts';
import type { Call } from '../terminal/command.ts';
import { Gathered } from '../terminal/gathered.ts';
import { saying } from '../terminal/waiting.ts';
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
  const format = formatting(call.terminal, formatters, root);

  const { files: made, edited } = await filesOfTask(call, subject, format);
  for (const { path, after, mode } of made) add(path, after, mode);
  const own = made.map(({ path }) => path);
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
  const make = (path: string, text: string) => void (paths.includes(path) || add(path, text));
  if (isBeside(manifest))
    hints.push(...(await standApart(subject, formatters, { own, test, format, make, open, attempt })));
  gathered.end();
  for (const file of host.edited()) hints.push(...(await keepFormat(formatters, root, file)));
  for (const { path, bytes, before } of host.edited()) put(path, bytes, before.bytes);
  const folders = foldersAbove(paths).filter((folder) => !existsSync(join(root, folder)));
  return { own, edited, host, test, hints, folders: folders.sort() };
}

/** What the package's own tools need to know, where tasks stand beside its code. Returns the lines to add by hand. */
async function standApart(
  { place, manifest, testRunner }: Subject,
  formatters: readonly Formatter[],
  made: {
    readonly own: readonly string[];
    readonly test: string | undefined;
    readonly format: Format;
    readonly make: (path: string, text: string) => void;
    readonly open: HostFiles['open'];
    readonly attempt: Gathered['attempt'];
  },
): Promise<Hint[]> {
  const { own, test, format, make, open, attempt } = made;
  const { root } = place;
  const hints: Hint[] = [];
  const tsconfig = `${manifest.tasks}/tsconfig.json`;
  if (readBefore(root, tsconfig) === undefined) make(tsconfig, await format(tsconfig, taskTsconfig(place, manifest)));
  const folders = [manifest.tasks, manifest.runtime];
  // A listed tsconfig exists: it was read just now.
  const openThere = (path: string) => open(path, 'jsonc') as NonNullable<ReturnType<HostFiles['open']>>;
  leaveOut(place, folders, [...own, `${manifest.runtime}/index.ts`], openThere, attempt);
  const files = { open, make };
  const alone = [`${manifest.runtime}/`, LOCK];
  for (const formatter of formatters) hints.push(...(attempt(() => leaveAlone(formatter, place, alone, files)) ?? []));
  const isFound = testRunner === 'node' && /--test\b/.test(place.packageJson.textIn('scripts', 'test') ?? '');
  const isTested = testRunner === 'vitest' || isFound;
  const written = {
    ...manifest,
    isNodeTest: isNodeTest(testRunner),
    isTested,
    isJavaScript: test?.endsWith('.js') === true,
    ending: place.isModule ? '.ts' : '.mts',
  };
  hints.push(...(attempt(() => leaveAloneInLinters(place, written, open, make)) ?? []));
  hints.push(...(test === undefined ? [] : hintsOfTests(place, testRunner, { ...manifest, test })));
  return hints;
}

/**
 * The task's own files. Those that are still as divvy wrote them stay: the formatter may format differently by now, and hooks
 * may have been added.
 */
async function filesOfTask({ terminal }: Call, subject: Subject, format: Format): Promise<TaskFiles> {
  const { place, lock, standing } = subject;
  const making = { ...subject, answers: subject.answers.answers };
  const there = (path: string) => readBefore(place.root, path);
  if (standing) {
    // All of them were read just now.
    const files = standing.map((path) => ({ path, after: there(path)?.bytes ?? Buffer.alloc(0) }));
    return { files: inOrder(files, making), edited: undefined };
  }
  const isSame = isMadeSo(subject);
  return taskFiles(terminal, making, format, (path) => {
    const before = isSame ? there(path) : undefined;
    return before && isAsWritten(lock, path, before) ? before.bytes : undefined;
  });
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
