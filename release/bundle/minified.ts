/** How the output is made small, and quick to load. */

import { isBuiltin } from 'node:module';
import type { Plugin } from 'rolldown';
import { parseAst } from 'rolldown/parseAst';
import { minify } from 'rolldown/utils';
import { CODEMODS } from './chunks.ts';
import { packageFolder } from './installed.ts';
import { type Span, visitNodes } from './syntax.ts';
import { validatorsModule } from './validators.ts';

/**
 * Takes modules of Node.js without `import`. That makes a list of each module's exports, and so loads what stands behind
 * them: streams and promises for `node:fs`, MIME types for `node:util`. The compiler's chunk stays: to load it takes a hundred
 * times as long, and to read it here takes seconds.
 */
export const withoutLists: Plugin = {
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
export const minified: Plugin = {
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

/** What is made here, as the validators are, nobody reads: it is made small as the code of others is. */
function isGenerated(id: string): boolean {
  return id.startsWith('\0') || id === validatorsModule;
}

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
