// Set up once for the tests of the package: it is built and packed as it is for a release.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the packed tarball. */
    tarball: string;
  }
}

export default function setup(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-package-'));
  project.provide('tarball', pack(folder));
  return () => rmSync(folder, { recursive: true });
}

/** Builds and packs the package. Returns the path of the tarball, which is put into `folder`. */
export function pack(folder: string): string {
  const output = execFileSync(
    'npm',
    ['pack', '--json', '--silent', '--foreground-scripts=false', '--pack-destination', folder],
    {
      cwd: join(import.meta.dirname, '../..'),
      encoding: 'utf8',
    },
  );
  const [{ filename }] = JSON.parse(output) as [{ filename: string }];
  return join(folder, filename);
}
