/**
 * Provides the packages for testing a template: those installed above the template, otherwise those of a new install.
 */

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stat } from '../disk/disk.ts';
import { parseJson } from '../json/parse.ts';
import { read } from '../package.ts';
import { runTool } from '../programs/processes.ts';
import { nothingToTestWith } from '../sources/errors.ts';
import type { TemplateManifest } from '../sources/templates.ts';

/**
 * Puts the compiler, the types of Node.js and the packages that the template imports into node_modules of a folder.
 *
 * Resolves with their origin, in words. Rejects with a Refusal with exit code 1 if it cannot get them.
 */
export async function providePackages(folder: string, template: string, manifest: TemplateManifest): Promise<string> {
  const needed = neededBy(manifest);
  const names = Object.keys(needed);
  const above = names.map((name) => [name, packageAbove(template, name)] as const);
  if (above.every(([, found]) => found !== undefined)) {
    for (const [name, found = ''] of above) {
      const link = join(folder, 'node_modules', name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(found, link, 'junction');
    }
    return `${names.map((name, index) => `${name} ${versionIn(above[index]?.[1] ?? '')}`).join(', ')}, from above the template`;
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: needed }));
  const result = await runTool('npm', ['install', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'], {
    cwd: folder,
  });
  if (!result.done) {
    throw nothingToTestWith(
      above.filter(([, found]) => found === undefined).map(([name]) => name),
      result.said.trim().split('\n')[0] || result.reason,
    );
  }
  return `${names.join(', ')}, installed for this by npm`;
}

/** The same packages as in a new project. */
function neededBy({ dependencies = {}, permissions }: TemplateManifest): { [name: string]: string } {
  const { devDependencies } = parseJson(read('templates/_project/_package.json')) as {
    devDependencies: { [name: string]: string };
  };
  return { ...devDependencies, ...permissions?.packageJson?.devDependencies, ...dependencies };
}

function packageAbove(folder: string, name: string): string | undefined {
  const here = join(folder, 'node_modules', name);
  if (stat(join(here, 'package.json')) !== undefined) return here;
  return dirname(folder) === folder ? undefined : packageAbove(dirname(folder), name);
}

const versionIn = (folder: string): string =>
  (parseJson(readFileSync(join(folder, 'package.json'))) as { version?: string }).version ?? '';
