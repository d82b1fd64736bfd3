// What divvy puts into a repository passes its type check, whichever TypeScript and @types/node are installed there.
import { readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freshFolder, home } from '../generators/commands.ts';
import { divvyHere } from '../generators/in-process.ts';
import { packageJson } from '../generators/shapes/proof.ts';
import { put, type Ran, repositoryWith, runIn } from '../generators/shapes/repository.ts';
import { hookNames, link, makeProject, packagesOf, templateNames, typesOf } from './projects.ts';

// An older TypeScript takes ten seconds for a program where the machine is busy, and there are a dozen.
vi.setConfig({ testTimeout: 600_000 });

/** Of each line of Node.js that is supported, the oldest and the newest types. They are devDependencies of this repository. */
const TYPES = ['types-node-22.18', 'types-node-22', 'types-node-24.0', 'types-node-24', '@types/node'];
const ENDS = ['types-node-22.18', '@types/node'];
/** With which of them each TypeScript is tried. */
const COMPILERS: Readonly<Record<string, readonly string[]>> = {
  typescript: TYPES,
  // An older one takes ten times as long. What differs between the types, the newest finds.
  'typescript-5.8': ENDS,
  'typescript-5.9': ENDS.slice(-1),
  'typescript-6.0': ENDS.slice(-1),
};

interface Check {
  readonly compiler: string;
  readonly types: string;
  /** The folder of the tsconfig. */
  readonly folder: string;
  readonly argv?: readonly string[];
}

/** Runs checks, two at a time. Returns those that failed, with what they said; none where all passed. */
async function failing(checks: readonly Check[]): Promise<string[]> {
  const roots = new Map(TYPES.map((types) => [types, typeRoot(types)]));
  const left = checks.values();
  const failed: string[] = [];
  const lane = async (): Promise<void> => {
    for (const { compiler, types, folder, argv = [] } of left) {
      const tsc = join(home, 'node_modules', compiler, 'bin/tsc');
      const from = ['--typeRoots', roots.get(types) ?? '', '--listFiles'];
      const said = await runIn(folder, [process.execPath, tsc, '-p', '.', '--pretty', 'false', ...from, ...argv]);
      failed.push(...wrongIn(said, types).map((line) => `${[compiler, types, ...argv].join(' ')}: ${line}`));
    }
  };
  await Promise.all([lane(), lane()]);
  return failed;
}

/** A folder in which one release of the types of Node.js is found, and nothing else. */
function typeRoot(types: string): string {
  const folder = freshFolder();
  symlinkSync(join(home, 'node_modules', types), join(folder, 'node'));
  return folder;
}

/** What is wrong with a check: what the compiler says, and that it went by other types than it should have. */
function wrongIn({ code, stdout, stderr }: Ran, types: string): string[] {
  const lines = stdout.trimEnd().split('\n');
  const isFile = (line: string): boolean => line.startsWith('/');
  const wrong = [...lines.filter((line) => !isFile(line)), ...(stderr === '' ? [] : [stderr])];
  const meant = realpathSync(join(home, 'node_modules', types));
  const node = lines.filter((line) => isFile(line) && /\/(@types\/node|types-node-[\d.]+)\/index\.d\.ts$/.test(line));
  if (node.join() !== join(meant, 'index.d.ts')) wrong.push(`it took ${node.join(' and ') || 'no types of Node.js'}`);
  if (!lines.some((line) => line.endsWith('/vendor/divvy/index.ts'))) wrong.push('the runtime is no part of it');
  if (wrong.length === 0 && code !== 0) wrong.push(`exit ${code}`);
  return wrong;
}

const everyCheck = (folder: string, compilers = Object.keys(COMPILERS)): Check[] =>
  compilers.flatMap((compiler) => (COMPILERS[compiler] ?? []).map((types) => ({ compiler, types, folder })));

/** Adds a task of each template, with these hooks, or with those of the template alone. */
async function withTasks(root: string, hooks: readonly string[]): Promise<string> {
  for (const template of templateNames) {
    const hooked = hooks.length > 0 ? ['--hooks', hooks.join(',')] : [];
    const argv = ['add', `${template}-task`, '--template', template, '--no-install', '--allow-dirty', ...hooked];
    const { code, stderr } = await divvyHere(argv, root);
    expect({ template, code, stderr }).toMatchObject({ template, code: 0 });
    for (const name of [...packagesOf(template), ...typesOf(template)]) link(name, root);
  }
  return root;
}

test('a new project, and tasks of every template that were added to it, with all hooks: TypeScript 5.8 to the newest, types of Node.js 22.18 to the newest', async () => {
  const project = await withTasks(await makeProject('basic', hookNames), hookNames);
  expect(await failing(everyCheck(project))).toEqual([]);
});

test('tasks that were added to a package, of ES modules or CommonJS: the newest TypeScript', async () => {
  const folders: string[] = [];
  for (const type of ['module', 'commonjs'])
    folders.push(await withTasks(repositoryWith({ 'package.json': packageJson({ type }) }), []));
  const checks = folders.flatMap((folder) => everyCheck(join(folder, 'tasks'), ['typescript']));
  expect(await failing(checks)).toEqual([]);
});

/** Settings of programs into which the runtime comes only because a file of theirs imports a task. */
const SETTINGS: Readonly<Record<string, object>> = {
  'nothing but what is needed': { module: 'nodenext' },
  'all that is strict': {
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    noImplicitOverride: true,
    noImplicitReturns: true,
    noFallthroughCasesInSwitch: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    allowUnreachableCode: false,
    isolatedModules: true,
    verbatimModuleSyntax: true,
    erasableSyntaxOnly: true,
    declaration: true,
    isolatedDeclarations: true,
    types: ['node'],
  },
  'nothing strict': { module: 'preserve', strict: false, types: [] },
  'a bundler, and the libraries of a browser': {
    module: 'esnext',
    moduleResolution: 'bundler',
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.iterable'],
    strict: true,
    jsx: 'react-jsx',
    types: [],
  },
};

test('a program that imports a task, whatever its settings', async () => {
  const root = await withTasks(repositoryWith({ 'package.json': packageJson() }), []);
  const tasks = templateNames.map(
    (name) => `export { default as ${name.replace('-', '_')} } from '../tasks/${name}-task.ts';`,
  );
  const checks = Object.values(SETTINGS).flatMap((settings, index): Check[] => {
    const folder = `src-${index}`;
    const compilerOptions = { noEmit: true, allowImportingTsExtensions: true, skipLibCheck: true, ...settings };
    put(root, {
      [`${folder}/tsconfig.json`]: JSON.stringify({ compilerOptions }),
      [`${folder}/main.ts`]: `${tasks.join('\n')}\n`,
    });
    return ENDS.map((types) => ({ compiler: 'typescript', types, folder: join(root, folder) }));
  });
  expect(await failing(checks)).toEqual([]);
});

test('the types that are tried are those that they are named for', () => {
  const versionOf = (name: string): string =>
    JSON.parse(readFileSync(join(home, 'node_modules', name, 'package.json'), 'utf8')).version;
  for (const name of [...TYPES, ...Object.keys(COMPILERS)]) {
    const [, version = ''] = /-(\d[\d.]*)$/.exec(name) ?? [];
    expect(versionOf(name), name).toMatch(new RegExp(`^${version.replaceAll('.', '\\.')}`));
  }
});
