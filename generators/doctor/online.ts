/** What npm knows of newer releases: asked only with `--online`. */

import { brotliDecompressSync } from 'node:zlib';
import { parseJson } from '../json/parse.ts';
import { divvyOf } from '../programs/shell.ts';
import { readPackage } from '../sources/npm.ts';
import type { Call } from '../terminal/command.ts';
import { Refusal } from '../terminal/refusal.ts';
import { saying } from '../terminal/waiting.ts';
import type { Home } from '../vendored/owned.ts';
import { type ReleasesFile, releases } from '../vendored/releases.ts';
import { isIn, isNewer } from '../versions.ts';
import type { Finding } from './findings.ts';

/**
 * The newest release on npm, and the faults of this copy that it knows of and this package does not. If npm cannot be asked,
 * that is the finding.
 */
export async function onNpm({ cwd, environment, terminal }: Call, { lock }: Home): Promise<Finding[]> {
  const shown = 'npm:create-divvy-task@latest';
  const source = { kind: 'npm', name: 'create-divvy-task', version: 'latest', shown, within: '' } as const;
  let newest: Awaited<ReturnType<typeof readPackage>>;
  try {
    newest = await saying(terminal.note, `Still fetching ${shown}: waiting for npm.`, () =>
      readPackage(source, cwd, environment),
    );
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return [
      { level: 'note', code: 'offline', message: `npm could not be asked: ${error.message}`, remedy: error.remedy },
    ];
  }
  const upgrade = divvyOf(newest.version, 'upgrade');
  const known = releases().advisories.map(({ id }) => id);
  const faults = advisoriesIn(newest.files)
    .filter(({ id, affected }) => !known.includes(id) && isIn(lock.runtime, affected))
    .map<Finding>(({ id, severity, text, fixed }) => ({
      level: 'due',
      code: 'advisory',
      message: `This copy has a known fault (${id}, ${severity}): ${text}`,
      remedy: `It is mended in ${fixed}: ${upgrade}`,
    }));
  if (!isNewer(newest.version, lock.runtime)) return faults;
  const message = `divvy ${newest.version} is on npm, and the runtime here is of ${lock.runtime}`;
  return [...faults, { level: 'note', code: 'older', message, remedy: `To renew it: ${upgrade}` }];
}

function advisoriesIn(files: readonly { readonly path: string; readonly bytes: Buffer }[]): ReleasesFile['advisories'] {
  const packed = files.find(({ path }) => path === 'dist/releases.br');
  return packed === undefined ? [] : (parseJson(brotliDecompressSync(packed.bytes)) as ReleasesFile).advisories;
}
