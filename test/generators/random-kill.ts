// One process writes and takes back without end; it is killed at some moment, and the next command puts right what it left.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { isPending, recover } from '../../generators/change-set/recovery.ts';
import { cleanEnvironment, freshFolder, home, treeOf } from './commands.ts';

const FILES = { 'new.txt': 'after', 'there/old.txt': 'after', 'deep/er/new.txt': 'after', 'going/old.txt': null };
const BEFORE = {
  'going/': 'folder',
  'going/old.txt': '640 old',
  'there/': 'folder',
  'there/old.txt': '600 old',
};
const AFTER = {
  'deep/': 'folder',
  'deep/er/': 'folder',
  'deep/er/new.txt': '644 after',
  'new.txt': '644 after',
  'there/': 'folder',
  'there/old.txt': '600 after',
};

/**
 * Kills so many processes, each at a random moment. Returns in how many of them something had to be put right.
 *
 * The moment is one of the machine's choosing: within a turn, which takes some milliseconds, every place is as likely.
 */
export async function killAtRandom(times: number): Promise<number> {
  const root = join(freshFolder(), 'project');
  mkdirSync(join(root, 'there'), { recursive: true });
  mkdirSync(join(root, 'going'));
  writeFileSync(join(root, 'there/old.txt'), 'old', { mode: 0o600 });
  writeFileSync(join(root, 'going/old.txt'), 'old', { mode: 0o640 });
  let cut = 0;
  for (let time = 0; time < times; time++) {
    const script = join(home, 'test/generators/killed.ts');
    const child = spawn(process.execPath, [script, '0', 'turns', root, JSON.stringify(FILES)], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await setTimeout(Math.random() * 60);
    child.kill('SIGKILL');
    await once(child, 'close');
    if (isPending(root)) cut++;
    recover(root);
    const now = treeOf(root, ['.divvy']);
    const isDone = existsSync(join(root, '.divvy/last/record'));
    expect(now, `killed for the ${time + 1}th time, with ${isDone ? 'a' : 'no'} record`).toEqual(
      isDone ? AFTER : BEFORE,
    );
    expect(existsSync(join(root, '.divvy'))).toBe(isDone);
  }
  return cut;
}
