/**
 * Makes the folder that is packed and published, tmp/package: `npm run stage`. The working tree stays as it is: what is only for
 * npm (links that are whole addresses, a package.json without what is for development) is in that folder alone.
 */

import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { webOf, withWholeLinks } from './links.ts';

const home = join(import.meta.dirname, '..');
/** From the repository's root. */
const PLACE = 'tmp/package';
const REFUSED = 'package.json has no repository, and without it no link of the README to docs/ works on npm.';
const REMEDY = 'Set "repository" in package.json, then: npm run stage && npm publish ./tmp/package';

interface Manifest {
  readonly version: string;
  readonly files: readonly string[];
  readonly repository?: unknown;
  readonly [name: string]: unknown;
}

/**
 * Makes the folder anew. What is bundled has to be in dist/ already.
 *
 * folder   - absolute.
 * manifest - that of the repository, but in a test.
 */
export function stage(folder: string, manifest: Manifest = manifestOf(home)): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of [...manifest.files, 'LICENSE']) cpSync(join(home, name), join(folder, name), { recursive: true });
  const places = {
    web: webOf(manifest.repository, `v${manifest.version}`),
    isInRepository: (path: string) => existsSync(join(home, path)),
    isInPackage: (path: string) => existsSync(join(folder, path)),
  };
  writeFileSync(join(folder, 'README.md'), withWholeLinks(readFileSync(join(home, 'README.md'), 'utf8'), places));
  // Last: without it the folder cannot be published.
  const { scripts, devDependencies, allowScripts, ...published } = manifest;
  const refuses = { scripts: { prepublishOnly: refusal() } };
  const text = JSON.stringify({ ...published, ...(places.web === undefined && refuses) }, null, 2);
  writeFileSync(join(folder, 'package.json'), `${text}\n`);
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

/** Why the releases before this one, or what is told of them, do not fit what is here. */
async function whyNot(): Promise<string[]> {
  const { past, told, whyNotReleased } = await import('./releases.ts');
  const { shippedFiles } = await import('../generators/vendored/releases.ts');
  return whyNotReleased(readFileSync(join(home, 'CHANGELOG.md'), 'utf8'), shippedFiles(), past(), told());
}

/** A command that says why, in any shell, and fails. */
const refusal = (): string =>
  `node -e "console.error('${`${REFUSED}\n${REMEDY}`.replaceAll('"', '\\u0022').replaceAll('\n', '\\n')}');process.exit(1)"`;

if (process.argv[1] === import.meta.filename) {
  const manifest = manifestOf(home);
  if (process.argv[2] === '--not-here') {
    console.error(
      `The repository is not what is published, but ${PLACE}, which is made of it.\n${manifest.repository === undefined ? `${REFUSED}\n${REMEDY}` : 'Publish that: npm run stage && npm publish ./tmp/package'}`,
    );
    process.exitCode = 1;
  } else {
    const reasons = await whyNot();
    if (reasons.length > 0) throw new Error(`This cannot be released:\n${reasons.join('\n')}`);
    stage(join(home, PLACE), manifest);
    console.log(`${PLACE} is there: npm publish ./${PLACE}`);
    if (manifest.repository === undefined) console.log(`It cannot be published yet. ${REFUSED}\n${REMEDY}`);
  }
}
