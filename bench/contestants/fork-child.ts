import type { Load } from '../load.ts';
import { works } from './work.ts';

const work: (item: never) => unknown = works[process.argv[2] as Load['work']];
const answer = (): void => void process.send?.('done');
process.on('message', (item) => {
  const working = work(item as never);
  if (working instanceof Promise) void working.then(answer);
  else answer();
});
process.send?.('ready');
