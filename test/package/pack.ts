// Set up once for the tests of the package: it is built and packed as it is for a release.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { stage } from '../../release/stage.ts';

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

/** Builds, stages and packs the package. Returns the path of the tarball, which is put into `folder`. */
export function pack(folder: string): string {
  execFileSync('npm', ['run', 'build'], { cwd: join(import.meta.dirname, '../..'), stdio: 'pipe' });
  const staged = join(folder, 'staged');
  stage(staged);
  const packing = ['pack', '--json', '--silent', '--pack-destination', folder, staged];
  const output = execFileSync('npm', packing, { encoding: 'utf8' });
  const [{ filename }] = JSON.parse(output) as [{ filename: string }];
  return join(folder, filename);
}
