// Made-up releases of divvy: the bundled commands beside a runtime, templates and a version of their own.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';
import { cleanEnvironment, home } from './commands.ts';

/** What a made-up release changes. */
export interface Changes {
  /** The release before it: the folder that madeUp has returned. */
  readonly after?: string;
  readonly version: string;
  /** A folder that its runtime is taken from, whole; by default that of the release before. */
  readonly runtime?: string;
  /** Texts that are replaced, by file: each has to be there. */
  readonly edits?: readonly (readonly [file: string, from: string, to: string])[];
  /** Whole files, by path; null to remove one. */
  readonly files?: { readonly [path: string]: string | null };
  readonly renames?: { readonly [path: string]: string };
  readonly migrations?: readonly object[];
  readonly advisories?: readonly object[];
}

/**
 * Makes a release in a folder, which must not be there yet. Returns the file that is its command `divvy`. The releases before
 * it are known to it, as they would be.
 */
export function madeUp(
  folder: string,
  { after, version, runtime, edits = [], files = {}, renames, migrations, advisories = [] }: Changes,
): string {
  const from = after === undefined ? home : dirname(dirname(after));
  mkdirSync(folder, { recursive: true });
  for (const name of ['runtime', 'templates', 'conformance', 'LICENSE', 'package.json', 'generators', 'release'])
    cpSync(join(from, name), join(folder, name), { recursive: true });
  if (runtime !== undefined) {
    rmSync(join(folder, 'runtime'), { recursive: true });
    cpSync(runtime, join(folder, 'runtime'), { recursive: true });
  }
  // Tests keep other things beside the bundle: a Node.js for everybody, and what is compiled.
  const isOfBundle = (path: string) => path === inject('commands') || /\.(c?js|txt)$/.test(path);
  cpSync(inject('commands'), join(folder, 'dist'), { recursive: true, filter: isOfBundle });
  symlinkSync(join(home, 'node_modules'), join(folder, 'node_modules'));
  if (after !== undefined) run(folder, '--keep');
  const packageJson = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...packageJson, version }));
  for (const [file, old, text] of edits) {
    const path = join(folder, file);
    const source = readFileSync(path, 'utf8');
    if (!source.includes(old)) throw new Error(`${file} has no ${JSON.stringify(old)}`);
    writeFileSync(
      path,
      source.replace(old, () => text),
    );
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (text === null) execFileSync('rm', [join(folder, path)]);
    else writeFileSync(join(folder, path), text);
  }
  const told = join(folder, 'release/releases.json');
  const before = JSON.parse(readFileSync(told, 'utf8'));
  const all = {
    ...before,
    renames: { ...before.renames, ...(renames && { [version]: renames }) },
    migrations: { ...before.migrations, ...(migrations && { [version]: migrations }) },
    advisories,
  };
  writeFileSync(told, JSON.stringify(all));
  run(folder, '--packed', join(folder, 'dist/releases.br'));
  return join(folder, 'dist/divvy.cjs');
}

function run(folder: string, ...argv: readonly string[]): void {
  execFileSync(process.execPath, [join(folder, 'release/releases.ts'), ...argv], {
    env: cleanEnvironment(),
    stdio: 'pipe',
  });
}
