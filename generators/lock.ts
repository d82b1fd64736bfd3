/** divvy.lock.json, for the tool: what made the project, from what answers, and what each file was when it was written. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256, stat, type Wanted } from './change-set/survey.ts';
import { version } from './package.ts';
import type { TemplateManifest } from './templates.ts';

export const LOCK = 'divvy.lock.json';

interface LockedTask {
  readonly template: string;
  readonly templateVersion: string;
  readonly answers: { readonly [name: string]: unknown };
  readonly hooks: readonly string[];
}

export interface Lock {
  readonly lockVersion: 1;
  /** Of the vendored runtime, which is that of the package that wrote it. */
  readonly runtime: string;
  readonly tasks: { readonly [task: string]: LockedTask };
  /** The sha256 of each file that was written, as it was written. */
  readonly files: { readonly [path: string]: string };
}

interface LockedProject {
  readonly task: string;
  readonly template: TemplateManifest;
  readonly hooks: readonly string[];
}

/**
 * The lock as it is after a command.
 *
 * before  - the lock that is there; what it says of other tasks, and of files that were not written now, stays.
 * written - every file that is there now as divvy wrote it.
 */
export function lockText(
  { task, template, hooks }: LockedProject,
  written: readonly Wanted[],
  before: Lock | undefined,
): string {
  const locked: LockedTask = { template: template.name, templateVersion: template.version, answers: {}, hooks };
  const sums = new Map([
    ...Object.entries(before?.files ?? {}),
    ...written.map(({ path, after }) => [path, sha256(after)] as const),
  ]);
  const lock: Lock = {
    lockVersion: 1,
    runtime: version,
    tasks: { ...before?.tasks, [task]: locked },
    files: Object.fromEntries([...sums].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return `${JSON.stringify(lock, null, 2)}\n`;
}

/** The lock of a project; undefined where there is none, or none of this version that can be read. */
export function readLock(folder: string): Lock | undefined {
  const file = join(folder, LOCK);
  if (!stat(file)?.isFile()) return undefined;
  try {
    const lock = JSON.parse(readFileSync(file, 'utf8')) as Partial<Lock> | null;
    const isLock = lock?.lockVersion === 1 && isObject(lock.tasks) && isObject(lock.files);
    return isLock ? (lock as Lock) : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
