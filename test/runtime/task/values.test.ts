// taskArguments in a program: tests of tasks, a Master as a library; and what the words of a command line mean.
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { Master, type MasterOptions, type Parallelizable, runInline, taskArguments } from '../../../runtime/index.ts';
import { comparedWords, recordedWords, withoutSecrets } from '../../../runtime/task/words.ts';
import { taskFile } from '../run-task.ts';

const args = taskArguments({
  place: { type: 'string', required: true, env: 'DIVVY_TEST_PLACE' },
  rows: { type: 'integer', default: 3 },
  maybe: { type: 'number' },
  quick: { type: 'boolean' },
  list: { type: 'words' },
  pin: { type: 'string', secret: true },
});

class Reads implements Parallelizable<number, unknown> {
  *dispatch(): Generator<number> {
    for (let row = 0; row < args.rows; row++) yield row;
  }

  process(row: number): unknown {
    return [args.place, row, args.maybe, args.quick, args.list, args.pin];
  }
}

test('the values have their types', () => {
  expectTypeOf(args).toEqualTypeOf<{
    readonly place: string;
    readonly rows: number;
    readonly maybe: number | undefined;
    readonly quick: boolean;
    readonly list: readonly string[];
    readonly pin: string | undefined;
  }>();
  // @ts-expect-error: a default of another type
  expect(() => taskArguments({ rows: { type: 'integer', default: 'three' } })).toThrow(TypeError);
  // @ts-expect-error: words without a name are no secret
  expect(() => taskArguments({ words: { type: 'words', secret: true } })).toThrow(TypeError);
  // @ts-expect-error: misspelt
  expect(() => taskArguments({ token: { type: 'string', secert: true } })).toThrow(/has secert, which is none of/);
  // @ts-expect-error: a text has no smallest value
  expect(() => taskArguments({ token: { type: 'string', min: 1 } })).toThrow(/has min, which is none of/);
});

describe('runInline', () => {
  const resultsOf = async (given?: Parameters<typeof runInline>[1]): Promise<unknown[]> =>
    (await runInline(Reads, given as object)).map((outcome) => (outcome.done ? outcome.result : outcome.error.message));

  test('gives the values, several times at once', async () => {
    const [here, there] = await Promise.all([
      resultsOf({ args: { place: 'here', rows: 1, quick: true, list: ['a', 'b'], maybe: -0.5, pin: 'p' } }),
      resultsOf({ args: { place: 'there', rows: 2 } }),
    ]);
    expect(here).toEqual([['here', 0, -0.5, true, ['a', 'b'], 'p']]);
    expect(there).toEqual([
      ['there', 0, undefined, false, [], undefined],
      ['there', 1, undefined, false, [], undefined],
    ]);
  });

  test('takes what is left out from the environment, or fails where it is used', async () => {
    const missing = await resultsOf({ args: { rows: 1 } });
    expect(missing).toEqual([
      'a task argument has no value here, outside a run: place is missing: set the variable DIVVY_TEST_PLACE, or write place=TEXT; in a test: runInline(task, { args: { … } })',
    ]);
    process.env['DIVVY_TEST_PLACE'] = 'around';
    try {
      expect(await resultsOf({ args: { rows: 1 } })).toEqual([['around', 0, undefined, false, [], undefined]]);
      expect(args.place).toBe('around');
    } finally {
      delete process.env['DIVVY_TEST_PLACE'];
    }
  });

  test('refuses a value of another type, and a name that nothing declares', async () => {
    expect(await resultsOf({ args: { place: 'here', maybe: 'much' }, items: [1] } as object)).toEqual([
      expect.stringContaining('maybe must be a number, and is "much"') as string,
    ]);
    await expect(resultsOf({ args: { plaice: 'here' } })).rejects.toThrow(
      /^args has plaice, which the task doesn't declare; .*\(declared are: place, rows, /,
    );
  });

  test('outside a run nothing is checked before it is used', () => {
    expect(args.rows).toBe(3);
    expect(() => args.place).toThrow(/^a task argument has no value here, outside a run: place is missing/);
  });
});

