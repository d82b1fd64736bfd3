import type { Parallelizable } from '#divvy';

const withHook = process.argv[2] === 'with hook';

/** One item (where it is slow, four), and a worker that does not leave as it should: in its hook, or behind all that is the runtime's. */
export default class Leaves implements Parallelizable<number> {
  beforeExit?: () => Promise<void>;

  constructor() {
    if (withHook) this.beforeExit = leave;
  }

  *dispatch(): Generator<number> {
    for (let item = 1; item <= (process.env['BEFORE_EXIT'] === 'is slow' ? 4 : 1); item++) yield item;
  }

  async process(): Promise<void> {
    if (process.env['BEFORE_EXIT'] === 'is slow') await new Promise((resolve) => setTimeout(resolve, 150));
    console.log('processed');
    if (!withHook) process.on('exit', () => (process.exitCode = 4));
  }
}

async function leave(): Promise<void> {
  const how = process.env['BEFORE_EXIT'];
  if (how === 'exits') process.exit(3);
  if (how === 'is stuck') for (;;);
  if (how === 'is slow') return new Promise((resolve) => setTimeout(resolve, 250));
  await new Promise(() => {});
}
