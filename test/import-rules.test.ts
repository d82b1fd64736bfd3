// What may import what: docs/design.md says why.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { ts } from 'ts-morph';
import { describe, expect, test } from 'vitest';
import { partOf } from '../generators/project/parts.ts';

const home = join(import.meta.dirname, '..');

interface Import {
  /** The importing file, relative to the repository. */
  readonly from: string;
  /** A file of ours, relative to the repository; or what the import says, for a package and for node:*. */
  readonly to: string;
  readonly isOurs: boolean;
  /** It is gone when the types are: nothing is loaded for it. */
  readonly isType: boolean;
  readonly isDynamic: boolean;
}

const filesIn = (...patterns: string[]): string[] => globSync(patterns, { cwd: home }).sort();

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(join(home, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, isType: boolean, isDynamic: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const isOurs = specifier.text.startsWith('.');
    const to = isOurs ? normalize(join(dirname(file), specifier.text)) : specifier.text;
    found.push({ from: file, to, isOurs, isType, isDynamic });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node), false);
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly, false);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true, false);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false, true);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Only `import type …` is: of `import { type A } …` the module is still loaded. */
const isTypeOnly = (node: ts.ImportDeclaration): boolean =>
  node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;

const importsIn = (...patterns: string[]): Import[] => filesIn(...patterns).flatMap(importsOf);
const shown = (imports: readonly Import[]): string[] => imports.map(({ from, to }) => `${from} → ${to}`);
const isNode = (to: string): boolean => to.startsWith('node:');
const packageOf = (to: string): string => /^(@[^/]+\/)?[^/]+/.exec(to)?.[0] ?? to;

/** Everything that is loaded with a file. */
function loadedWith(file: string, follow: (found: Import) => boolean): Set<string> {
  const seen = new Set<string>();
  const visit = (path: string): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const found of importsOf(path)) {
      if (!follow(found)) continue;
      if (found.isOurs) visit(found.to);
      else seen.add(found.to);
    }
  };
  visit(file);
  return seen;
}

const statically = ({ isType, isDynamic }: Import): boolean => !isType && !isDynamic;

test('there is something to look at', () => {
  expect(importsIn('bin/*.ts').length).toBeGreaterThan(5);
  expect(importsIn('generators/**/*.ts').length).toBeGreaterThan(50);
  expect(importsIn('runtime/**/*.{ts,mjs}').length).toBeGreaterThan(20);
  expect(importsIn('templates/*/files/**/*.ts').length).toBeGreaterThan(5);
});

test('relative imports name their file with its ending', () => {
  const all = importsIn('{bin,conformance,generators,release,runtime,templates,test,bench}/**/*.{ts,mjs}').filter(
    ({ from }) => !isCase(from),
  );
  expect(shown(all.filter(({ to, isOurs }) => isOurs && !/\.(ts|mjs|cjs|json)$/.test(to)))).toEqual([]);
});

/** Sources that codemods are tested with are not of this repository. */
const isCase = (file: string): boolean => /^test\/codemods\/[^/]+\/[^/]+\//.test(file);

test('bin imports generators, and nothing else of ours', () => {
  const wrong = importsIn('bin/*.ts').filter(({ to, isOurs }) =>
    isOurs ? !/^(bin|generators)\//.test(to) : !isNode(to),
  );
  expect(shown(wrong)).toEqual([]);
});

/** The rooms that commands share, from top to bottom: each imports only what stands below it. */
const SHARED = [
  ...[
    'next-steps',
    'settling',
    'task-files',
    'vendored',
    'host',
    'rendering',
    'sources',
    'project',
    'schema',
    'change-set',
    'programs',
    'terminal',
  ],
  ...['conformance', 'versions.ts', 'package.ts', 'json', 'disk', 'codemods'],
];

