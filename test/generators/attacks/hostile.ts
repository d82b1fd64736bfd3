// Templates and packages as an enemy would make them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import type { Template } from '../../../generators/sources/templates.ts';
import { Refusal } from '../../../generators/terminal/refusal.ts';
import { type Ended, freshFolder } from '../commands.ts';

export type Files = Readonly<Record<string, string>>;

export function putFiles(folder: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/** A task, with something in its class and something above it. */
export const taskText = (inside = '', above = ''): string => `import type { Parallelizable } from '#divvy';
${above}
export default class ExampleTask implements Parallelizable<number> {
  *dispatch(): Generator<number> {
    yield 1;
  }
${inside}
  process(item: number): void {
    console.log(item);
  }
}
`;

const TEST = "import { test } from 'node:test';\n\ntest('nothing', () => {});\n";
const GOOD: Files = { 'tasks/example-task.ts': taskText(), 'test/example-task.test.ts': TEST };

const manifestText = (more: object): string =>
  JSON.stringify({ schemaVersion: 1, name: 'evil', description: 'An enemy', version: '1.0.0', ...more });

/** Makes the folder of a template: what a task needs, and `files` beside it or in its place. */
export function templateFolder(more: object | string = {}, files: Files = {}, folder = freshFolder()): string {
  const manifest = typeof more === 'string' ? more : manifestText(more);
  const below = Object.entries({ ...GOOD, ...files }).map(([path, text]) => [`files/${path}`, text]);
  putFiles(folder, { 'divvy.template.json': manifest, ...Object.fromEntries(below) });
  return folder;
}

/** A template that no file system has been asked about. */
export const inMemory = (files: Files, more: object = {}): Template => ({
  manifest: JSON.parse(manifestText(more)),
  files: Object.entries(files).map(([path, text]) => ({ path, bytes: Buffer.from(text) })),
  origin: { source: './evil', identity: '/evil', resolved: 'sha512-x' },
});

/** A package of somebody's. */
export function packageFolder(files: Files = {}): string {
  const folder = freshFolder();
  putFiles(folder, { 'package.json': '{\n  "name": "mine",\n  "type": "module"\n}\n', ...files });
  return folder;
}

export async function refusalOf(promise: Promise<unknown>): Promise<Refusal> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** A command ended as a refusal does: with its code, and words and no stack. */
export function expectRefused({ code, stderr }: Pick<Ended, 'code' | 'stderr'>, expected: number, words: RegExp): void {
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/\n\s+at |TypeError|node:internal/);
  expect(code, stderr).toBe(expected);
}

export const textOf = (folder: string, path: string): string => readFileSync(join(folder, path), 'utf8');
