/**
 * Node.js 22 takes the types out of each file anew in each process: a second of the processor for each run, many hundred times.
 * From 24 on its compile cache keeps what comes out. So on 22 that is done once here, by the same function of Node.js, for what
 * run-task.ts starts; the tests of generated projects have Node.js do it by itself.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The options of Node.js by which the runtime's files are loaded. */
    readonly nodeOptions: string;
  }
}

const runtime = join(import.meta.dirname, '../../runtime');

export default function setup({ provide }: TestProject): (() => void) | undefined {
  if (!process.version.startsWith('v22.')) {
    provide('nodeOptions', '');
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'divvy-stripped-'));
  for (const file of readdirSync(runtime, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), stripTypeScriptTypes(readFileSync(join(runtime, file), 'utf8')));
  }
  const hook = new URL('./stripped-hook.mjs', import.meta.url);
  hook.searchParams.set('in', `${pathToFileURL(folder).href}/`);
  provide('nodeOptions', `--import=${hook.href}`);
  return () => rmSync(folder, { recursive: true });
}
