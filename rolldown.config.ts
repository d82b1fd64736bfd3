// Bundles the two commands into dist/, so that `npm create` fetches one small package and nothing else.
import { join } from 'node:path';
import { defineConfig, type Plugin } from 'rolldown';
import { releases, style } from './release/bundle/assets.ts';
import { chunks } from './release/bundle/chunks.ts';
import { onlyReadsYaml, withoutCopy, withoutEnums, withoutFiles } from './release/bundle/edited.ts';
import { modules } from './release/bundle/installed.ts';
import { licences, notices } from './release/bundle/licences.ts';
import { minified, withoutLists } from './release/bundle/minified.ts';
import { packed } from './release/bundle/packed.ts';
import { withoutUncalled, withoutUnusedParts } from './release/bundle/unused.ts';
import { validators } from './release/bundle/validators.ts';

/** What the commands import once the check has passed is the other bundle. */
const commands: Plugin = {
  name: 'commands',
  resolveId: (id) => (id === './commands.ts' ? { id: './commands.js', external: true } : null),
};

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
      packed,
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
      codeSplitting: { groups: chunks },
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
