/**
 * Node.js 22 takes the types out of each file anew in each process, which costs half a second of the processor for each run.
 * Later releases keep what comes out. So on 22 it is done once here, by the same function of Node.js, in a process of its
 * own because that warns. The first case does without, and shows that Node.js loads the runtime by itself.
 */

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Takes the types out of each file of the runtime and of the tasks; a file that it can't read stays Node.js's own to load. */
const STRIP = `import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { dirname } from 'node:path';
for (const folder of ['runtime', 'tasks'])
  for (const file of readdirSync(folder, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const to = \`stripped/\${folder}/\${file}\`;
    mkdirSync(dirname(to), { recursive: true });
    try {
      writeFileSync(to, stripTypeScriptTypes(readFileSync(\`\${folder}/\${file}\`, 'utf8')));
    } catch {}
  }
`;

const HOOK = `import { existsSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
const home = new URL('./', import.meta.url).href;
registerHooks({
  load(url, context, next) {
    const file = url.startsWith(home) && url.endsWith('.ts') && new URL('stripped/' + url.slice(home.length), home);
    if (!file || !existsSync(file)) return next(url, context);
    return { format: 'module', source: readFileSync(file, 'utf8'), shortCircuit: true };
  },
});
`;

/** Strips the types in a scratch folder. Resolves with what Node.js needs in its environment to load what came out. */
export async function strip(folder: string): Promise<Readonly<Record<string, string>>> {
  if (!process.versions.node.startsWith('22.')) return {};
  writeFileSync(join(folder, 'strip.mjs'), STRIP);
  writeFileSync(join(folder, 'hook.mjs'), HOOK);
  const stripped = await new Promise<boolean>((resolve) => {
    const options = { cwd: folder, env: {}, timeout: STRIPPED_WITHIN_MS };
    execFile(process.execPath, ['--no-warnings', 'strip.mjs'], options, (error) => resolve(error === null));
  });
  return stripped ? { NODE_OPTIONS: `--import=${join(folder, 'hook.mjs')}` } : {};
}

const STRIPPED_WITHIN_MS = 20_000;
