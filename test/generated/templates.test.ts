// The built-in templates at home: their manifests, and their own tests against the runtime as it stands here.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { ts } from 'ts-morph';
import { describe, expect, test } from 'vitest';
import { home } from '../generators/commands.ts';
import { node, packagesOf, templateNames, withoutExperimental } from './projects.ts';

const folder = join(home, 'templates');
const json = (...path: string[]) => JSON.parse(readFileSync(join(home, ...path), 'utf8'));
const validate = new Ajv({ allErrors: true }).compile(json('templates/divvy.template.schema.json'));

/** The packages that a task needs to run. */
const NEEDED: Readonly<Record<string, readonly string[]>> = { csv: ['csv-parse'], postgres: ['pg'] };

describe.each(templateNames)('%s', (name) => {
  const manifest = json('templates', name, 'divvy.template.json');

  test('has a manifest as the schema wants it, which names its folder', () => {
    expect(validate(manifest), JSON.stringify(validate.errors)).toBe(true);
    expect(manifest.name).toBe(name);
    expect(existsSync(join(folder, name, manifest.$schema))).toBe(true);
  });

  test('runs before anything is installed, but for csv and postgres: they need a package, that of this repository', () => {
    expect(packagesOf(name)).toEqual(NEEDED[name] ?? []);
    const { devDependencies } = json('package.json');
    for (const [needed, range] of Object.entries(manifest.dependencies))
      expect(range).toBe(`^${devDependencies[needed]}`);
  });

  test('passes its own tests here, as it stands', async () => {
    const file = `templates/${name}/files/test/example-task.test.ts`;
    const { exitCode, stdout, stderr } = await node(home, '--test', '--test-reporter=tap', file);
    expect({ exitCode, stderr: withoutExperimental(stderr).replace(/^divvy: .*$/m, '') }, stdout).toEqual({
      exitCode: 0,
      stderr: '',
    });
  });
});

// `divvy add` makes a test for vitest of it, by that one line. What vitest has not, `mock`, stays node:test's own.
test.each(templateNames)('the test of %s takes from node:test, in one line, what vitest has too', (name) => {
  const text = readFileSync(join(folder, name, 'files/test/example-task.test.ts'), 'utf8');
  const [first, ...more] = text.split('\n').filter((line) => line.includes("'node:test'"));
  const names = /^import \{ ([\w, ]+) \} from 'node:test';$/.exec(first ?? '')?.[1]?.split(', ') ?? [];
  expect(names).toContain('test');
  for (const each of names)
    expect(['test', 'before', 'after', 'beforeEach', 'afterEach', 'describe', 'it']).toContain(each);
  expect(more.filter((line) => line !== "import { mock } from 'node:test';")).toEqual([]);

  expect(text).toMatch(/^import ExampleTask(, \{ [\w, ]+ \})? from '\.\.\/tasks\/example-task\.ts';$/m);
  expect(text).toContain("new URL('../tasks/example-task.ts', import.meta.url)");
  expect(parametersOfTests(text)).toEqual([]);
});

/** The parameters of the functions that are given to node:test: its context, or a callback, which vitest has not. */
function parametersOfTests(text: string): string[] {
  const file = ts.createSourceFile('example-task.test.ts', text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /^(test|it|describe|(before|after)(Each)?)$/.test(node.expression.getText())) {
      for (const given of node.arguments) {
        if (ts.isFunctionLike(given)) found.push(...given.parameters.map((parameter) => parameter.getText()));
      }
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return found;
}

test('a manifest is closed: what the schema does not know is an error', () => {
  const manifest = json('templates/basic/divvy.template.json');
  for (const wrong of [
    { ...manifest, postinstall: 'sh' },
    { ...manifest, schemaVersion: 2 },
    { ...manifest, name: '../basic' },
    { ...manifest, description: 'two\nlines' },
    { ...manifest, nextSteps: ['\u001b[2J'] },
    { ...manifest, dependencies: { '../evil': '1.0.0' } },
    { ...manifest, dependencies: { evil: 'git+ssh://example.com/evil' } },
    { name: 'basic' },
  ]) {
    expect(validate(wrong), JSON.stringify(wrong)).toBe(false);
  }
});

test('no folder of templates/ is a package of its own, or #divvy would not be found in it', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  expect(files.filter((path) => /(^|\/)package\.json$/.test(path))).toEqual([]);
});

test('a new project is checked by the versions that its templates are checked by here', () => {
  const { devDependencies, engines } = json('package.json');
  const made = json('templates/_project/_package.json');
  expect(made.engines).toEqual(engines);
  for (const [name, range] of Object.entries(made.devDependencies))
    expect(range, name).toBe(`^${devDependencies[name]}`);
});
