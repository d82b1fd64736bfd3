/**
 * Remembers what a person trusts, in the person's own configuration. Each yes is its own file, named by what it trusts.
 * So two commands at once lose nothing of each other's, and removing a file takes one yes back.
 */

import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { makeFolders, writeDurably } from '../disk/disk.ts';
import { sha256 } from '../disk/line-ends.ts';
import { parseJson } from '../json/parse.ts';

/** What the person trusts; if any part of it differs, it does not count. */
export interface Trusted {
  /** The source, as in `identity` of the fetched source. */
  readonly source: string;
  /** What the source resolved to. */
  readonly resolved: string;
  /** The template's name; another template of the same source needs its own yes. */
  readonly template: string;
  /** The permissions that it asks for, as plain JSON. */
  readonly permissions: unknown;
}

export type Trust =
  | { readonly isTrusted: true }
  | {
      readonly isTrusted: false;
      /** Why a recorded yes does not count. */
      readonly broken?: string;
    };

/** The person's home folder; undefined if there is none, for example for a user that a container does not know. */
export function homeFolder(read: () => string = homedir): string | undefined {
  try {
    const home = read();
    // HOME may be empty: then this would be the current folder of the command.
    return isAbsolute(home) ? home : undefined;
  } catch {
    return undefined;
  }
}

/** The folder of the trust records, where the system keeps such files; undefined if the person has none. */
export function trustFolder(
  environment: NodeJS.ProcessEnv,
  platform = process.platform,
  home = homeFolder(),
): string | undefined {
  const named = platform === 'win32' ? environment['APPDATA'] : environment['XDG_CONFIG_HOME'];
  // A relative path would be a different folder in each project, and a project could bring its own.
  if (named && isAbsolute(named)) return join(named, 'divvy', 'trust');
  if (home === undefined) return undefined;
  const usual =
    platform === 'win32' ? ['AppData', 'Roaming'] : platform === 'darwin' ? ['Library', 'Preferences'] : ['.config'];
  return join(home, ...usual, 'divvy', 'trust');
}

/**
 * Whether the person has said yes to exactly this.
 *
 * A file does not count if divvy cannot read it, if it says something else, or if somebody else could have written it.
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

/** Records a yes. Returns why that failed; the command then goes on, and asks again next time. */
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
  // Windows has neither uid nor mode.
  return process.getuid !== undefined && (uid !== process.getuid() || (mode & 0o022) !== 0);
}

const fileOf = (folder: string, trusted: Trusted): string => {
  const text = JSON.stringify(asStored(trusted));
  return join(folder, `${sha256(Buffer.from(text)).slice(0, 40)}.json`);
};

/** As JSON stores it; the same for equal permissions, in whichever order a manifest has its keys. */
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
