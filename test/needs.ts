/**
 * What tests need and npm does not bring: programs of the system. Where one is missing, the tests that need it are not run, and
 * `npm test` names them at its end. With CI set they fail: .ci/run installs all of them.
 */

import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeEach } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the test was not run: what is missing, and how to install it. */
    needs?: string;
  }
}

/** Each program, and the package of Debian that has it. */
export const PROGRAMS = {
  chromium: 'chromium',
  openssl: 'openssl',
  postgres: 'postgresql',
  promtool: 'prometheus',
  'redis-server': 'redis-server',
  tmux: 'tmux',
} as const;

/**
 * The tests of this file, or of this `describe`, need the program. Call it at the top of either: what runs before all of its
 * tests runs all the same.
 */
export function needs(program: keyof typeof PROGRAMS): void {
  beforeEach((context) => {
    if (isThere(program)) return;
    const missing = `${program} is not on this machine (on Debian: apt-get install ${PROGRAMS[program]})`;
    if (process.env['CI']) throw new Error(missing);
    context.task.meta.needs = missing;
    context.skip(missing);
  });
}

function isThere(program: keyof typeof PROGRAMS): boolean {
  if (program === 'postgres') return postgresProgram('initdb') !== undefined;
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** Where Debian has the programs of each release of PostgreSQL, which are not on PATH. */
const POSTGRES = '/usr/lib/postgresql';

/** Returns the path of a program of PostgreSQL, of the newest release that has it. */
export function postgresProgram(name: string): string | undefined {
  const releases = existsSync(POSTGRES) ? readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a)) : [];
  return releases.map((release) => join(POSTGRES, release, 'bin', name)).find((file) => existsSync(file));
}
