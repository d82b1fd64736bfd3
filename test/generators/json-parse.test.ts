// JSON that somebody has written with an editor of Windows: a byte order mark before it is no part of the language.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseJson } from '../../generators/json/parse.ts';
import { putFiles } from './attacks/hostile.ts';
import { freshFolder, home } from './commands.ts';
import { divvyHere } from './in-process.ts';

const MARK = '\uFEFF';

test('one is left out, and only one at the beginning', () => {
  const text = `{"a":"${MARK}"}`;
  expect([parseJson(MARK + text), parseJson(Buffer.from(MARK + text))]).toEqual([{ a: MARK }, { a: MARK }]);
  expect(() => parseJson(MARK + MARK + text)).toThrow(SyntaxError);
});

test.each(['utf16le', 'latin1'] as const)('bytes that are %s are refused', (encoding) => {
  expect(() => parseJson(Buffer.from(`${MARK}"ä"`, encoding))).toThrow('it is not UTF-8');
});

test('nothing else in the generator parses JSON but its own copies', () => {
  const files = globSync('{bin,generators}/**/*.ts', { cwd: home });
  const parsing = files.filter((file) =>
    readFileSync(join(home, file), 'utf8').replaceAll('JSON.parse(JSON.stringify(', '').includes('JSON.parse('),
  );
  expect(parsing).toEqual(['generators/json/parse.ts']);
});

test('a template is checked, tested with its answers and used, and answers are read, with one before each', async () => {
  const cwd = freshFolder();
  expect(await divvyHere(['template', 'new', 'backfill'], cwd)).toMatchObject({ code: 0 });
  const folder = join(cwd, 'backfill');
  for (const file of ['divvy.template.json', 'tests/default.json', 'package.json'])
    putFiles(folder, { [file]: MARK + readFileSync(join(folder, file), 'utf8') });
  expect(await divvyHere(['template', 'check', folder], cwd)).toMatchObject({
    code: 0,
    stdout: 'backfill: nothing is wrong\n',
  });
  putFiles(cwd, { 'answers.json': `${MARK}{ "table": "orders" }` });
  const argv = ['create', 'mine', '-t', folder, '--data-file', 'answers.json', '--no-git', '--json'];
  const made = await divvyHere(argv, cwd);
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('Created mine: ')]);
  expect(JSON.parse(made.stdout)).toMatchObject({ answers: { table: 'orders' } });

  // The package.json above has what an editor needs.
  expect(await divvyHere(['template', 'new', 'backfill/more'], cwd)).toMatchObject({ code: 0 });
  expect(globSync('*', { cwd: join(folder, 'more') })).not.toContain('package.json');
});
