/**
 * What somebody has said yes to, in their own configuration. Each yes is a file of its own, named by what it is for: so
 * two commands at once lose nothing of each other's, and taking one back is removing a file.
 */

import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../change-set/survey.ts';
import { makeFolders, writeDurably } from '../disk/disk.ts';
import { parseJson } from '../json/parse.ts';

/** What is trusted: all of it, or it is another thing. */
export interface Trusted {
  /** The source, as `identity` of what was fetched has it. */
  readonly source: string;
  /** What it resolved to. */
  readonly resolved: string;
  /** The template's name; another one of the same source is asked for anew. */
  readonly template: string;
  /** What it asks for, as plain JSON. */
  readonly permissions: unknown;
}

export type Trust =
  | { readonly isTrusted: true }
  | {
      readonly isTrusted: false;
      /** Why a yes that is there does not count. */
      readonly broken?: string;
    };

/** The folder of the person; undefined where there is none, as for a user of a container whom it does not know. */
export function homeFolder(read: () => string = homedir): string | undefined {
  try {
    const home = read();
    // HOME may be empty: then it would be wherever the command runs.
    return isAbsolute(home) ? home : undefined;
  } catch {
    return undefined;
  }
}

/** The folder of what is trusted, by the habits of the system; undefined where the person has none. */
export function trustFolder(
  environment: NodeJS.ProcessEnv,
  platform = process.platform,
  home = homeFolder(),
): string | undefined {
  const named = platform === 'win32' ? environment['APPDATA'] : environment['XDG_CONFIG_HOME'];
  // A relative one would be another folder in each project, and one that a project could bring.
  if (named && isAbsolute(named)) return join(named, 'divvy', 'trust');
  if (home === undefined) return undefined;
  const usual =
    platform === 'win32' ? ['AppData', 'Roaming'] : platform === 'darwin' ? ['Library', 'Preferences'] : ['.config'];
  return join(home, ...usual, 'divvy', 'trust');
}

/**
 * Whether somebody has said yes to exactly this.
 *
 * A file that cannot be read, says another thing, or could have been written by somebody else is no yes.
 */
export function isTrusted(folder: string | undefined, wanted: Trusted): Trust {
  if (folder === undefined) return { isTrusted: false };
  const file = fileOf(folder, wanted);
  try {
    const state = statSync(file, { throwIfNoEntry: false });
    if (state === undefined) return { isTrusted: false };
    if (isOfOthers(state) || isOfOthers(statSync(folder))) {
      return { isTrusted: false, broken: `${file} could have been written by somebody else` };
    }
    const { at: _, ...said } = parseJson(readFileSync(file)) as Trusted & { at?: unknown };
    if (isDeepStrictEqual(said, asStored(wanted))) return { isTrusted: true };
    return { isTrusted: false, broken: `${file} does not say what it should` };
  } catch (error) {
    return { isTrusted: false, broken: `${file}: ${(error as Error).message}` };
  }
}

/** Remembers a yes. Returns why that could not be done; the command then goes on, and asks again next time. */
export function remember(folder: string | undefined, trusted: Trusted, now = new Date()): string | undefined {
  if (folder === undefined) return 'there is no home folder, and XDG_CONFIG_HOME names none';
  const part = join(folder, `${randomUUID()}.part`);
  try {
    makeFolders(folder, 0o700);
    chmodSync(folder, 0o700);
    const text = JSON.stringify({ ...asStored(trusted), at: now.toISOString() }, null, 2);
    writeDurably(part, `${text}\n`, 0o600);
    renameSync(part, fileOf(folder, trusted));
    return undefined;
  } catch (error) {
    if (existsSync(part)) rmSync(part);
    return (error as Error).message;
  }
}

function isOfOthers({ uid, mode }: { readonly uid: number; readonly mode: number }): boolean {
  // Windows has neither.
  return process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0);
}

const fileOf = (folder: string, trusted: Trusted): string => {
  const text = JSON.stringify(asStored(trusted));
  return join(folder, `${sha256(Buffer.from(text)).slice(0, 40)}.json`);
};

/** As JSON brings it back; the same for the same, whatever the order in which a manifest has its keys. */
const asStored = ({ source, resolved, template, permissions }: Trusted): Trusted => ({
  source,
  resolved,
  template,
  permissions: sorted(JSON.parse(JSON.stringify(permissions ?? {}))),
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, of]) => [key, sorted(of)]));
}
