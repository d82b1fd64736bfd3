import type { Outcome, Parallelizable } from '#divvy';

const RESULTS: Readonly<Record<string, () => unknown>> = {
  nothing: () => undefined,
  text: () => 'a\nb "c" é \u2028',
  date: () => ({ at: new Date(0), left: undefined }),
  map: () => ({ deep: [1, { found: new Map([[1, 2]]) }] }),
  infinite: () => ({ rate: 1 / 0 }),
  bigint: () => [1n],
  circle: () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    return circle;
  },
  large: () => 'x'.repeat(2 * 1024 * 1024),
};

/** Its items are the task's arguments, and say what is returned. With HOOK=1 the master prints what it gets. */
export default class Returns implements Parallelizable<string, unknown> {
  declare afterProcess?: (item: string, result: unknown, outcome: Outcome) => void;

  constructor() {
    if (process.env['HOOK'] === '1') this.afterProcess = (item, result) => console.log(item, result);
  }

  *dispatch(): Generator<string> {
    yield* process.argv.slice(2);
  }

  key(item: string): string {
    return `own ${item}`;
  }

  process(item: string): unknown {
    return RESULTS[item]?.();
  }
}
