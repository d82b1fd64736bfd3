/** Where a report is written. */

import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { inWords, stat } from '../disk/disk.ts';
import { reportInTheWay, reportIsNoFile, reportNotWritten } from './errors.ts';
import { BEGINNING } from './page.ts';

/**
 * The file of a report: the one that was named, or where that link leads; by default one in the current folder, named after
 * the task and the run.
 *
 * Throws a Refusal with exit code 3 if what is there is no file, or no report of divvy (unless it is forced), and with 1 if
 * it may not be written.
 */
export function reportFile(
  cwd: string,
  named: string | undefined,
  { task, runId }: { readonly task: string; readonly runId: string },
  isForced: boolean,
): string {
  const file = resolve(cwd, named ?? `${task}-${runId.replaceAll(/[^\w-]/g, '_')}.html`);
  if (stat(file) === undefined) return file;
  const target = whereLeads(file);
  if (target === undefined || stat(target)?.isFile() !== true) throw reportIsNoFile(file);
  try {
    accessSync(target, constants.W_OK);
  } catch (error) {
    throw reportNotWritten(file, inWords(error));
  }
  if (!isForced && !beginsAsOne(target)) throw reportInTheWay(file);
  return target;
}

/** Writes a report in one step: whoever reads the file sees the old one or the new one. */
export function writeReport(file: string, text: string): void {
  const draft = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString('hex')}.tmp`);
  const mode = stat(file)?.mode;
  try {
    writeFileSync(draft, text, { flag: 'wx', ...(mode !== undefined && { mode }) });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw reportNotWritten(file, inWords(error).replaceAll(draft, file));
  }
}

function whereLeads(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined; // a link that leads nowhere
  }
}

function beginsAsOne(file: string): boolean {
  const bytes = Buffer.alloc(BEGINNING.length);
  try {
    const descriptor = openSync(file, 'r');
    try {
      readSync(descriptor, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false; // it may not be read
  }
  return bytes.toString('latin1') === BEGINNING;
}
