/** The compiler's chunk, compressed: bin/unpacked.ts loads it. */

import { brotliCompressSync, constants } from 'node:zlib';
import type { Plugin } from 'rolldown';
import { CODEMODS } from './chunks.ts';

/** Of what is tried at each build; the best would take twenty times as long for a tenth less. */
const QUALITY = 9;

/** What is loaded where nothing unpacks it. */
const PLACEHOLDER = `function packed() {
  throw new Error('what edits code is in ts-morph.js.br, and nothing has unpacked it: run the command with Node.js itself (not by bun --bun), and install the package again if that file is missing');
}
`;

export const packed: Plugin = {
  name: 'packed',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk' || chunk.name !== CODEMODS) continue;
      const params = { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_LGWIN]: 24 };
      const source = brotliCompressSync(chunk.code, { params });
      this.emitFile({ type: 'asset', fileName: `${chunk.fileName}.br`, source });
      const names = chunk.exports.map((name) => `packed as ${name}`);
      chunk.code = `${PLACEHOLDER}export { ${names.join(', ')} };\n`;
    }
  },
};
