/**
 * The compiler, which is most of the package, is shipped compressed, so that `npm create` fetches and writes less; it is
 * unpacked where it is loaded. release/bundle/packed.ts puts it there.
 */

import { existsSync, readFileSync } from 'node:fs';

const COMPILER = new URL('./ts-morph.js', import.meta.url);
const PACKED = new URL('./ts-morph.js.br', import.meta.url);

/**
 * Has Node.js unpack the compiler when it is imported, if it is packed: in tests that run in one process it is not. Bun has no
 * such hooks: by itself it runs what does not edit code.
 */
export function unpackCompiler(): void {
  const { registerHooks }: Partial<typeof import('node:module')> = process.getBuiltinModule('node:module');
  registerHooks?.({
    load(url, context, next) {
      if (url !== COMPILER.href || !existsSync(PACKED)) return next(url, context);
      const { brotliDecompressSync } = process.getBuiltinModule('node:zlib');
      const source = brotliDecompressSync(readFileSync(PACKED));
      return { format: 'module', source, shortCircuit: true };
    },
  });
}
