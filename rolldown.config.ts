// Bundles the two commands into dist/, so that `npm create` fetches one small package and nothing else.
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import standaloneCode from 'ajv/dist/standalone/index.js';
import { defineConfig, type Plugin } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';
import { minify } from 'rolldown/utils';
import { leftOut } from './release/left-out.ts';
import { packed } from './release/releases.ts';

const modules = join(import.meta.dirname, 'node_modules');
const validatorsModule = join(import.meta.dirname, 'generators/schema/validators.ts');
/** The chunk that edits code, which is most of the package. */
const CODEMODS = 'ts-morph';

const withoutUnusedParts: Plugin = {
  name: 'without-unused-parts',
  resolveId(id, importer = '') {
    const name = packageFolder(importer)?.slice(modules.length + 1) ?? '';
    return leftOut[name]?.[id] ? `\0left-out:${name}:${id}` : null;
  },
  load(id) {
    const [, name = '', part = ''] = /^\0left-out:([^:]*):(.*)$/.exec(id) ?? [];
    if (name === '') return null;
    const exports = (leftOut[name]?.[part] ?? []).map((it, index) => {
      const [exported, does] = it.split(/ = (.*)/s);
      const throws = `function () { throw new Error('${exported} of ${part} is not in the bundle'); }`;
      return `const _${index} = ${does ?? throws};\nexport { _${index} as ${exported} };`;
    });
    return { code: exports.join('\n'), moduleSideEffects: false };
  },
  transform(code, id) {
    if (id !== join(modules, 'yeoman-environment/dist/environment-base.js')) return null;
    // From dist/ that file would be ours.
    const wanted = "require('../package.json').version";
    if (!code.includes(wanted)) this.error(`${id} no longer has ${wanted}`);
    return code.replace(wanted, JSON.stringify(packageJson(join(modules, 'yeoman-environment')).version));
  },
};

/** Methods of others that are called by nothing here, by file and class: there they are not in the bundle. */
const uncalled: Record<string, string[]> = {
  'yeoman-environment/dist/environment-base.js': [
    ...['applyTransforms', 'bindMeta', 'getStoreMeta', 'asEnvironment', 'findMeta', 'get', 'create', 'instantiate'],
    ...['composeWith', 'namespace', 'getVersion', 'rootGenerator', 'register', 'addPriority', 'lookup'],
    ...['isPackageRegistered', 'getRegisteredPackages', 'getGeneratorMeta', 'registerGeneratorPath', 'registerStub'],
    'getContextMap',
  ],
  'mem-fs/dist/index.js': ['existsInMemory', 'stream', 'pipeline'],
  'semver/classes/semver.js': ['compareBuild', 'inc'],
  'tar/dist/esm/header.js': ['encode'],
  'tar/dist/esm/pax.js': ['encode', 'encodeBody', 'encodeField'],
};

const withoutUncalled: Plugin = {
  name: 'without-uncalled',
  transform(code, id) {
    const names = uncalled[id.slice(modules.length + 1)];
    if (names === undefined) return null;
    const methods = new Map<string, Span>();
    visitNodes(parseAst(code), (node) => {
      if (node['type'] !== 'MethodDefinition' || node['kind'] !== 'method') return;
      const { key, computed, start, end } = node as unknown as Span & { key: Span; computed: boolean };
      const name = code.slice(key.start, key.end);
      methods.set(computed ? `[${name}]` : name, { start, end });
    });
    const spans = names.map((name) => methods.get(name) ?? this.error(`${id} no longer has ${name}`));
    spans.sort((one, other) => other.start - one.start);
    return spans.reduce((text, { start, end }) => text.slice(0, start) + text.slice(end), code);
  },
};

/**
 * Of ejs what renders a text whose `include` is answered by the `includer`, as in generators/rendering/files.ts: it looks for no
 * file then. And of package-manager-detector's commands the two that generators/programs/package-manager.ts asks for.
 */
