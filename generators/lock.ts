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

interface Lock {
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

export function lockText({ task, template, hooks }: LockedProject, files: readonly Wanted[]): string {
  const lock: Lock = {
    lockVersion: 1,
    runtime: version,
    tasks: { [task]: { template: template.name, templateVersion: template.version, answers: {}, hooks } },
    files: Object.fromEntries(
      files.map(({ path, after }) => [path, sha256(after)] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  };
  return `${JSON.stringify(lock, null, 2)}\n`;
}

/** The sums of the files that divvy wrote here; none where there is no lock that can be read. */
export function lockedSums(folder: string): ReadonlyMap<string, string> {
  const file = join(folder, LOCK);
  if (!stat(file)?.isFile()) return new Map();
  try {
    const { files } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Lock>;
    return new Map(Object.entries(files ?? {}));
  } catch {
    return new Map();
  }
}
