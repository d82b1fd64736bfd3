// Bundles the two commands into dist/, so that `npm create` fetches one small package and nothing else.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';

const modules = join(import.meta.dirname, 'node_modules');

/**
 * What yeoman-environment imports for parts of it that are not used here: its own prompts, its own writing of files, its
 * search for installed generators, installing. They are most of its size, and of the time that it takes to start.
 */
const leftOut: Record<string, string[]> = {
  '@yeoman/adapter': ['QueuedAdapter'],
  '@yeoman/conflicter': ['createConflicterTransform', 'createYoResolveTransform', 'forceYoFiles'],
  '@yeoman/transform': ['filePipeline', 'transform'],
  'fly-import': ['flyImport'],
  'which-package-manager': ['whichPackageManager'],
  execa: ['execa', 'execaSync'],
  globby: ['globbySync'],
};

const yeomanEnvironment: Plugin = {
  name: 'yeoman-environment',
  resolveId(id, importer) {
    return id in leftOut && importer?.startsWith(join(modules, 'yeoman-environment')) ? `\0left-out:${id}` : null;
  },
  load(id) {
    const [, name] = id.split('\0left-out:');
    if (name === undefined) return null;
    const exports = (leftOut[name] ?? []).map(
      (it) => `export function ${it}() { throw new Error('${it} of ${name} is not in the bundle'); }`,
    );
    // The one thing of these that the environment makes at its start, for nothing.
    if (name === 'fly-import') exports.push('export class FlyRepository {}');
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

/** What the commands import once the check has passed is the other bundle. */
const commands: Plugin = {
  name: 'commands',
  resolveId: (id) => (id === './commands.ts' ? { id: './commands.js', external: true } : null),
};

/** The licences of all that is bundled, as they ask for: `THIRD-PARTY-NOTICES.txt` beside the bundle. */
const notices: Plugin = {
  name: 'notices',
  generateBundle(_options, bundle) {
    const folders = new Set<string>();
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue;
      for (const [id, { renderedLength }] of Object.entries(chunk.modules)) {
        const folder = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0];
        if (folder !== undefined && renderedLength > 0) folders.add(folder);
      }
    }
    // ts-morph carries the compiler in a file of its own.
    if (folders.has(join(modules, '@ts-morph/common'))) folders.add(join(modules, 'typescript'));
    const texts = [...folders].map(notice).sort();
    this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-NOTICES.txt', source: texts.join(`\n${'-'.repeat(80)}\n`) });
  },
};

function notice(folder: string): string {
  const { name, version, license, author } = packageJson(folder);
  if (license === undefined) throw new Error(`${folder} names no licence: may it be bundled?`);
  const by = typeof author === 'object' ? author.name : author;
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (texts.length === 0) texts.push(`(The package names its licence, ${license}, and has no text of it.)`);
  return `${name} ${version} (${license})${by ? `, by ${by}` : ''}\n\n${texts.join('\n\n')}\n`;
}

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
    plugins: [yeomanEnvironment, notices],
    // What these do when loaded is to define things, though their package.json does not say so.
    treeshake: { moduleSideEffects: (id) => !/\/node_modules\/(yeoman-environment|@yeoman|lodash-es)\//.test(id) },
    output: {
      dir: 'dist',
      cleanDir: true,
      // Small, and still with lines and names that a stack trace can show: white space costs little once packed.
      minify: { compress: true, mangle: { keepNames: true }, codegen: { removeWhitespace: false } },
      entryFileNames: '[name].js',
      chunkFileNames: '[name].js',
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
