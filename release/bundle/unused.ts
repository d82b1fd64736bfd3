/** What nothing here uses of other packages is not in the bundle: modules, and methods of classes. */

import { join } from 'node:path';
import type { Plugin } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';
import { modules, packageFolder, packageJson } from './installed.ts';
import { leftOut } from './left-out.ts';
import { type Span, visitNodes } from './syntax.ts';

export const withoutUnusedParts: Plugin = {
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

export const withoutUncalled: Plugin = {
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
