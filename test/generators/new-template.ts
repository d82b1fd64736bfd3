// A template as `divvy template new` makes it, to be changed by a test.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { divvy, freshFolder } from './commands.ts';

/** A folder with a new template in it, `backfill`. */
export async function newTemplate(): Promise<string> {
  const cwd = freshFolder();
  const { code, stderr } = await divvy(['template', 'new', 'backfill'], { cwd });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return join(cwd, 'backfill');
}

export const put = (folder: string, path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
export const json = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8'));
