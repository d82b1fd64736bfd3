// What the compiler refuses as an Item, and how briefly it says so. What it takes is in types/accepted.ts.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const home = join(import.meta.dirname, '../..');
const tsc = join(home, 'node_modules/typescript/bin/tsc');

/** An Item, and what the message about it has to name. */
const REFUSED: readonly (readonly [item: string, ...names: string[]])[] = [
  ['{ retry: () => void }', 'retry', 'a function'],
  ['{ a: { b: { retry(): void } } }', 'a.b.retry', 'a function'],
  ['{ a?: () => void }', "'a'", 'a function'],
  ['{ mark: symbol }', 'mark', 'a symbol'],
  ['{ marks: symbol[] }', 'marks', 'a symbol'],
  ['{ what: unknown }', 'what', 'unknown: say what it is'],
  ['{ later: Promise<number> }', 'later', 'a promise: await it first'],
  ['{ Class: typeof Date }', 'Class', 'a function'],
  ['{ url: URL }', 'url.', 'a function'],
  ['{ kind: 1; run(): void } | { kind: 2 }', 'run', 'a function'],
  ['readonly [number, { run(): void }]', 'run', 'a function'],
  ['Record<string, () => void>', 'index signatures', 'a function'],
  ['{ weak: WeakMap<object, number> }', 'weak.', 'a function'],
  ['{ map: Map<string, () => void> }', 'map.get', 'a function'],
  ['{ map: Map<() => void, string> }', 'map', 'a Map with keys that cannot be carried'],
  ['Map<string, () => void>', 'get', 'a function'],
  ['(() => void)[]', 'a function'],
  ['() => void', 'a function, a symbol or a promise'],
  ['number | (() => void)', 'a function, a symbol or a promise'],
  ['symbol', 'a function, a symbol or a promise'],
  ['Promise<number>', 'a function, a symbol or a promise'],
  ['unknown', "'unknown' does not satisfy"],
  ['{ set: Set<symbol> }', 'set', 'a symbol'],
];

test('an Item that cannot be carried is a short compile error that names the field', () => {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-types-'));
  try {
    const lines = REFUSED.map(([item], index) => `export type Refused${index} = Parallelizable<${item}>;`);
    const from = JSON.stringify(join(home, 'runtime/index.ts'));
    writeFileSync(
      join(folder, 'refused.ts'),
      [`import type { Parallelizable } from ${from};`, ...lines, ''].join('\n'),
    );
    const compilerOptions = { types: ['node'], typeRoots: [join(home, 'node_modules/@types')] };
    const config = { extends: join(home, 'tsconfig.json'), compilerOptions, include: ['refused.ts'] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
    const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
    const messages = new Map<number, string>();
    let line = 0;
    for (const text of stdout.trimEnd().split('\n')) {
      line = Number(/refused\.ts\((\d+),/.exec(text)?.[1] ?? line);
      messages.set(line, `${messages.get(line) ?? ''}${text}\n`);
    }
    expect([...messages.keys()], stdout).toEqual(REFUSED.map((_, index) => index + 2));
    for (const [index, [item, ...names]] of REFUSED.entries()) {
      const message = messages.get(index + 2) ?? '';
      for (const name of names) expect(message, item).toContain(name);
      // Only what is in a Set takes one line more.
      expect(message.trimEnd().split('\n').length, message).toBeLessThanOrEqual(item.includes('Set<') ? 6 : 5);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
