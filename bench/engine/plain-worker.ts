// Plain BullMQ: a worker of one job an item, as its documentation has it. Says when it is ready, and when so many have ended.
import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

const [, , port = '', queue = '', concurrency = '100'] = process.argv;
const connection = new Redis(Number(port), { maxRetriesPerRequest: null });
const worker = new Worker(queue, async (job) => job.data.number, { connection, concurrency: Number(concurrency) });
await worker.waitUntilReady();
process.send?.('ready');
