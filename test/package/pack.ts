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

export default function pack(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-package-'));
  const output = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', folder], {
    cwd: join(import.meta.dirname, '../..'),
    encoding: 'utf8',
  });
  const [packed] = JSON.parse(output) as [{ filename: string }];
  project.provide('tarball', join(folder, packed.filename));
  return () => rmSync(folder, { recursive: true });
}
