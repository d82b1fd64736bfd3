import { setFlagsFromString } from 'node:v8';
import { isWorkerProcess, type Parallelizable } from '#divvy';

const [where] = process.argv.slice(2);
const held: Buffer[] = [];

/**
 * Gives the compiler's threads work for longer than process.exit takes to come to wait for them, and allocates so much
 * that they will not get on without a collection of garbage. Node.js 24 and 26 then hang in it, most of the time.
 */
function keepCompilerWaiting(): void {
  setFlagsFromString('--invocation-count-for-maglev=2');
  setFlagsFromString('--minimum-invocations-after-ic-update=1');
  const lines = Array.from({ length: 400 }, (_, at) => {
    return `sum = (sum * ${at + 3} + of[${at % 7}] | 0) ^ (sum >> ${at % 5}); if (sum === ${at}) sum += more(sum, ${at});`;
  });
  // Each is another: of two that are the same, one is compiled.
  const bodyOf = (at: number): string => `let sum = ${at}; ${lines.join(' ')} return sum;`;
  const functions = Array.from({ length: 60 }, (_, at) => Function('of', 'more', bodyOf(at)));
  for (let round = 0; round < 20; round++) for (const each of functions) each([1, 2, 3, 4, 5, 6, 7], Math.max);
  for (let megabyte = 0; megabyte < 150; megabyte++) held.push(Buffer.allocUnsafeSlow(1024 * 1024));
}

if (where === 'the boot' && isWorkerProcess()) {
  keepCompilerWaiting();
  process.exit(7);
}

/** Processes that end while the compiler's threads wait for them. */
export default class CompilerWaits implements Parallelizable<number> {
  dispatch(): Iterable<number> {
    return [1, 2];
  }

  async process(item: number): Promise<void> {
    if (item === 1) return;
    if (where === 'an item that exits') {
      keepCompilerWaiting();
      process.exit(3);
    }
    if (where !== 'an item that throws') return;
    setImmediate(() => {
      keepCompilerWaiting();
      throw new Error('nobody catches this');
    });
    await new Promise(() => {});
  }

  beforeExit(): void {
    if (where === 'a worker at its end') keepCompilerWaiting();
  }

  afterRun(): void {
    if (where === 'the master') keepCompilerWaiting();
  }
}
