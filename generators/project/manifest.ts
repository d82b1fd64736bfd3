/**
 * divvy.json, for people: where a project keeps the files that divvy works with. Its schema is vendored with the
 * runtime.
 */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { recoverFirst } from '../change-set/recovering.ts';
import { isPending } from '../change-set/recovery.ts';
import { stat } from '../disk/disk.ts';
import { MANIFEST } from '../disk/file-names.ts';
import { conflictsIn } from '../disk/markers.ts';
import { parseJson } from '../json/parse.ts';
import { whyNotAs } from '../schema/schema.ts';
import { badManifest, noProject, unmergedManifest } from '../terminal/errors.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { whyNotFolder } from './runtime-folder.ts';

/** A team's own names for sources of templates. */
export type TeamSources = {
  readonly [team: string]: string | { readonly from: string; readonly ref?: string };
};

export interface Manifest {
  /** The folder of the task files, relative to the project. */
  readonly tasks: string;
  /** The folder of their tests, relative to the project. */
  readonly tests: string;
  /** The folder of the vendored runtime, relative to the project. */
  readonly runtime: string;
  readonly templates?: TeamSources;
  /** What the runtime loads before each task; the generator leaves it alone. */
  readonly import?: string | readonly string[];
}

export const DEFAULT_TESTS = 'test';

export interface Project {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export const manifestText = ({ tasks, tests, runtime }: Manifest): string =>
  `${JSON.stringify({ $schema: `./${runtime}/divvy.schema.json`, tasks, ...(tests !== DEFAULT_TESTS && { tests }), runtime }, null, 2)}\n`;

/** The folder of the nearest divvy.json: in the given folder or above it. */
export function projectFolder(from: string): string | undefined {
  if (stat(join(from, MANIFEST)) !== undefined) return from;
  return dirname(from) === from ? undefined : projectFolder(dirname(from));
}

/**
 * Opens the project that a folder is in. If the command that made or changed it was cut short, takes that back first.
 *
 * Rejects with a Refusal with exit code 2 if there is no project, or its divvy.json does not match the schema.
 */
export async function openProject(from: string, terminal: Terminal): Promise<Project> {
  const found = projectFolder(from);
  if (found !== undefined && isPending(found)) await recoverFirst(found, terminal);
  return readProject(from);
}

/** The same for a command that writes nothing, not even to take back what was cut short. */
export async function readProject(from: string): Promise<Project> {
  const folder = projectFolder(from);
  if (folder === undefined) throw noProject(from);
  const file = join(folder, MANIFEST);
  let manifest: unknown;
  let text = '';
  try {
    const bytes = readFileSync(file);
    text = bytes.toString();
    manifest = parseJson(bytes);
  } catch (error) {
    const conflicts = conflictsIn(text);
    if (conflicts.length > 0) throw unmergedManifest(file, conflicts);
    throw badManifest(file, (error as Error).message);
  }
  const reason = await whyNotAs('runtime/divvy.schema.json', manifest, MANIFEST);
  if (reason !== undefined) throw badManifest(file, reason);
  const read = { tests: DEFAULT_TESTS, ...(manifest as Omit<Manifest, 'tests'>) };
  for (const name of ['tasks', 'tests', 'runtime'] as const) {
    const reason = whyNotFolder(read[name]);
    if (reason !== undefined) throw badManifest(file, `${name} is ${JSON.stringify(read[name])}: ${reason}`);
  }
  const same = (['tasks', 'tests'] as const).find((name) => read[name] === read.runtime);
  if (same !== undefined)
    throw badManifest(file, `${same} and runtime are one folder: ${JSON.stringify(read.runtime)}`);
  return { folder, manifest: read };
}