describe('generators', () => {
  const roomOf = (path: string): string => path.split('/')[1] ?? '';
  const commands = [...new Set(filesIn('generators/**/*.ts').map(roomOf))].filter((room) => !SHARED.includes(room));
  const commandOf = (path: string): string | undefined =>
    commands.find((name) => path.startsWith(`generators/${name}/`));

  test('have the commands that there are', () => {
    const loaded = importsIn('bin/commands.ts').flatMap(({ to, isDynamic }) =>
      isDynamic ? (/^generators\/(\w+)\/\1\.ts$/.exec(to)?.[1] ?? []) : [],
    );
    expect(commands.toSorted()).toEqual([...new Set(loaded)].sort());
  });

  test('have no room that imports what stands above it', () => {
    const rank = (path: string): number => SHARED.indexOf(roomOf(path));
    const up = importsIn('generators/**/*.ts').filter(
      ({ from, to, isOurs }) => isOurs && rank(from) >= 0 && rank(from) > rank(to),
    );
    expect(shown(up)).toEqual([]);
  });

  test('read runtime/ and templates/ as files, and import only each other', () => {
    const wrong = importsIn('generators/**/*.ts').filter(({ to, isOurs }) => isOurs && !to.startsWith('generators/'));
    expect(shown(wrong)).toEqual([]);
  });

  test('a command imports no other command, and what commands share imports none', () => {
    const wrong = importsIn('generators/**/*.ts').filter(({ from, to, isOurs }) => {
      const target = isOurs ? commandOf(to) : undefined;
      return target !== undefined && target !== commandOf(from);
    });
    expect(shown(wrong)).toEqual([]);
  });

  test('codemods import ts-morph and each other: no file system, no terminal', () => {
    const wrong = importsIn('generators/codemods/**/*.ts').filter(
      ({ to, isOurs }) => !(isOurs ? to.startsWith('generators/codemods/') : to === 'ts-morph'),
    );
    expect(shown(wrong)).toEqual([]);
  });

  test('each package that is loaded has one owner, a file or a folder', () => {
    const owners = new Map<string, Set<string>>();
    for (const { from, to, isOurs, isType } of importsIn('{bin,generators}/**/*.ts')) {
      if (isOurs || isNode(to) || isType) continue;
      const owner = from.split('/').length > 2 ? dirname(from) : from;
      owners.set(packageOf(to), (owners.get(packageOf(to)) ?? new Set()).add(owner));
    }
    expect(owners.size).toBeGreaterThan(5);
    expect([...owners].filter(([, places]) => places.size > 1)).toEqual([]);
    for (const name of ['yeoman-environment', 'ejs', 'ts-morph', 'execa']) expect([...owners.keys()]).toContain(name);
  });

  test('--help loads no command, and of the packages only the one that finds the nearest word', () => {
    const loaded = [...loadedWith('bin/commands.ts', statically)];
    expect(loaded.filter((to) => commandOf(to) !== undefined)).toEqual([]);
    expect(loaded.filter((to) => !/^(bin|generators)\//.test(to) && !isNode(to))).toEqual(['leven']);
  });

  test('a new project loads no globs, no YAML, no ejs, and nothing that edits files', () => {
    const loaded = [...loadedWith('generators/create/create.ts', statically)];
    const unwanted = ['picomatch', 'js-yaml', 'ejs', 'generators/json/edit.ts', 'generators/host/host-file.ts'];
    expect(loaded.filter((to) => unwanted.includes(to))).toEqual([]);
  });

  test('ts-morph is loaded only where code is edited', () => {
    for (const command of commands) {
      const entry = `generators/${command}/${command}.ts`;
      expect([...loadedWith(entry, statically)]).not.toContain('ts-morph');
    }
  });
});

test('the two commands load nothing before the check of the Node.js version', () => {
  for (const file of ['bin/create-divvy-task.ts', 'bin/divvy.ts']) {
    expect([...loadedWith(file, statically)]).toEqual([file, 'bin/node-version.ts']);
  }
});

test('a template imports #divvy, node:*, its own files, and what its manifest declares', () => {
  const wrong = importsIn('templates/**/*.ts').filter(({ from, to, isOurs }) => {
    const [, name = ''] = from.split('/');
    if (isOurs) return !to.startsWith(`templates/${name}/files/`);
    const manifest = JSON.parse(readFileSync(join(home, 'templates', name, 'divvy.template.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    return to !== '#divvy' && !isNode(to) && !Object.hasOwn(manifest.dependencies ?? {}, packageOf(to));
  });
  expect(shown(wrong)).toEqual([]);
});

/** The rooms of runtime/ from top to bottom: each imports only what stands below it. A file at the top is a room of its own. */
const ROOMS = [
  ...['run.mjs', 'engines', 'engine', 'cli', 'report', 'index.ts', 'master', 'control', 'worker', 'wire', 'journal'],
  ...[
    'telemetry.ts',
    'options.ts',
    'task',
    'key.ts',
    'signals.ts',
    'tracing.ts',
    'role.ts',
    'errors.ts',
    'item-error.ts',
    'text',
    'events.ts',
  ],
  ...['version.ts', 'parallelizable.ts', 'load.mjs'],
];
/** Rooms that know nothing of each other. */
const APART = [
  ['master', 'worker'],
  ['worker', 'journal'],
  ['wire', 'journal'],
  ['control', 'worker'],
  ['control', 'journal'],
];
/** With --inline the master does a worker's work itself: the only file that brings the two together. */
const BOTH = 'runtime/master/inline.ts';

describe('the runtime', () => {
  const imports = importsIn('runtime/**/*.{ts,mjs}');
  const roomOf = (path: string): string => path.split('/')[1] ?? '';

  const partIn = (file: string) => partOf(file.slice('runtime/'.length));

  test('imports its siblings and node:*, and nothing else; a part on demand also the packages that it declares', () => {
    const wrong = imports.filter(({ from, to, isOurs }) =>
      isOurs
        ? !to.startsWith('runtime/')
        : !isNode(to) && !Object.hasOwn(partIn(from)?.dependencies ?? {}, packageOf(to)),
    );
    expect(shown(wrong)).toEqual([]);
  });

  test('knows nothing of its parts on demand', () => {
    const wrong = imports.filter(({ from, to }) => partIn(to) !== undefined && partIn(from) !== partIn(to));
    expect(partIn('runtime/telemetry.ts')).toBeDefined();
    expect(shown(wrong)).toEqual([]);
  });

  test('is built of these rooms, from top to bottom', () => {
    expect([...new Set(filesIn('runtime/**/*.{ts,mjs}').map(roomOf))].sort()).toEqual(ROOMS.toSorted());
    const up = imports.filter(
      ({ from, to, isOurs }) => isOurs && ROOMS.indexOf(roomOf(from)) > ROOMS.indexOf(roomOf(to)),
    );
    expect(shown(up)).toEqual([]);
  });

  test.each(APART)('%s and %s import nothing of each other', (one, other) => {
    const both = imports.filter(({ from, to, isOurs }) => {
      const rooms = [roomOf(from), roomOf(to)];
      return isOurs && from !== BOTH && rooms.includes(one) && rooms.includes(other);
    });
    expect(shown(both)).toEqual([]);
  });
});

test.each(['runtime', 'generators'])('%s has no circle of files', (folder) => {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' → '));
    if (done.has(file) || path.includes(file)) return;
    for (const found of importsOf(file)) if (found.isOurs) visit(found.to, [...path, file]);
    done.add(file);
  };
  for (const file of filesIn(`${folder}/**/*.{ts,mjs}`)) visit(file, []);
  expect(circles).toEqual([]);
});

describe('what can be read at one sitting:', () => {
  const sources = filesIn('{bin,conformance,generators,release,runtime,templates}/**/*.{ts,mjs}');
  const textOf = (file: string): string => readFileSync(join(home, file), 'utf8');

  test('no file has more than 450 lines', () => {
    // Also those that are new, and not yet in git.
    const listed = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', '*.ts', '*.mjs', '*.cjs'];
    const all = execFileSync('git', listed, { cwd: home, encoding: 'utf8' }).split('\0').filter(Boolean);
    for (const file of ['rolldown.config.ts', 'require-node.cjs', 'test/import-rules.test.ts'])
      expect(all).toContain(file);
    const files = all.filter((file) => existsSync(join(home, file)));
    expect(files.filter((file) => textOf(file).trimEnd().split('\n').length > 450)).toEqual([]);
  });

  test('no class has more than 15 private fields, and no function more than 60 lines', () => {
    const large: string[] = [];
    for (const file of sources) {
      const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest, true);
      const lineAt = (at: number): number => source.getLineAndCharacterOfPosition(at).line;
      const visit = (node: ts.Node): void => {
        if (ts.isClassDeclaration(node) && node.members.filter(isPrivateField).length > 15)
          large.push(`${file}: ${node.name?.text}`);
        if (ts.isFunctionLike(node) && 'body' in node && lineAt(node.end) - lineAt(node.getStart()) >= 60)
          large.push(`${file}: ${node.name?.getText() ?? 'a function'}`);
        ts.forEachChild(node, visit);
      };
      visit(source);
    }
    // One case for each event.
    expect(large).toEqual(['runtime/text/report.ts: tell']);
  });
});

const isPrivateField = (member: ts.ClassElement): boolean =>
  ts.isPropertyDeclaration(member) && ts.isPrivateIdentifier(member.name);
