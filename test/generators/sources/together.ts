// Programs of this folder, run as processes of their own.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Runs one to its end; rejects where it fails. */
export const started = (file: string, argv: readonly string[]) =>
  promisify(execFile)(process.execPath, [join(import.meta.dirname, file), ...argv]);
