// Module systems, and how a package.json is written.
import { describe, test } from 'vitest';
import { IMPORTS, PACKAGE, packageJson, prove, SCRIPT, type Shape } from './proof.ts';

const HOST_TEST = "import { test } from 'node:test';\ntest('host', () => {});\n";
const NPM_TEST = [['npm', 'test']];
const COMMONJS = {
  edited: { 'package.json': [IMPORTS, SCRIPT.replace('.ts', '.mts')] },
  ending: '.mts',
  checks: NPM_TEST,
} as const;

const shapes: Record<string, Shape> = {
  'ES modules': {
    files: { 'package.json': packageJson(), 'host.test.js': HOST_TEST },
    edited: PACKAGE,
    checks: NPM_TEST,
  },
  'CommonJS by its type': {
    ...COMMONJS,
    files: {
      'package.json': packageJson({ type: 'commonjs' }),
      'host.test.js': "require('node:test').test('host', () => {});\n",
    },
  },
  'CommonJS without a type': {
    ...COMMONJS,
    files: {
      'package.json': packageJson({ type: undefined }),
      'host.test.js': "require('node:test').test('host', () => {});\n",
    },
  },
};

describe('a repository with', () => {
  test.each(Object.entries(shapes))('%s', (_, shape) => prove(shape));
});
