import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { Master, runInline } from '#divvy';
import ExampleTask, { urlsIn, waitOf } from '../tasks/example-task.ts';

// The URLs are given here, and answered here. The task's own `dispatch` does not run, so a test asks nobody else.
const answers: Readonly<Record<string, RequestListener>> = {
  '/hello': (_request, response) => response.setHeader('content-type', 'text/plain').end('hello'),
  '/moved': (_request, response) => response.writeHead(302, { location: '/hello' }).end(),
  '/gone': (_request, response) => response.writeHead(404).end('no such page'),
  '/busy': (_request, response) => response.writeHead(busy++ === 0 ? 503 : 200).end('at last'),
  // It lets nobody in for a moment, once. Some time later it does.
  '/limited': (_request, response) => {
    const isFirst = limitedAt === undefined;
    limitedAt ??= Date.now();
    response.writeHead(isFirst ? 429 : 200, isFirst ? { 'retry-after': '1' } : {}).end();
  },
  '/tomorrow': (_request, response) => response.writeHead(429, { 'retry-after': '86400' }).end(),
  '/reset': (request) => request.socket.destroy(),
  '/endless': (_request, response) => {
    const more = (): boolean => response.write(Buffer.alloc(1024 * 1024));
    response.on('drain', more);
    more();
  },
};
let busy = 0;
let limitedAt: number | undefined;
const server = createServer((request, response) => answers[request.url ?? '']?.(request, response));
const at = (path: string): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;

before(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
after(() => {
  server.closeAllConnections();
  server.close();
});

test('an answer is its status, size and type, here in the test process', async () => {
  const outcomes = await runInline(ExampleTask, { items: [at('/hello'), at('/moved')] });

  const answer = { status: 200, bytes: 5, type: 'text/plain' };
  assert.deepEqual(
    outcomes.map((outcome) => outcome.done && outcome.result),
    [answer, answer],
  );
});

test('what may be otherwise the next time is tried again, and nothing else is', async () => {
  const items = ['/busy', '/reset', '/gone', '/endless'].map(at);
  const outcomes = await runInline(ExampleTask, { items: [...items, 'ftp://example.com'], retries: 1 });

  assert.deepEqual(
    outcomes.map(({ attempts, ...outcome }) => [attempts, outcome.done || outcome.error.message]),
    [
      [2, true],
      [2, 'fetch failed'],
      [1, 'HTTP 404 Not Found'],
      [1, 'its body is larger than 10485760 bytes'],
      [1, 'it is no URL of http or https'],
    ],
  );
});

test('two workers fetch the URLs, and print a line for each', async () => {
  const taskFile = new URL('../tasks/example-task.ts', import.meta.url);
  const items = ['/hello', '/gone', '/moved', '/hello'].map(at);

  const { counts } = await new Master(taskFile, { workers: 2, items, args: ['urls.txt'], signals: false }).run();

  assert.equal(counts.done, 3);
  assert.equal(counts.failed, 1);
});

test('after a 429 it waits as long as it is asked to, and that is no failure', async () => {
  const taskFile = new URL('../tasks/example-task.ts', import.meta.url);
  const items = ['/limited', '/tomorrow'].map(at);

  const { counts } = await new Master(taskFile, { workers: 1, items, args: ['urls.txt'], signals: false }).run();

  assert.equal(counts.done, 1);
  assert.equal(counts.failed, 1); // who asks to wait until tomorrow is not waited for
  assert.ok(Date.now() - (limitedAt ?? 0) >= 1000);
});

test('Retry-After has seconds, or a date', () => {
  assert.equal(waitOf('120'), 120_000);
  assert.equal(waitOf('Thu, 01 Jan 1970 00:00:00 GMT'), 0);
  assert.equal(waitOf('soon'), undefined);
  assert.equal(waitOf(null), undefined);
});

test('a list of URLs may have comments and empty lines', async () => {
  const lines = ['\uFEFF# some pages', '', ' http://example.com/#top ', '#http://example.com/', 'http://example.com/b'];
  const urls: string[] = [];
  for await (const url of urlsIn(Readable.from(lines))) urls.push(url);

  assert.deepEqual(urls, ['http://example.com/#top', 'http://example.com/b']);
});
