// A package.json that is sorted stays sorted, whatever is put in, as its owner's tools go by in CI.
import fc from 'fast-check';
import sortPackageJson from 'sort-package-json';
import { describe, expect, test } from 'vitest';
import { HostFile } from '../../generators/host/host-file.ts';
import { inPackageJson as order } from '../../generators/host/order.ts';

const hostFile = (value: object, name = 'package.json'): HostFile => {
  const bytes = Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
  return new HostFile(name, { bytes, mode: 0o644, owner: { uid: 0, gid: 0 } }, 'json', []);
};

/** The names in an object, when more have been put into it. */
function namesWith(at: string, names: readonly string[], more: readonly string[]): string[] {
  const file = hostFile({ [at]: Object.fromEntries(names.map((name) => [name, '1'])) });
  for (const name of more) file.putProperty([at], name, '2', { order });
  return Object.keys(file.value([at]) as object);
}

describe('among', () => {
  test.each([
    ['dependencies', ['a', 'zod'], 'csv-parse', ['a', 'csv-parse', 'zod']],
    ['dependencies', ['zod'], 'csv-parse', ['csv-parse', 'zod']],
    ['dependencies', ['zod', 'a'], 'csv-parse', ['zod', 'a', 'csv-parse']],
    ['devDependencies', ['typescript', 'vitest'], '@types/node', ['@types/node', 'typescript', 'vitest']],
    // By code units upper case comes first, and to npm it does not.
    ['dependencies', ['JSONStream', 'abbrev'], 'csv-parse', ['JSONStream', 'abbrev', 'csv-parse']],
    ['dependencies', ['abbrev', 'JSONStream'], 'csv-parse', ['abbrev', 'csv-parse', 'JSONStream']],
    ['scripts', ['build', 'test'], 'divvy:nightly', ['build', 'divvy:nightly', 'test']],
    ['scripts', ['build', 'dev', 'divvy', 'divvy-x'], 'divvy:n', ['build', 'dev', 'divvy', 'divvy:n', 'divvy-x']],
    [
      'scripts',
      ['build', 'pretest', 'test', 'posttest'],
      'divvy:n',
      ['build', 'divvy:n', 'pretest', 'test', 'posttest'],
    ],
    ['scripts', ['test', 'build'], 'divvy:nightly', ['test', 'build', 'divvy:nightly']],
    ['imports', ['#host'], '#divvy', ['#divvy', '#host']],
  ])('%s, %j, comes %s: %j', (at, names, more, expected) => {
    expect(namesWith(at, names, [more])).toEqual(expected);
  });
});

describe('in a list', () => {
  test.each([
    [
      ['dist', 'out', 'vendor'],
      ['dist', 'out', 'tasks', 'vendor', 'vendor/divvy'],
    ],
    [
      ['out', 'dist'],
      ['out', 'dist', 'tasks', 'vendor/divvy'],
    ],
    [['node_modules'], ['node_modules', 'tasks', 'vendor/divvy']],
    [
      ['!a', 'z'],
      ['!a', 'z', 'tasks', 'vendor/divvy'],
    ],
  ])('%j', (before, after) => {
    const file = hostFile({ exclude: before }, 'tsconfig.json');
    for (const element of ['tasks', 'vendor/divvy']) file.putElement(['exclude'], element);
    expect(file.value(['exclude'])).toEqual(after);
  });
});

test.each([
  [
    'behind what is before it',
    ['name', 'type', 'exports', 'scripts'],
    ['name', 'type', 'imports', 'exports', 'scripts'],
  ],
  ['first, where nothing is', ['main', 'scripts'], ['imports', 'main', 'scripts']],
  ['last, where there is no order', ['scripts', 'main'], ['scripts', 'main', 'imports']],
  [
    'behind what is before it, where there is no order',
    ['scripts', 'type', 'main'],
    ['scripts', 'type', 'imports', 'main'],
  ],
  [
    "behind packageManager, in the order of antfu's",
    ['name', 'version', 'private', 'packageManager', 'scripts'],
    ['name', 'version', 'private', 'packageManager', 'imports', 'scripts'],
  ],
  [
    'by the alphabet, behind the few that syncpack has first',
    ['name', 'version', 'dependencies', 'main', 'private', 'scripts', 'type'],
    ['name', 'version', 'dependencies', 'imports', 'main', 'private', 'scripts', 'type'],
  ],
])('what is made in a package.json is %s', (_, keys, expected) => {
  const file = hostFile(Object.fromEntries(keys.map((key) => [key, {}])));
  file.putProperty(['imports'], '#divvy', './vendor/divvy/index.ts', { order });
  expect(Object.keys(file.value([]) as object)).toEqual(expected);
});

test.each([
  [
    'by the alphabet',
    ['$schema', 'assist', 'formatter', 'linter'],
    ['$schema', 'assist', 'files', 'formatter', 'linter'],
  ],
  ['last, where so few may be so by chance', ['$schema', 'formatter'], ['$schema', 'formatter', 'files']],
  ['last, where there is no order', ['a', 'z', 'b', 'c', 'd'], ['a', 'z', 'b', 'c', 'd', 'files']],
])('what is made in settings is %s', (_, keys, expected) => {
  const file = hostFile(Object.fromEntries(keys.map((key) => [key, {}])), 'biome.json');
  file.putElement(['files', 'includes'], '!vendor');
  expect(Object.keys(file.value([]) as object)).toEqual(expected);
  file.takeOut(() => true);
  expect(file.bytes.equals(file.before.bytes)).toBe(true);
});

const names = (...from: string[]) =>
  fc.subarray(from).map((chosen) => Object.fromEntries(chosen.map((name) => [name, '1'])));
const packageJson = fc.record(
  {
    name: fc.constant('host'),
    type: fc.constant('module'),
    exports: fc.constant('./index.js'),
    workspaces: fc.constant(['packages/*']),
    scripts: names(
      'build',
      'divvy',
      'divvy-x',
      'divvy:a:b',
      'divvy:z',
      'preload',
      'pretest',
      'test',
      'test:a',
      'posttest',
    ),
    jest: fc.constant({}),
    dependencies: names('abbrev', 'css', 'csv', 'csv-stringify', 'csvtojson', 'postcss', 'zod', '@a/b'),
    devDependencies: names('typescript', '@types/react', '@typescript/x', 'vitest'),
    engines: fc.constant({ node: '>=22' }),
    packageManager: fc.constantFrom('npm@11.0.0', 'pnpm@10.0.0'),
    custom: fc.constant({}),
    _private: fc.constant(1),
  },
  { requiredKeys: [] },
);

test('sort-package-json finds nothing to sort', () => {
  fc.assert(
    fc.property(packageJson, fc.constantFrom('divvy:nightly', 'divvy:a', 'divvy:weekly'), (value, script) => {
      const file = hostFile(sortPackageJson(value));
      file.putProperty(['imports'], '#divvy', './vendor/divvy/index.ts', { order });
      file.putProperty(['scripts'], script, 'node', { order });
      file.putProperty(['dependencies'], 'csv-parse', '^7.0.0', { order });
      file.putProperty(['devDependencies'], '@types/node', '^26.0.0', { order });
      const text = file.bytes.toString();
      expect(text).toBe(sortPackageJson(text));
      file.takeOut(() => true);
      expect(file.bytes.equals(file.before.bytes)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
