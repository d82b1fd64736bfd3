import { Script } from 'node:vm';

const unreadable = (): never => {
  throw new Error('looked at');
};
const error = (name: string): Error => Object.defineProperty(new Error('of its own'), name, { get: unreadable });
const hostile = new Proxy(new Error('of its own'), { get: unreadable, getPrototypeOf: unreadable });
const cyclic = new Error('cyclic');
cyclic.cause = cyclic;

/** What can be thrown: all of it, and what says how it is thrown. */
const THROWN: Readonly<Record<string, unknown>> = {
  undefined,
  null: null,
  symbol: Symbol('a symbol'),
  function: () => {},
  frozen: Object.freeze(new Error('frozen')),
  foreign: new Script('new TypeError("of another realm")').runInNewContext(),
  aggregate: new AggregateError([new Error('one')], 'several'),
  huge: new Error('x'.repeat(1_000_000)),
  cyclic,
  'no prototype': Object.setPrototypeOf(new Error('no prototype'), null),
  'a name that is none': Object.assign(new Error('x'), { name: { toString: null } }),
  'a message that is none': Object.assign(new Error('x'), { message: Symbol('s'), name: Symbol('n') }),
  name: error('name'),
  message: error('message'),
  stack: error('stack'),
  code: error('code'),
  cause: error('cause'),
  constructor: error('constructor'),
  permanent: error('permanent'),
  proxy: hostile,
  'shown by itself': { [Symbol.for('nodejs.util.inspect.custom')]: unreadable },
  'as a cause': new Error('with a cause', { cause: hostile }),
};

/** Throws anything that there is, or returns what cannot be waited for; and in the hooks at exits. */
export default class ThrowsAnything {
  *dispatch(): Generator<string> {
    yield* Object.keys(THROWN);
    yield* ['then that throws', 'then called twice', 'fine'];
  }
  process(item: string): unknown {
    if (item === 'fine') return item;
    if (item === 'then that throws') return Object.defineProperty({}, 'then', { get: unreadable });
    if (item === 'then called twice') {
      return {
        // biome-ignore lint/suspicious/noThenProperty: this is what is tried
        then(done: () => void): never {
          done();
          done();
          throw new Error('after all');
        },
      };
    }
    throw THROWN[item];
  }
  beforeExit(): never {
    throw hostile;
  }
  afterExit(): never {
    throw undefined;
  }
  afterRun(): never {
    throw 'just text';
  }
}
