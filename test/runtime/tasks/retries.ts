import { type ItemContext, type ItemError, type Outcome, PermanentError } from '#divvy';

/** Items that fail so many times, or for good; each attempt is told of. */
export default class Retries {
  *dispatch(): Generator<string> {
    yield 'fails once';
    yield 'fails always';
    yield 'PermanentError';
    yield 'permanent: true';
    yield 'throws text';
    yield 'throws what cannot be read';
  }

  async process(item: string, { attempt }: ItemContext): Promise<void> {
    console.log(`attempt ${attempt} at ${item}`);
    if (item === 'fails always' || (item === 'fails once' && attempt === 1)) throw new Error('again');
    if (item === 'PermanentError') throw new PermanentError('never');
    if (item === 'permanent: true') throw Object.assign(new Error('never'), { permanent: true });
    if (item === 'throws text') throw 'just text';
    if (item === 'throws what cannot be read') throw new Proxy(new PermanentError('never'), { get: broken });
  }

  afterFailure(item: string, { name, message }: ItemError, { attempts, number }: Outcome): void {
    console.log(`gave up ${number} (${item}) after ${attempts}: ${name}: ${message}`);
  }
}

function broken(): never {
  throw new Error('nobody may look');
}
