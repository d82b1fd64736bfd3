/** Loads a task file and checks it. Runs in the master and in every worker. Internal. */

import fs from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  constructorThrew,
  DivvyError,
  folderGone,
  taskFileMissing,
  taskFileOutOfReach,
  taskHasNoClass,
  taskLacks,
} from '../errors.ts';
import type { Parallelizable } from '../parallelizable.ts';
import { inspected } from '../text/words.ts';
import { declaring, hasDeclarations } from './declared.ts';
import { loadImports } from './imports.ts';

/** A task whose Item and Result are unknown, as everywhere in the runtime. */
// biome-ignore lint/suspicious/noExplicitAny: the runtime carries items of any type; each task file checks its own.
export type AnyTask = Parallelizable<any, unknown>;

/**
 * Loads the task file and makes an instance of its class.
 *
 * taskFile - its absolute path.
 * imports  - modules to load before it, as imports.ts defines them.
 * args     - its own arguments, which have been offered to it (declared.ts).
 *
 * Throws UsageError if the file does not exist or can't be reached, if the working directory is gone, or if the task's
 * arguments are wrong; ArgumentsHelp if they ask for help. Throws
 * TaskError if the file can't be parsed, throws, or is not a task.
 */
export async function loadTask(
  taskFile: string,
  imports: readonly string[],
  args: readonly string[],
): Promise<AnyTask> {
  needFolder();
  needTaskFile(taskFile);
  let exported: unknown;
  try {
    exported = await declaring(taskFile, async () => {
      await loadImports(taskFile, imports);
      return ((await import(pathToFileURL(taskFile).href)) as { default?: unknown }).default;
    });
    // Loaded by then, if the task has any: it declares them with it.
    if (hasDeclarations()) (await import('./arguments.ts')).checkArguments(taskFile, args);
  } catch (error) {
    // A module of --import; or the task has read an argument that is wrong, or that help is asked for.
    if (error instanceof DivvyError) throw error;
    const { taskFileThrew } = await import('./errors.ts'); // only now: loading it would delay the first item
    throw taskFileThrew(taskFile, error, imports);
  }
  if (typeof exported !== 'function' || !/^class\b/.test(Function.prototype.toString.call(exported))) {
    throw taskHasNoClass(
      taskFile,
      exported === undefined ? 'it has no default export' : `it exports ${inspected(exported, { depth: 0 })}`,
    );
  }
  const TaskClass = exported as new () => Record<string, unknown>;
  let task: Record<string, unknown>;
  try {
    task = new TaskClass();
  } catch (error) {
    throw constructorThrew(taskFile, TaskClass.name || 'the task class', error);
  }
  for (const member of ['process', 'dispatch']) {
    if (typeof task[member] !== 'function') throw taskLacks(taskFile, TaskClass.name || '(without a name)', member);
  }
  return task as unknown as AnyTask;
}

/** Throws UsageError if the file does not exist or can't be reached. */
export function needTaskFile(taskFile: string): void {
  let there: fs.Stats | undefined;
  try {
    there = fs.statSync(taskFile, { throwIfNoEntry: false });
  } catch (error) {
    throw taskFileOutOfReach(taskFile, error);
  }
  if (!there || there.isDirectory()) throw taskFileMissing(taskFile, there !== undefined);
}

/** Returns a task file's text, to notice changes. Files that it imports are ignored. Throws errors of fs. */
export function textOfTask(taskFile: string): Buffer {
  return fs.readFileSync(taskFile);
}

/** Returns the hash of a task file's text: textOfTask. Throws errors of fs. */
export function hashOfTask(taskFile: string, text: Buffer = textOfTask(taskFile)): string {
  // Loaded only where a hash is needed: that takes as long as twenty files of ours.
  return process.getBuiltinModule('node:crypto').hash('sha256', text, 'hex');
}

/** Throws UsageError if the working directory is gone: no relative path of a task could work. */
export function needFolder(): void {
  try {
    process.cwd();
  } catch {
    throw folderGone();
  }
}
