/**
 * Loaded by --import: traces with a line on stdout for each thing that it is told. TRACER says what goes wrong in it: the name of
 * a part that throws, `never flushes`, or `forgets` (its `within` calls nothing).
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type AttemptTrace, type RunTrace, traceWith } from '../../../runtime/index.ts';

const wrong = process.env['TRACER'];
export const around: AsyncLocalStorage<string> = new AsyncLocalStorage();

const say = (...words: unknown[]): void => console.log('tracer:', ...words);
const mayThrow = (part: string): void => {
  if (wrong === part || wrong === 'everything') throw new Error(`${part} is broken`);
};

function within(name: string, act: () => void): void {
  if (wrong === 'forgets') return;
  mayThrow('before');
  around.run(name, act);
  mayThrow('after');
}

traceWith({
  run({ taskFile, workers }): RunTrace {
    mayThrow('run');
    say('run', taskFile.replace(/^.*\//, ''), workers);
    return {
      env: { TRACED_BY: 'the tracer' },
      within: (act) => within('the run', act),
      end({ result, error }) {
        mayThrow('end of run');
        say('run ended', result?.exitCode, error?.message);
      },
    };
  },
  attempt({ worker, number, attempt, key }): AttemptTrace {
    mayThrow('attempt');
    return {
      within: (act) => within(`item ${number}`, act),
      end({ how, error }) {
        mayThrow('end');
        say('attempt', worker, number, attempt, key, how, error?.message);
      },
    };
  },
  async flush() {
    if (wrong === 'never flushes') await new Promise(() => {});
    mayThrow('flush');
    say('flush');
  },
});
