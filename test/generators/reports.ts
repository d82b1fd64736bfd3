// Projects with a task that fails now and then, and journals that were made up, for tests of `divvy report`.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import type { JournalRecord } from '../../runtime/journal/records.ts';
import { cleanEnvironment, freshFolder, home } from './commands.ts';

export const TASK = `import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
export default class Nightly {
  *dispatch() { for (let item = 1; item <= 12; item++) yield item; }
  key(item) { return 'user-' + item; }
  async process(item) {
    while (process.argv[2] === 'wait' && item === 12 && !existsSync('go')) await sleep(20);
    if (item % 5 === 0) throw new Error('row ' + item + ' is <b>odd</b> </script><script>alert(1)</script>');
  }
}
`;

export function project(...tasks: string[]): string {
  const cwd = freshFolder();
  mkdirSync(join(cwd, 'tasks'));
  writeFileSync(join(cwd, 'divvy.json'), JSON.stringify({ tasks: 'tasks', runtime: 'runtime' }));
  symlinkSync(join(home, 'runtime'), join(cwd, 'runtime'));
  for (const name of tasks.length > 0 ? tasks : ['nightly']) writeFileSync(join(cwd, 'tasks', `${name}.ts`), TASK);
  return cwd;
}

export const run = (cwd: string, ...args: string[]) =>
  execa(process.execPath, ['runtime/run.mjs', '-n', '2', 'tasks/nightly.ts', ...args], {
    ...{ cwd, env: cleanEnvironment(), extendEnv: false, reject: false },
  });
export const text = (records: readonly JournalRecord[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** A page is too long for the message of a failed test: what is looked for in it is looked up first. */
export const has = (page: string, ...texts: string[]): void =>
  expect(texts.filter((text) => !page.includes(text))).toEqual([]);

/** A journal of the task, made of these records. */
export function journalOf(cwd: string, records: readonly JournalRecord[]): string {
  const file = join(cwd, 'j.ndjson');
  writeFileSync(
    file,
    text(records.map((each) => (each.type === 'run' ? { ...each, taskFile: join(cwd, 'tasks/nightly.ts') } : each))),
  );
  return file;
}