const withoutFiles: Plugin = {
  name: 'without-files',
  transform(code, id) {
    const cut = (text: string, part: RegExp, by = ''): string =>
      part.test(text) ? text.replace(part, by) : this.error(`${id} no longer has ${part}`);
    if (id === join(modules, 'ejs/lib/esm/ejs.js')) {
      const rendering = [
        /^ejs\.renderFile = function[\s\S]*?^};$/m,
        /^ejs\.clearCache = function[\s\S]*?^};$/m,
        /^ejs\.resolveInclude = function[\s\S]*?^};$/m,
        /^ejs\.(fileLoader|promiseImpl|__express) = .*$/gm,
        /^.*= getIncludePath\(.*$/m,
        /^if \(typeof window [\s\S]*?^}$/m,
      ].reduce((text, part) => cut(text, part), code);
      const cached = /(?<=^function handleCache\(options, template\) \{\n)[\s\S]*?(?=^}$)/m;
      return cut(rendering, cached, '  return ejs.compile(template, options);\n');
    }
    if (id === join(modules, 'package-manager-detector/dist/commands.mjs')) {
      const names =
        'agent|run|install|frozen|global|add|upgrade|upgrade-interactive|dedupe|why|uninstall|global_uninstall';
      return cut(code, new RegExp(`^ +"(${names})": .*\\n`, 'gm'));
    }
    return null;
  },
};

/** js-yaml is one module. What makes its constants does nothing else, so that those that are not used need not be made. */
const onlyReadsYaml: Plugin = {
  name: 'only-reads-yaml',
  transform(code, id) {
    if (id !== join(modules, 'js-yaml/dist/js-yaml.mjs')) return null;
    // All that follows is for writing.
    const [reading = '', writing] = code.split('//#region src/ast/from_js.ts');
    if (writing === undefined) this.error(`${id} no longer has what reads before what writes`);
    // Of what an error says only its first line is shown: the lines of the file below it need not be made.
    const told = /(?<=^function makeSnippet\(mark, options\) \{\n).*?(?=^\}$)/ms;
    if (!told.test(reading)) this.error(`${id} no longer has what shows the lines of a fault`);
    // generators/host/workspaces.ts names the one that it reads by.
    const byDefault = 'schema: CORE_SCHEMA,';
    if (!reading.includes(byDefault)) this.error(`${id} no longer has the schema that it reads by`);
    const otherSchemas = /^var (CORE|JSON|YAML11|DUMP)_SCHEMA = .*?^\}?\]?\);$/gms;
    const constants = /^var [\w$]+ = (?=(new )?[\w$.]+\()/gm;
    return `${reading.replace(told, '').replace(byDefault, 'schema: FAILSAFE_SCHEMA,').replaceAll(otherSchemas, '').replaceAll(constants, '$&/* @__PURE__ */ ')}\nexport { FAILSAFE_SCHEMA, loadAll };`;
  },
};

/** An enum of TypeScript, as jsonc-parser has them, is filled by a call: as one value it can be left out where it is not used. */
const withoutEnums: Plugin = {
  name: 'without-enums',
  transform(code, id) {
    if (packageFolder(id) !== join(modules, 'jsonc-parser')) return null;
    const filled = /^(export )?var (\w+);\n\(function \(\2\) \{(.*?)^\}\)\(\2 \|\| \(\2 = \{\}\)\);$/gms;
    return code.replaceAll(filled, '$1var $2 = /* @__PURE__ */ (function ($2) {$3return $2;\n})({});');
  },
};

