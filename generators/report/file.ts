/** Where a report is written. */

import { closeSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { inWords, stat } from '../disk/disk.ts';
import { reportInTheWay, reportNotWritten } from './errors.ts';
import { BEGINNING } from './page.ts';

/**
 * The file of a report: the one that was named, or one in the current folder, named after the task and the run.
 *
 * Throws a Refusal with exit code 3 if there is one that is no report of divvy, unless it is forced.
 */
export function reportFile(
  cwd: string,
  named: string | undefined,
  { task, runId }: { readonly task: string; readonly runId: string },
  isForced: boolean,
): string {
  const file = resolve(cwd, named ?? `${task}-${runId.replaceAll(/[^\w-]/g, '_')}.html`);
  if (!isForced && stat(file) !== undefined && !beginsAsOne(file)) throw reportInTheWay(file);
  return file;
}

/** Writes a report in one step: whoever reads the file sees the old one or the new one. */
export function writeReport(file: string, text: string): void {
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}.tmp`);
  try {
    writeFileSync(draft, text, { flag: 'wx' });
    renameSync(draft, file);
  } catch (error) {
    rmSync(draft, { force: true });
    throw reportNotWritten(file, inWords(error));
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
    return false; // it is a folder, or may not be read
  }
  return bytes.toString('latin1') === BEGINNING;
}
