import type { Parallelizable } from '#divvy';

const [where] = process.argv.slice(2);

/** One of its hooks, named by its argument, never comes back. */
export default class Hangs implements Parallelizable<number> {
  beforeRun(): Promise<void> | undefined {
    return hang('beforeRun');
  }

  beforeFork(): Promise<void> | undefined {
    return hang('beforeFork');
  }

  afterProcess(): Promise<void> | undefined {
    return hang('afterProcess');
  }

  afterRun(): Promise<void> | undefined {
    return hang('afterRun');
  }

  *dispatch(): Generator<number> {
    yield 1;
    yield 2;
  }

  process(): void {}
}

function hang(hook: string): Promise<void> | undefined {
  if (hook !== where) return undefined;
  console.log(`${hook} hangs`);
  return new Promise(() => setInterval(() => {}, 1000));
}
