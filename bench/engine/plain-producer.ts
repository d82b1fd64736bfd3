// Plain BullMQ: adds one job an item, many at once, and waits until all have ended.
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';

const [, , port = '', name = '', count = '0'] = process.argv;
const AT_ONCE = 1000;
const connection = new Redis(Number(port), { maxRetriesPerRequest: null });
const queue = new Queue(name, { connection });
await queue.waitUntilReady();
const began = performance.now();
for (let from = 1; from <= Number(count); from += AT_ONCE) {
  const numbers = Array.from({ length: Math.min(AT_ONCE, Number(count) - from + 1) }, (_, at) => from + at);
  const options = { removeOnComplete: true };
  await queue.addBulk(numbers.map((number) => ({ name: 'item', data: { number }, opts: options })));
}
for (;;) {
  const { wait = 0, active = 0 } = await queue.getJobCounts('wait', 'active');
  if (wait + active === 0) break;
  await new Promise((resolve) => setTimeout(resolve, 20));
}
process.send?.(performance.now() - began);
connection.disconnect();
process.exit(0);
