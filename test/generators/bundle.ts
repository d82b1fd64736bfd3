// Set up once for the tests of the generator: the two commands bundled as they are published, beside what they ship.
// From the source each of the many commands that these tests run would load some thousand modules.
import { chmodSync, cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'rolldown';
import type { TestProject } from 'vitest/node';
import { packed } from '../../release/bundle/packed.ts';
import config from '../../rolldown.config.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the bundled commands. */
    commands: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const home = join(import.meta.dirname, '../..');
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'divvy-bundle-')));
  chmodSync(folder, 0o755); // One test runs them as another user.
  for (const name of ['runtime', 'templates', 'conformance', 'package.json', 'LICENSE'])
    cpSync(join(home, name), join(folder, name), { recursive: true });
  const dir = join(folder, 'dist');
  for (const options of [config].flat()) {
    // Vitest's own loader, which some tests use to run commands in their process, knows no hooks of Node.js.
    const plugins = [options.plugins].flat().filter((plugin) => plugin !== packed);
    await build({ ...options, plugins, cwd: home, logLevel: 'warn', output: { ...[options.output].flat()[0], dir } });
  }
  project.provide('commands', dir);
  return () => rmSync(folder, { recursive: true });
}
