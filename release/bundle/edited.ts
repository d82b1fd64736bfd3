/** Packages whose code is edited on its way into the bundle: so that the bundler can leave out what is not used of them. */

import { join } from 'node:path';
import type { Plugin } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';
import { modules, packageFolder } from './installed.ts';
import { type Span, visitNodes } from './syntax.ts';

/**
 * Of ejs what renders a text whose `include` is answered by the `includer`, as in generators/rendering/files.ts: it looks for no
 * file then. And of package-manager-detector's commands the two that generators/programs/package-manager.ts asks for.
 */
export const withoutFiles: Plugin = {
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
export const onlyReadsYaml: Plugin = {
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
export const withoutEnums: Plugin = {
  name: 'without-enums',
  transform(code, id) {
    if (packageFolder(id) !== join(modules, 'jsonc-parser')) return null;
    const filled = /^(export )?var (\w+);\n\(function \(\2\) \{(.*?)^\}\)\(\2 \|\| \(\2 = \{\}\)\);$/gms;
    return code.replaceAll(filled, '$1var $2 = /* @__PURE__ */ (function ($2) {$3return $2;\n})({});');
  },
};

/** get-tsconfig is one module, with a copy of jsonc-parser in it, which is bundled already. */
export const withoutCopy: Plugin = {
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
