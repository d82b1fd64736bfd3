// The conformance suite: this runtime passes it, runtimes with a fault do not, and it leaves nothing behind.
import { mkdtempSync, readdirSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startedFor } from '../../generators/conformance/program.ts';
import { type Conformity, caseNames, conform } from '../../generators/conformance/suite.ts';
import { vendoredRuntime } from '../../generators/project/vendor.ts';
import { MUTANTS, type Mutant } from './conformance-mutants.ts';

const runtime = new Map(vendoredRuntime('x').map(({ path, after }) => [path.slice('x/'.length), after]));
const [FIRST = ''] = caseNames;
/** Where the suite makes its folders. */
const folder = mkdtempSync(join(tmpdir(), 'dc-'));
const before = process.env['TMPDIR'];

beforeAll(() => {
  process.env['TMPDIR'] = folder;
});

afterEach(async () => {
  expect(readdirSync(folder)).toEqual([]);
  expect(await startedFor(folder)).toEqual([]);
});

afterAll(() => {
  if (before === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = before;
  rmSync(folder, { recursive: true });
});

/** The runtime with another file in place of one of its own; without it, if there is none. */
function withFile(path: string, text: string | undefined): Map<string, Buffer> {
  const changed = new Map(runtime);
  if (text === undefined) changed.delete(path);
  else changed.set(path, Buffer.from(text));
  return changed;
}

const reasonOf = ({ failed }: Conformity, name: string): string | undefined =>
  failed.find((failure) => failure.name === name)?.reason;

test('this runtime passes, and nothing is left behind', async () => {
  const { passed, failed } = await conform(runtime);
  expect(failed).toEqual([]);
  expect(passed).toEqual(caseNames);
});

test('cases have names of their own, and one that is not there is refused', async () => {
  expect(new Set(caseNames).size).toBe(caseNames.length);
  await expect(conform(runtime, { only: ['no such case'] })).rejects.toThrow('there is no case no such case');
});

test('a file outside the runtime is refused, and not written', async () => {
  await expect(conform(withFile('../../outside', ''))).rejects.toThrow('not a file of the runtime: ../../outside');
});

describe('a runtime that does not run', () => {
  test('hangs at its start: the first case says so, and no other is tried', async () => {
    const conformity = await conform(withFile('run.mjs', 'setInterval(() => {}, 1000);\n'));
    expect(conformity.passed).toEqual([]);
    expect(conformity.failed.map(({ name }) => name)).toEqual(caseNames);
    expect(reasonOf(conformity, FIRST)).toBe('it had not ended within 20 s; it waited for the run to end');
    expect(conformity.failed[1]?.reason).toBe(`not tried, because the case "${FIRST}" had not ended within 20 s`);
  });

  test('has no run.mjs', async () => {
    const conformity = await conform(withFile('run.mjs', undefined));
    const passes = ['Master and runInline work in a program']; // that starts without it
    expect(conformity.passed).toEqual(passes);
    expect(conformity.failed.map(({ name }) => name)).toEqual(caseNames.filter((name) => !passes.includes(name)));
    expect(reasonOf(conformity, FIRST)).toMatch(
      /^expected exit code 0 after a run in which every item is done, got exit code 1; it said:\n[\s\S]*Cannot find module/,
    );
  });

  test.each(['run.mjs', 'master/delivery.ts', 'worker/main.ts'])('has a syntax error in %s', async (file) => {
    const broken = withFile(file, `${runtime.get(file)}\n<<<<<<< mine\n`);
    const conformity = await conform(broken, { firstOnly: true });
    expect(conformity.passed).toEqual([]);
    expect(conformity.failed.map(({ name }) => name)).toEqual([FIRST]);
    expect(reasonOf(conformity, FIRST)).toMatch(/^expected exit code 0 [\s\S]*(Syntax|Expression expected|no worker)/);
  });
});

describe('an abort', () => {
  test('before it begins', async () => {
    const reason = new Error('not now');
    await expect(conform(runtime, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test('while cases run: rejects with its reason', async () => {
    const reason = new Error('that is enough');
    const stop = new AbortController();
    // A ledger: the second case has begun, and its workers run.
    const watcher = watch(folder, { recursive: true }, (_, name) => {
      if (name?.endsWith('2/ledger.ndjson')) stop.abort(reason);
    });
    try {
      await expect(conform(runtime, { signal: stop.signal })).rejects.toBe(reason);
      expect(stop.signal.aborted).toBe(true);
    } finally {
      watcher.close();
    }
  });
});

/** How many mutants are tried at once: most wait for processes to start or to end. */
const AT_ONCE = 3;

test('each of many faults that a wrong merge could make fails', { timeout: 600_000 }, async () => {
  expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
  const waiting = [...MUTANTS];
  const missed: string[] = [];
  const line = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const { by, fault, says } = mutant;
      // If this case fails, so does the whole suite.
      const reason = reasonOf(await conform(mutated(mutant), { only: [by], firstOnly: true }), by);
      if (reason === undefined) missed.push(`${fault}: not noticed by "${by}"`);
      else if (!says.test(reason)) missed.push(`${fault}: for another reason: ${reason}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, line));
  expect(missed).toEqual([]);
});

function mutated({ fault, file, from, to }: Mutant): Map<string, Buffer> {
  const text = String(runtime.get(file));
  expect(text.split(from).length - 1, `how often the text of "${fault}" is in ${file}`).toBe(1);
  return withFile(
    file,
    text.replace(from, () => to),
  );
}
