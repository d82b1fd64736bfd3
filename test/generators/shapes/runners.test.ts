// The repository's own test runner runs the task's test.
import { describe, test } from 'vitest';
import { IMPORTS, PACKAGE, packageJson, prove, SCRIPT, type Shape } from './proof.ts';

const COMMONJS = { 'package.json': [IMPORTS, SCRIPT.replace('.ts', '.mts')] };
const JEST_TESTS = { tests: ['nightly.test.js', 'node-test/nightly.ts'], test: ['npm', 'test', '--', 'tasks'] };
const jest = (fields: object = {}) => packageJson({ scripts: { test: 'jest' }, ...fields });

const shapes: Record<string, Shape> = {
  Vitest: {
    files: {
      'package.json': packageJson({ scripts: { test: 'vitest run' } }),
      'host.test.ts': "import { test } from 'vitest';\ntest('host', () => {});\n",
    },
    tools: ['vitest'],
    edited: PACKAGE,
    test: ['vitest', 'run', 'tasks/nightly.test.ts'],
    checks: [['npm', 'test']],
  },
  'Vitest, in threads': {
    files: {
      'package.json': packageJson({ scripts: { test: 'vitest run' } }),
      'vitest.config.ts': "export default { test: { pool: 'threads' } };\n",
      'host.test.ts': "import { test } from 'vitest';\ntest('host', () => {});\n",
    },
    tools: ['vitest'],
    edited: PACKAGE,
    test: ['vitest', 'run', 'tasks/nightly.test.ts'],
    checks: [['npm', 'test']],
  },
  'Vitest, in CommonJS': {
    files: { 'package.json': packageJson({ type: undefined, scripts: {}, devDependencies: { vitest: '*' } }) },
    tools: ['vitest'],
    edited: {
      'package.json': [IMPORTS, '\n    "divvy:nightly": "exec node vendor/divvy/run.mjs tasks/nightly.mts"\n  '],
    },
    ending: '.mts',
    test: ['vitest', 'run', 'tasks/nightly.test.mts'],
  },
  'Jest, in CommonJS': {
    files: { 'package.json': jest({ type: 'commonjs' }), 'host.test.js': "test('host', () => {});\n" },
    tools: ['jest'],
    edited: COMMONJS,
    ending: '.mts',
    ...JEST_TESTS,
    tests: ['nightly.test.js', 'node-test/nightly.mts'],
    checks: [['npm', 'test']],
  },
  'bun test, which runs none of Node.js': {
    files: {
      'package.json': packageJson({ scripts: { test: 'bun test' } }),
      'host.test.ts': "import { test } from 'bun:test';\ntest('host', () => {});\n",
    },
    tools: ['bun'],
    edited: PACKAGE,
    tests: ['node-test/nightly.ts'],
    test: ['node', '--test', 'tasks/node-test/nightly.ts'],
    checks: [['bun', 'test']],
  },
  'Jest, of ES modules': {
    files: {
      'package.json': jest({ scripts: { test: 'node --experimental-vm-modules node_modules/jest/bin/jest.js' } }),
      'host.test.js': "import assert from 'node:assert';\ntest('host', () => assert.ok(true));\n",
    },
    tools: ['jest'],
    edited: PACKAGE,
    ...JEST_TESTS,
    checks: [['npm', 'test']],
  },
};

describe('a repository with', () => {
  test.each(Object.entries(shapes))('%s', (_, shape) => prove(shape));
});
