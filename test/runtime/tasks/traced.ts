// Its items are its arguments, and say what becomes of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { type ItemContext, type Parallelizable, RateLimited, taskArguments } from '#divvy';

const given = taskArguments({
  items: { type: 'words' },
  token: { type: 'string', secret: true, env: 'TRACED_TOKEN' },
});

/** It counts as no attempt. */
let wasLimited = false;

export default class Traced implements Parallelizable<string> {
  dispatch(): readonly string[] {
    return given.items;
  }

  key(item: string): string {
    return `the ${item}`;
  }

  process(item: string, { attempt }: ItemContext): void | Promise<void> {
    console.log(`${item} ${process.env['TRACEPARENT'] ?? 'untraced'}`);
    if (item === 'throws') throw new RangeError('it is out of range');
    if (item === 'secret') throw new Error(`the token is ${given.token}`);
    if (item === 'fails-once' && attempt === 1) throw new Error('only once');
    if (item === 'limited-once' && !wasLimited) {
      wasLimited = true;
      throw new RateLimited(1);
    }
    if (item === 'child') return makeSpan();
    if (item.endsWith('ms')) return sleep(Number.parseInt(item, 10)).then(() => {});
  }
}

/** As a library does that knows only the API. */
async function makeSpan(): Promise<void> {
  const { trace } = await import('@opentelemetry/api');
  trace.getTracer('library').startSpan('query').end();
}
