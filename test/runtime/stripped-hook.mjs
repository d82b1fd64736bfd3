// Loads a file of runtime/ as stripped.ts has left it; `in` says where. A task's files are Node.js's own to load.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const home = new URL('../../runtime/', import.meta.url).href;
const stripped = new URL(import.meta.url).searchParams.get('in');

registerHooks({
  load(url, context, next) {
    if (!url.startsWith(home) || !url.endsWith('.ts')) return next(url, context);
    const source = readFileSync(new URL(url.slice(home.length), stripped), 'utf8');
    return { format: 'module', source, shortCircuit: true };
  },
});
