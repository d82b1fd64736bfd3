import type { Parallelizable } from '#divvy';
import { loadOfArguments } from '../load.ts';
import { works } from './work.ts';

const load = loadOfArguments();
const work: (item: never) => void | Promise<void> = works[load.work];

export default class Work implements Parallelizable<never> {
  dispatch(): Iterable<never> {
    return []; // the items are given to the Master
  }

  process(item: never): void | Promise<void> {
    return work(item);
  }
}
