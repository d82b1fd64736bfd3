// However a package.json is written, what is put in is written like it, and every other byte stays.
import { describe, expect, test } from 'vitest';
import { divvy } from '../commands.ts';
import { PACKAGE, packageJson, prove, SCRIPT, type Shape } from './proof.ts';
import { contentOf, repositoryWith } from './repository.ts';

const LINES = packageJson();
const TABS = {
  'package.json': [
    '\n\t"imports": {\n\t\t"#divvy": "./vendor/divvy/index.ts"\n\t},',
    '\n\t\t"divvy:nightly": "exec node vendor/divvy/run.mjs tasks/nightly.ts",',
  ],
};

const shapes: Record<string, Shape> = {
  'a map of imports': {
    files: { 'package.json': packageJson({ imports: { '#host': './host.js' } }) },
    edited: { 'package.json': [SCRIPT, '\n    "#divvy": "./vendor/divvy/index.ts",'] },
  },
  tabs: { files: { 'package.json': LINES.replaceAll('  ', '\t') }, edited: TABS },
  'CRLF, and a byte order mark': {
    files: { 'package.json': `\uFEFF${LINES.replaceAll('\n', '\r\n')}` },
    edited: { 'package.json': PACKAGE['package.json'].map((piece) => piece.replaceAll('\n', '\r\n')) },
  },
  'no final newline, and an order of its own': {
    files: {
      'package.json':
        '{\n    "scripts": {},\n    "imports": {},\n    "type": "module",\n\n    "version": "1.0.0", "name": "host"\n}',
    },
    edited: {
      'package.json': [
        '\n        "divvy:nightly": "exec node vendor/divvy/run.mjs tasks/nightly.ts"\n    ',
        '\n        "#divvy": "./vendor/divvy/index.ts"\n    ',
      ],
    },
  },
  'all in one line': {
    files: { 'package.json': '{"name":"host","type":"module"}' },
    edited: {
      'package.json': [
        ',"imports":{"#divvy":"./vendor/divvy/index.ts"},"scripts":{"divvy:nightly":"exec node vendor/divvy/run.mjs tasks/nightly.ts"}',
      ],
    },
  },
};

describe('a package.json with', () => {
  test.each(Object.entries(shapes))('%s', (_, shape) => prove(shape));
});

const refused: Record<string, [string | Buffer, string]> = {
  'a key twice': [
    '{\n  "name": "host",\n  "scripts": {},\n  "scripts": {}\n}\n',
    'package.json:4: it has the key "scripts" twice',
  ],
  'a fault in it': ['{\n  "name": "host",\n}\n', 'package.json:3: it is not JSON'],
  'a comment in it': ['{\n  // why\n  "name": "host"\n}\n', 'package.json:2: it is not JSON: invalid comment token'],
  'another "#divvy"': [
    packageJson({ imports: { '#divvy': './elsewhere.js' } }),
    'package.json:9: imports has a "#divvy" already, and it is "./elsewhere.js"',
  ],
  'a script of that name': [
    packageJson({ scripts: { 'divvy:nightly': 'echo' } }),
    'package.json:6: scripts.divvy:nightly is there already: "echo"',
  ],
  'imports that are no object': [packageJson({ imports: 'none' }), 'package.json:8: nothing can be put into imports'],
  'no object': ['[]\n', 'package.json:1: it is not one JSON object'],
  nothing: ['', 'package.json:1: it is not JSON'],
  'more levels than can be read': [
    `{\n  "name": "host",\n  "deep": ${'['.repeat(9_000)}${']'.repeat(9_000)}\n}\n`,
    'package.json:3: it is nested more than 200 levels deep',
  ],
  'bytes that are not UTF-8': [Buffer.from('{"name":"host","author":"\xe9"}', 'latin1'), 'this is not UTF-8'],
};

test('all that is in the way is named at once, in every file', async () => {
  const root = repositoryWith({
    'package.json':
      '{"type":"module","imports":{"#divvy":"./a.js"},"scripts":{"divvy:nightly":"echo"},"dependencies":7,"workspaces":["**"]}',
    'tsconfig.json': '{ "extends": "./base.json" }\n',
    'base.json': '{ "exclude": ["dist"] }\n',
    'tsconfig.build.json': { link: 'tsconfig.json' },
    'biome.json': '{ "files": { "includes": 1 } }\n',
  });
  const before = contentOf(root);
  const { code, stderr } = await divvy(['add', 'nightly', '-t', 'csv'], { cwd: root });
  expect(code).toBe(3);
  const exclude = '  "exclude": ["dist", "tasks", "vendor/divvy"]';
  expect(stderr.split('\n').slice(1, -1)).toEqual([
    'error: package.json:1: imports has a "#divvy" already, and it is "./a.js"',
    'package.json:1: scripts.divvy:nightly is there already: "echo"',
    'package.json:1: nothing can be put into dependencies: it is 7',
    "tsconfig.build.json:1: it would check divvy's folders, and is a symbolic link",
    expect.stringMatching(/^tsconfig\.json:1: it would check divvy's folders, and has its exclude from/),
    'biome.json:1: nothing can be put into files.includes: it is 1',
    'Tasks import the runtime by that name, so it must be "./vendor/divvy/index.ts". Rename yours first.',
    'Nothing was changed. Fix that by hand, and try again.',
    'Nothing was changed. Have tsconfig.build.json say this, and try again:',
    exclude,
    'Nothing was changed. Have tsconfig.json say this, and try again:',
    exclude,
  ]);
  expect(contentOf(root)).toEqual(before);
});

describe('refused is a package.json with', () => {
  test.each(Object.entries(refused))('%s', async (_, [content, message]) => {
    const root = repositoryWith({ 'package.json': content });
    const before = contentOf(root);
    const { code, stdout, stderr } = await divvy(['add', 'nightly'], { cwd: root });
    expect({ code, stdout, stderr }).toMatchObject({ code: 3, stdout: '' });
    expect(stderr).toContain(message);
    expect(contentOf(root)).toEqual(before);
  });
});
