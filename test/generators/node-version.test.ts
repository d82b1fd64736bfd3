import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isSupported, whatIsNeeded } from '../../bin/node-version.ts';
import { home } from './commands.ts';

test.each(['22.18.0', '22.23.4', '24.11.0', '24.21.0', '26.0.0', '26.10.0', '27.0.0-nightly', '30.1.2'])(
  '%s is supported',
  (version) => expect(isSupported(version)).toBe(true),
);

test.each(['16.20.2', '18.20.0', '20.20.2', '21.9.0', '22.17.1', '23.11.0', '24.10.9', '25.9.0'])(
  '%s is not',
  (version) => {
    expect(isSupported(version)).toBe(false);
    const text = whatIsNeeded('divvy', version);
    expect(text).toContain(`this is Node.js ${version}`);
    expect(text).toContain('npx -p node@24 -p create-divvy-task divvy …');
  },
);

test('what is needed is what package.json says, and what a new project says', () => {
  const enginesOf = (file: string): string =>
    (JSON.parse(readFileSync(join(home, file), 'utf8')) as { engines: { node: string } }).engines.node;
  expect(whatIsNeeded('divvy', '20.0.0')).toContain(` ${enginesOf('package.json')}.`);
  expect(enginesOf('templates/_project/_package.json')).toBe(enginesOf('package.json'));
});