describe('a Master in a program', () => {
  const run = (words: string[], more: MasterOptions = {}): Promise<unknown> =>
    new Master(taskFile('declares'), {
      ...{ args: words, workers: 1, signals: false, items: [1, 3], observe: () => {} },
      ...more,
    }).run();

  test('gives its args to the task, and refuses wrong ones before it begins', async () => {
    await expect(run(['table=users'])).rejects.toThrow(/token is missing: set the variable TOKEN/);
    expect(await run(['table=users', 'token=1234'])).toMatchObject({ exitCode: 0, counts: { done: 2 } });
    expect(await run(['table=orders', 'token=1234'], { inline: true })).toMatchObject({ exitCode: 0 });
  });

  test('one with other arguments beside it in the same process is refused: they could not be told apart', async () => {
    const first = run(['table=users', 'token=1234']);
    await expect(run(['table=orders', 'token=1234'])).rejects.toThrow(
      /^another run with other task arguments goes on in this process/,
    );
    expect(await first).toMatchObject({ exitCode: 0 });
  });
});

describe('the words of a command line', () => {
  const NAMES = [
    { name: 'table', type: 'string' },
    { name: 'batch', type: 'integer', tuning: true },
    { name: 'dry', type: 'boolean' },
    { name: 'token', type: 'string', secret: true },
    { name: 'files', type: 'words' },
  ] as const;
  const text = fc.string({ unit: 'binary' }).filter((each) => !each.startsWith('--'));
  /** One argument, and each way to write it. */
  const written = fc.oneof(
    fc.tuple(fc.constantFrom('table', 'batch', 'token'), text).map(([name, value]) => ({
      name,
      ways: [[`${name}=${value}`], [`--${name}=${value}`], [`--${name}`, value]],
    })),
    fc.boolean().map((is) => ({
      name: 'dry',
      ways: [[`dry=${is}`], [`--dry=${is}`], [is ? '--dry' : '--no-dry']],
    })),
  );
  const lines = fc
    .tuple(fc.uniqueArray(written, { selector: ({ name }) => name }), fc.array(text), fc.nat(), fc.nat())
    .map(([named, files, one, other]) => {
      const line = (seed: number, order: typeof named): string[] => [
        ...order.flatMap(({ ways }, at) => ways[(seed + at) % ways.length] ?? []),
        ...files.map((file) => `files=${file}`),
      ];
      return { lines: [line(one, named), line(other, named.toReversed())] as const, files };
    });

  test('two ways to write the same arguments are recorded alike, and what is recorded is read as it was', () => {
    fc.assert(
      fc.property(lines, ({ lines: [one, other], files }) => {
        const recorded = recordedWords(one, NAMES);
        expect(recordedWords(other, NAMES)).toEqual(recorded);
        expect(recordedWords(recorded, NAMES)).toEqual(recorded);
        expect(recorded.filter((word) => !/^(table|batch|dry)=/.test(word)).length).toBeLessThanOrEqual(files.length);
        expect(comparedWords(recorded, NAMES)).toEqual(comparedWords(other, NAMES));
      }),
      { numRuns: 2000 },
    );
  });

  test('a secret is in nothing that is recorded or shown', () => {
    const secret = fc.string({ minLength: 1 }).map((each) => `<<${each}>>`);
    fc.assert(
      fc.property(lines, secret, fc.nat({ max: 2 }), fc.nat(), ({ lines: [line] }, value, way, seed) => {
        const own = [[`token=${value}`], [`--token=${value}`], ['--token', value]][way] ?? [];
        const others = line.filter((word) => /^(table|dry|batch|files)=/.test(word));
        const at = seed % (others.length + 1);
        const words = [...others.slice(0, at), ...own, ...others.slice(at)];
        for (const shown of [recordedWords(words, NAMES), comparedWords(words, NAMES)])
          expect(shown.join('\n')).not.toContain(value);
        const command = ['-n', '5', 'tasks/x.ts', '--', ...words];
        expect(withoutSecrets(command, words, NAMES)).toEqual(['-n', '5', 'tasks/x.ts', '--', ...others]);
      }),
      { numRuns: 2000 },
    );
  });

  test('without declared arguments they stay as they are', () => {
    expect(recordedWords(['b=1', '--x', 'a'], [])).toEqual(['b=1', '--x', 'a']);
    expect(comparedWords(['b=1', '--x', 'a'], [])).toEqual(['b=1', '--x', 'a']);
  });
});
