import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<number>();

/** Each item says what it finds in the storage, and leaves something there. */
export default class Contexts {
  *dispatch(): Generator<number> {
    for (let item = 1; item <= 10; item++) yield item;
  }

  process(item: number): Promise<void> | undefined {
    console.log(storage.getStore());
    storage.enterWith(item);
    return item % 2 === 0 ? Promise.resolve() : undefined;
  }
}