/** get-tsconfig is one module, with a copy of jsonc-parser in it, which is bundled already. */
const withoutCopy: Plugin = {
  name: 'without-copy',
  transform(code, id) {
    if (id !== join(modules, 'get-tsconfig/dist/index.mjs')) return null;
    const own = code.replace(
      /function We\(.*const Ve=Je;var de;.*\(de\|\|\(de=\{\}\)\);/s,
      'import { parse as Ve } from "jsonc-parser";',
    );
    if (own === code) this.error(`${id} no longer has its copy of jsonc-parser`);
    return withoutNames(own);
  },
};

/** Code whose functions are given their names by calls, without these: so that what nothing uses is seen to do nothing. */
function withoutNames(code: string): string {
  const calls: { at: number; to: number; by: string }[] = [];
  visitNodes(parseAst(code), (node) => {
    if (node['type'] !== 'CallExpression') return;
    const { callee, arguments: given, start, end } = node as unknown as CallExpression;
    const [named, name] = given;
    if (!/^[qr]$/.test(callee.name ?? '') || named === undefined || typeof name?.value !== 'string') return;
    calls.push({ at: start, to: named.start, by: '(' }, { at: named.end, to: end, by: ')' });
  });
  calls.sort((one, other) => other.at - one.at);
  return calls.reduce((text, { at, to, by }) => text.slice(0, at) + by + text.slice(to), code);
}

interface CallExpression extends Span {
  readonly callee: { readonly name?: string };
  readonly arguments: readonly (Span & { readonly value?: unknown })[];
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Every node of a syntax tree. */
function visitNodes(node: unknown, see: (node: Readonly<Record<string, unknown>>) => void): void {
  if (typeof node !== 'object' || node === null) return;
  see(node as Record<string, unknown>);
  for (const child of Object.values(node)) visitNodes(child, see);
}

/** The folder of the package that a module is of, if it is of one. */
function packageFolder(id: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0];
}

/** What is made here, as the validators are, nobody reads: it is made small as the code of others is. */
function isGenerated(id: string): boolean {
  return id.startsWith('\0') || id === validatorsModule;
}

/** The schemas that are shipped, as functions: checking a value needs no compiler of schemas then, which is large. */
const validators: Plugin = {
  name: 'validators',
  load(id) {
    if (id !== validatorsModule) return null;
    const schemas = globSync(['runtime/*.schema.json', 'templates/*.schema.json', 'generators/report/*.schema.json'], {
      cwd: import.meta.dirname,
    });
    const ajv = new Ajv({ strict: false, allErrors: true, inlineRefs: false, code: { source: true } });
    // What is told of a value to people checks nothing.
    const told = (key: string, value: unknown) =>
      key === 'description' && typeof value === 'string' ? undefined : value;
    for (const path of schemas)
      ajv.addSchema(JSON.parse(readFileSync(join(import.meta.dirname, path), 'utf8'), told), path);
    const names = Object.fromEntries(schemas.map((path, index) => [`check${index}`, path]));
    const table = Object.entries(names).map(([name, path]) => `${JSON.stringify(path)}: exports.${name}`);
    return {
      code: `${standaloneCode.default(ajv, names)};\nexports.validatorOf = (schema) => ({ ${table.join(', ')} })[schema];`,
      moduleType: 'js',
    };
  },
};

/** What the releases put into projects, for `divvy upgrade`. */
const releases: Plugin = {
  name: 'releases',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'releases.br', source: packed() });
  },
};

/** The style of the page of reports: that of its charts, then ours. */
const style: Plugin = {
  name: 'style',
  async generateBundle() {
    const parts = [join(modules, 'uplot/dist/uPlot.min.css'), join(import.meta.dirname, 'page/style.css')];
    const source = parts.map((file) => readFileSync(file, 'utf8')).join('\n');
    this.emitFile({ type: 'asset', fileName: 'page.css', source: withoutSpaces(source) });
  },
};

/** CSS without comments, and without spaces that mean nothing. */
const withoutSpaces = (css: string): string =>
  css
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,>]) ?/g, '$1')
    .replaceAll(';}', '}')
    .trim();

/** What the commands import once the check has passed is the other bundle. */
const commands: Plugin = {
  name: 'commands',
  resolveId: (id) => (id === './commands.ts' ? { id: './commands.js', external: true } : null),
};

/**
 * Takes modules of Node.js without `import`. That makes a list of each module's exports, and so loads what stands behind
 * them: streams and promises for `node:fs`, MIME types for `node:util`. The compiler's chunk stays: to load it takes a hundred
 * times as long, and to read it here takes seconds.
 */
const withoutLists: Plugin = {
  name: 'without-lists',
  renderChunk(code, chunk) {
    if (chunk.name === CODEMODS) return null;
    const imports = parseAst(code).body.filter((node) => node.type === 'ImportDeclaration');
    const own = imports.filter(({ source }) => isBuiltin(source.value));
    return own.toReversed().reduce((text, node) => {
      const taken = `globalThis.process.getBuiltinModule(${JSON.stringify(node.source.value)})`;
      const consts: string[] = [];
      const named: string[] = [];
      for (const it of node.specifiers) {
        if (it.type === 'ImportDefaultSpecifier') consts.push(it.local.name);
        else if (it.type === 'ImportSpecifier')
          named.push(`${code.slice(it.imported.start, it.imported.end)}: ${it.local.name}`);
        else this.error(`${node.source.value} is imported as a namespace`);
      }
      if (named.length > 0) consts.push(`{ ${named.join(', ')} }`);
      const all = consts.map((it) => `const ${it} = ${taken};`).join('\n');
      return text.slice(0, node.start) + all + text.slice(node.end);
    }, code);
  },
};

