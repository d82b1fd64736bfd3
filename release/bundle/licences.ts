/** The licences of the packages that are bundled. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';
import { CODEMODS } from './chunks.ts';
import { modules, packageFolder, packageJson } from './installed.ts';

/** The licences of what is bundled, as they ask for: those of the chunk that edits code apart, since they are many. */
export const notices: Plugin = {
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
export function licences(folders: readonly string[]): string {
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
