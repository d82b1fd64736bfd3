/** Plain `child_process.fork`: each child gets so many messages, and one more for each that it answers. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { itemsOf, loadOfArguments } from '../load.ts';
import { report } from './measure.ts';

const load = loadOfArguments();
const children = Array.from({ length: load.workers }, () =>
  fork(fileURLToPath(new URL('./fork-child.ts', import.meta.url)), [load.work], {
    serialization: load.serialization ?? 'json',
  }),
);
await Promise.all(children.map((child) => once(child, 'message'))); // each says that it is ready

const began = performance.now();
const items = itemsOf(load);
let done = 0;
const allDone = Promise.withResolvers<void>();
for (const child of children) {
  const sendNext = (): void => {
    const { value, done: none } = items.next();
    if (!none) child.send(value as object);
  };
  child.on('message', () => {
    if (++done === load.count) allDone.resolve();
    else sendNext();
  });
  for (let sent = 0; sent < load.inFlight; sent++) sendNext();
}
await allDone.promise;
report(done, performance.now() - began);
for (const child of children) child.disconnect();
