// What the documents say of the runtime is what it does: tables in the same order, names that a reader finds.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { OPTIONS } from '../../runtime/options.ts';
import { SIGNALS } from '../../runtime/signals.ts';

const home = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(home, file), 'utf8');
const sources = readdirSync(join(home, 'runtime'), { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

test('docs/signals.md has the signals of the table, in its order', () => {
  const master = read('docs/signals.md').split('## ')[0] ?? '';
  const rows = [...master.matchAll(/^\| ([A-Z0-9]+) \|/gm)].map(([, name]) => `SIG${name}`);
  expect(rows).toEqual(SIGNALS.map(({ signal }) => signal));
});

test('the tour of the runtime names every file of it', () => {
  const tour = read('runtime/README.md');
  for (const file of sources) {
    const [room = '', name = room] = file.split('/');
    const named = ['journal', 'cli', 'text', 'task'].includes(room) ? `${room}/` : name;
    if (file !== 'index.ts') expect(tour, file).toMatch(new RegExp(`\`(${room}/)?${named.replaceAll('.', '\\.')}\``));
  }
});

test('what the original calls its parts is found by the same names', () => {
  const all = sources.map((file) => read(join('runtime', file))).join('\n');
  for (const name of [
    ...['bootWorker', 'bootWorkers', 'killWorkers', 'reapWorkers', 'installSignalTraps', 'resetSignalTraps'],
    ...['startServer', 'stopServer', 'log'],
  ]) {
    expect(all, name).toMatch(new RegExp(`(function |async #?|^ +#?)${name}\\(.*\\{$`, 'm'));
  }
});

test('every option of the command line is in the contract of a run, once for each spelling', () => {
  expect(new Set(OPTIONS.map(({ usage }) => usage)).size).toBe(OPTIONS.length);
});