/**
 * Small: code of others is, to the last name but for classes, since errors are called by these. Code of ours keeps its
 * names, for stack traces, and has lines: an uncaught error prints the whole line.
 */
const minified: Plugin = {
  name: 'minified',
  async renderChunk(code, chunk) {
    const isOurs = Object.keys(chunk.modules).some((id) => packageFolder(id) === undefined && !isGenerated(id));
    const { code: small, errors } = await minify(chunk.fileName, code, {
      module: true,
      compress: true,
      mangle: { toplevel: true, keepNames: { function: isOurs || chunk.name === CODEMODS, class: true } },
      codegen: { removeWhitespace: true },
    });
    if (errors[0]) this.error(errors[0]);
    return isOurs ? inLines(small) : small;
  },
};

/** Puts each statement, each variable and each member of a class on a line of its own. */
function inLines(code: string): string {
  const starts = new Set<number>();
  visitNodes(parseAst(code), (node) => {
    const lists = ['body', 'consequent', 'declarations'].map((name) => node[name]).filter((it) => Array.isArray(it));
    // The first variable stands on the line of its statement.
    const inList = lists.flatMap((list) => (list === node['declarations'] ? list.slice(1) : list));
    for (const { start } of inList as Span[]) starts.add(start);
  });
  const cuts = [0, ...[...starts].filter((start) => start > 0).sort((a, b) => a - b)];
  return cuts.map((cut, index) => code.slice(cut, cuts[index + 1])).join('\n');
}

/** The licences of what is bundled, as they ask for: those of the chunk that edits code apart, since they are many. */
const notices: Plugin = {
  name: 'notices',
  generateBundle(_options, bundle) {
    const places = new Map<string, Set<string>>();
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue;
      const place = chunk.name === CODEMODS ? `${chunk.fileName}.LICENSES.txt` : 'LICENSES.txt';
      const folders = places.get(place) ?? new Set();
      places.set(place, folders);
      for (const [id, { renderedLength }] of Object.entries(chunk.modules)) {
        const folder = packageFolder(id);
        if (folder !== undefined && renderedLength > 0) folders.add(folder);
      }
      // It carries the compiler in a file of its own.
      if (folders.has(join(modules, '@ts-morph/common'))) folders.add(join(modules, 'typescript'));
    }
    for (const [fileName, folders] of places) {
      if (folders.size > 0) this.emitFile({ type: 'asset', fileName, source: licences([...folders].sort()) });
    }
  },
};

