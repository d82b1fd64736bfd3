/**
 * What a dispatcher tells the hosts of its run, by the queue; and whether a host may take part. Runs in both.
 */

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors.ts';
import { sha256 } from '../key.ts';
import type { MasterOptions, Settings } from '../options.ts';
import { hashOfTask } from '../task/task.ts';
import { version } from '../version.ts';

/** The options of a run that its hosts go by. The others are the dispatcher's, or each host's own. */
const SHARED = [
  ...['retries', 'backoffMs', 'backoffCapMs', 'maxItemBytes', 'maxCrashes'],
  ...['timeoutMs', 'warnAfterMs', 'recycleAfter', 'recycleOlderMs', 'recycleAboveBytes'],
] as readonly (keyof Settings)[];

export interface Notice {
  readonly format: 1;
  readonly runId: string;
  /** The run goes on; or it has ended, and its hosts can go. */
  readonly isOver: boolean;
  readonly release: string;
  readonly code: Code;
  /** The version of the encoding of v8.serialize. */
  readonly encoding: number;
  /** The task's arguments, without secrets. */
  readonly args: readonly string[];
  /** Those that are finite: the others are the defaults. */
  readonly options: Readonly<Record<string, number>>;
  /** How long a lock holds, in milliseconds. */
  readonly lockMs: number;
  /** What is wanted of what `process` returns. */
  readonly keepsResults: boolean;
  readonly keepsValues: boolean;
}

/** Which code a process runs: a version that the user has given, or the hashes of the task file and of the runtime. */
export interface Code {
  readonly given: string | undefined;
  readonly task: string;
  readonly runtime: string;
}

/**
 * Returns which code this is. Files that the task imports are not looked at.
 *
 * given - of --code-version.
 *
 * Throws errors of fs.
 */
export function codeOf(taskFile: string, given: string | undefined): Code {
  const home = fileURLToPath(new URL('..', import.meta.url));
  const files = fs.readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(ts|mjs)$/.test(file));
  const texts = files.sort().map((file) => `${file}\n${sha256(fs.readFileSync(path.join(home, file)))}`);
  return { given, task: hashOfTask(taskFile), runtime: sha256(texts.join('\n')) };
}

export function noticeOf(
  settings: Settings,
  own: Pick<Notice, 'runId' | 'isOver' | 'code' | 'args' | 'lockMs' | 'keepsResults' | 'keepsValues'>,
): Notice {
  const options = Object.fromEntries(
    SHARED.map((key) => [key, settings[key]]).filter(([, value]) => Number.isFinite(value)),
  );
  return { format: 1, release: version(), encoding: encodingHere(), options, ...own };
}

/** The options of the run that its hosts go by, and no other: anybody who may write to the queue can write a notice. */
export function sharedOptions({ options }: Notice): MasterOptions {
  return Object.fromEntries(SHARED.flatMap((key) => (typeof options[key] === 'number' ? [[key, options[key]]] : [])));
}

/** Throws UsageError if the text is no notice of this release's. */
export function noticeIn(text: string): Notice {
  let notice: Partial<Notice> | null;
  try {
    notice = JSON.parse(text) as Partial<Notice> | null;
  } catch {
    notice = null;
  }
  if (notice?.format === 1) return notice as Notice;
  throw new UsageError(
    `what the queue says of the run is not of this release (${version()}); use the same release of divvy on every machine`,
  );
}

/** Throws UsageError if a host that runs this code can't take part. */
export function checkCode({ runId, release, encoding, code }: Notice, own: Code, acceptsSkew: boolean): void {
  if (encoding > encodingHere())
    throw new UsageError(
      `this Node.js (${process.versions.node}) can't read items that the dispatcher's newer one has encoded; use the same version on every machine`,
    );
  if (acceptsSkew || (own.given !== undefined && own.given === code.given)) return;
  if (own.task === code.task && own.runtime === code.runtime && own.given === code.given) return;
  const isTask = own.task !== code.task;
  const other = isTask ? 'another version of the task file' : `another runtime (${release}; here ${version()})`;
  const given =
    own.given === code.given ? other : `--code-version ${code.given ?? '(none)'}, and not ${own.given ?? '(none)'}`;
  throw new UsageError(
    `run ${runId} was started with ${given}; put the same code on every machine, give the dispatcher and its hosts the same --code-version, or accept it with --accept-skew`,
  );
}

function encodingHere(): number {
  return process.getBuiltinModule('node:v8').serialize(0)[1] ?? 0;
}
