import type { Parallelizable } from '#divvy';

const withHook = process.argv[2] === 'with hook';

/** One item, and a worker that does not leave as it should: in its hook, or behind all that is the runtime's. */
export default class Leaves implements Parallelizable<number> {
  beforeExit?: () => Promise<void>;

  constructor() {
    if (withHook) this.beforeExit = leave;
  }

  *dispatch(): Generator<number> {
    yield 1;
  }

  process(): void {
    console.log('processed');
    if (!withHook) process.on('exit', () => (process.exitCode = 4));
  }
}

async function leave(): Promise<void> {
  const how = process.env['BEFORE_EXIT'];
  if (how === 'exits') process.exit(3);
  if (how === 'is stuck') for (;;);
  await new Promise(() => {});
}
