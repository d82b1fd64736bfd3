/** What dist/ has besides code. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'rolldown';
import { packed } from '../releases.ts';
import { modules } from './installed.ts';

/** What the releases put into projects, for `divvy upgrade`. */
export const releases: Plugin = {
  name: 'releases',
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: 'releases.br', source: packed() });
  },
};

/** The style of the page of reports: that of its charts, then ours. */
export const style: Plugin = {
  name: 'style',
  async generateBundle() {
    const parts = [join(modules, 'uplot/dist/uPlot.min.css'), join(import.meta.dirname, '../../page/style.css')];
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
