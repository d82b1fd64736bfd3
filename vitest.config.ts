import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes longest, the longest first: begun last, one of them alone would be what all wait for at the end. */
const LONGEST = [
  ...['real-input', 'generators/upgrade', 'shapes/', 'generators/template', 'master/search', 'conformance'],
  ...['package/create', 'crash', 'generated/', 'merge', 'generators/report', 'limits', 'hooks', 'hook.', 'plan'],
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.includes(name));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

/**
 * Slow tests that need only one Node.js: the rules of delivery and of arguments depend on nothing of the system, and most of a
 * queue is not Node.js's.
 * --exclude can't do this: a project's own `exclude` replaces it.
 */
const SAME_ON_EACH = [
  ...['test/runtime/master/{delivery,search}.test.ts', 'test/runtime/task/arguments*.test.ts'],
  'test/runtime/engine/{window,faults,two-faults,deployment,security}.test.ts',
];

/** What asks little of Node.js. */
const OF_FILES_AND_TEXTS = 'test/runtime/{engine,journal,report,task,text}/**';

const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
  oldest: SAME_ON_EACH,
  between: [...SAME_ON_EACH, OF_FILES_AND_TEXTS],
};

// `vitest run` is what has to pass at every change; `vitest run --mode long` is what takes too long for that.
export default defineConfig(({ mode }) => {
  const tests = mode === 'long' ? '*.long.ts' : '*.test.ts';
  return {
    test: {
      pool: 'forks',
      sequence: { sequencer: LongestFirst },
      // Many tests start processes of their own, and wait for these most of the time.
      maxWorkers: 4,
      // Generous, so that a busy machine fails nothing; what must be quick is measured in bench/.
      testTimeout: mode === 'long' ? 3_600_000 : 120_000,
      hookTimeout: 120_000,
      projects: [
        {
          extends: true,
          test: {
            name: 'divvy',
            include: [`test/**/${tests}`],
            exclude: ['test/package/**', 'test/{generators,generated}/**', ...(LEFT_OUT[mode] ?? [])],
            globalSetup: 'test/runtime/stripped.ts',
          },
        },
        {
          extends: true,
          test: {
            name: 'generators',
            include: [`test/{generators,generated}/**/${tests}`],
            globalSetup: 'test/generators/bundle.ts',
          },
        },
        {
          extends: true,
          test: { name: 'package', include: [`test/package/**/${tests}`], globalSetup: 'test/package/pack.ts' },
        },
      ],
    },
  };
});
