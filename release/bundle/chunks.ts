/** Which file of dist/ has which modules of the commands. */

import type { CodeSplittingGroup } from 'rolldown';
import { validatorsModule } from './validators.ts';

/** The chunk that edits code, which is most of the package. */
export const CODEMODS = 'ts-morph';

export const chunks: CodeSplittingGroup[] = [
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
];