/** Each package with its own lines; what many permit in the same words, but for where lines end, once after them. */
function licences(folders: readonly string[]): string {
  const groups = new Map<string, { terms: string; packages: string[] }>();
  for (const folder of folders) {
    const { heading, text } = licence(folder);
    const start = Math.max(0, text.search(/^Permission (is hereby granted|to use)/m));
    const terms = text.slice(start);
    const words = terms.replaceAll(/\s+/g, ' ');
    const group = groups.get(words) ?? { terms, packages: [] };
    groups.set(words, group);
    group.packages.push(`${heading}\n\n${text.slice(0, start)}`.trim());
  }
  // Terms that are nearly the same are side by side, which packs best.
  const sorted = [...groups.values()].sort((a, b) => (a.terms < b.terms ? -1 : 1));
  const parts = sorted.map(({ terms, packages }) => [...packages, terms].join('\n\n'));
  return `${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

function licence(folder: string): { heading: string; text: string } {
  const { name, version, license, author } = packageJson(folder);
  if (license === undefined) throw new Error(`${folder} names no licence: may it be bundled?`);
  const by = typeof author === 'object' ? author.name : author;
  const heading = `${name} ${version} (${license})${by ? `, by ${by}` : ''}`;
  // It asks for its text or a link to it, and has no line of copyright.
  if (license === 'BlueOak-1.0.0') return { heading, text: 'https://blueoakcouncil.org/license/1.0.0' };
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .map((file) => withoutAppendix(readFileSync(join(folder, file), 'utf8').replaceAll('\r', '')).trim());
  if (texts.length === 0) texts.push(`(The package names its licence, ${license}, and has no text of it.)`);
  return { heading, text: texts.join('\n\n') };
}

/** Behind the terms of the Apache licence is how to apply it to work of one's own. */
const withoutAppendix = (text: string): string =>
  text.replace(
    /(END OF TERMS AND CONDITIONS)\n\s*APPENDIX: How to apply [\s\S]*limitations under the License\.\s*$/,
    '$1',
  );

interface PackageJson {
  name: string;
  version: string;
  license?: string;
  author?: string | { name: string };
}

function packageJson(folder: string): PackageJson {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}

export default defineConfig([
  {
    input: 'bin/commands.ts',
    platform: 'node',
    // What its package.json names first loads its parts by a `require` that no bundler sees.
    resolve: { alias: { 'jsonc-parser': join(modules, 'jsonc-parser/lib/esm/main.js') } },
    plugins: [
      withoutUnusedParts,
      withoutUncalled,
      onlyReadsYaml,
      withoutFiles,
      withoutCopy,
      withoutEnums,
      validators,
      withoutLists,
      minified,
      notices,
      releases,
    ],
    // What these do when loaded is to define things, though their package.json does not say so.
    treeshake: {
      moduleSideEffects: (id) => !/\/node_modules\/(yeoman-environment|@yeoman|lodash-es|jsonc-parser)\//.test(id),
    },
    output: {
      dir: 'dist',
      cleanDir: true,
      minify: false,
      entryFileNames: '[name].js',
      // Those of `vendor` are named by all that load them.
      chunkFileNames: ({ name }) => `${name.replace(/~.*/, '')}.js`,
      codeSplitting: {
        groups: [
          // ts-morph has it as well, and would take it along: a new project in a workspace needs it without ts-morph.
          { name: 'globs', test: /\/node_modules\/picomatch\//, priority: 2 },
          { name: CODEMODS, test: /\/node_modules\/@?ts-morph\//, priority: 1 },
          // A file takes a millisecond to load, however small it is: what every new project loads of others is one.
          {
            name: 'others',
            test: /\/node_modules\/(yeoman-environment|grouped-queue|mem-fs|jsonc-parser|reserved-identifiers|package-manager-detector|diff)\//,
            priority: 1,
          },
          // Apart from ours, and as ours are: what a command does not load, it does not load of these either.
          // But for two lines, which are less than the file that they would be.
          { name: 'vendor', test: /\/node_modules\/(?!filename-reserved-regex\/)/, entriesAware: true },
          { name: 'validators', test: (id) => id === validatorsModule },
          // Every command line loads these: as one file they pack better, and load sooner. The words are no more than a few
          // lines, and with the codemods the compiler would be loaded where a template is filled.
          {
            name: 'base',
            test: /\/generators\/(terminal\/(refusal|errors|flags|help|home|terminal|harmless|nearest)|package|codemods\/words)\.ts$/,
            priority: 1,
          },
          // What makes a project packs better so too, and loads sooner; most other commands need most of it.
          {
            name: 'shared',
            test: /\/generators\/((create|rendering|settling|next-steps|project|change-set|programs|schema|terminal|disk)\/|sources\/(errors|hidden|templates|trusting)\.ts$)/,
          },
          // As one file each of these two packs better, and what is in it needs the same other files.
          { name: 'small', test: /\/generators\/(apply|list|run|status|undo)\// },
          { name: 'templates', test: /\/generators\/template\// },
          // Where one is loaded, so is the compiler, beside which they are nothing.
          { name: 'codemods', test: /\/generators\/codemods\// },
        ],
      },
    },
  },
  {
    // The page of `divvy report`, which the command puts together from this script and the style.
    input: { page: 'page/main.ts' },
    platform: 'browser',
    plugins: [style],
    output: {
      dir: 'dist',
      format: 'iife',
      entryFileNames: '[name].js',
      minify: true,
      // Whoever passes a report on passes these on, and their licences with them.
      postBanner: `/*!\n${licences([join(modules, 'morphdom'), join(modules, 'uplot')]).trim()}\n*/`,
    },
  },
  {
    // The commands themselves say which Node.js is needed, and so must be read by one that is too old: CommonJS, and
    // nothing but the check before the rest is imported.
    input: { 'create-divvy-task': 'bin/create-divvy-task.ts', divvy: 'bin/divvy.ts' },
    platform: 'node',
    plugins: [commands],
    output: {
      dir: 'dist',
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name].cjs',
    },
  },
]);
