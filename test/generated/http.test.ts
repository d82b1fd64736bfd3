// A generated `http` project, against a server that fails, stalls, and does not stop.

import { spawn } from 'node:child_process';
import { hash } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cleanEnvironment } from '../generators/commands.ts';
import { TaskRun } from '../runtime/run-task.ts';
import { outcomesOf } from './outcomes.ts';
import { makeProject } from './projects.ts';

/** How the server answers by the first part of a path; `nth` says which time it is that it is asked for it, from 1. */
const answers: Readonly<Record<string, (response: ServerResponse, nth: number, request: IncomingMessage) => void>> = {
  fine: (response) => response.setHeader('content-type', 'text/plain').end('fine'),
  moved: (response) => response.writeHead(301, { location: '/fine' }).end(),
  flaky: (response, nth) => response.writeHead(nth < 3 ? 500 : 200).end('at last'),
  limited: (response, nth) => response.writeHead(nth < 2 ? 429 : 200, { 'retry-after': '1' }).end('at last'),
  slow: (response, nth) => response.writeHead(nth < 2 ? 408 : 200).end('at last'),
  down: (response) => response.writeHead(503).end('down'),
  gone: (response) => response.writeHead(404).end('gone'),
  stalls: () => {},
  halfway: (response) => response.writeHead(200, { 'content-length': '10' }).write('half'),
  cut: (response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half', () => response.destroy());
  },
  resets: (_response, _nth, request) => request.socket.destroy(),
  endless: (response) => {
    const more = (): boolean => response.write(Buffer.alloc(256 * 1024));
    response.on('drain', more);
    more();
  },
};

/** A server, and how often it has been asked for each path, and for all. */
async function startServer() {
  const asked = new Map<string, number>();
  let heard = (): void => {};
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    const nth = (asked.get(path) ?? 0) + 1;
    asked.set(path, nth);
    heard();
    answers[path.split(/[/?]/)[1] ?? '']?.(response, nth, request);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    asked,
    at: (path: string): string => `http://127.0.0.1:${port}/${path}`,
    /** Resolves once it has been asked for so many paths. */
    async askedFor(count: number): Promise<void> {
      while (asked.size < count) await new Promise<void>((resolve) => (heard = resolve));
    },
  };
}

const commandLine = (project: string, options: readonly string[], args: readonly string[]): string[] => {
  const [runner, task] = ['vendor/divvy/run.mjs', 'tasks/my-task.ts'].map((path) => join(project, path));
  return [process.execPath, runner ?? '', task ?? '', ...options, ...args];
};

type Line = { readonly url: string; readonly [field: string]: unknown };
const linesOf = (stdout: string): Line[] =>
  stdout
    .slice(0, stdout.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);

test('each URL has a line that says how it ended, and was asked for as often as it is of use', async () => {
  const { at, asked } = await startServer();
  const project = await makeProject('http');
  const list = join(project, 'urls.txt');
  writeFileSync(
    list,
    `# URLs\r\n\r\n${['moved', 'flaky', 'limited', 'slow', 'down'].map(at).join('\r\n')}\n${at('gone')}`,
  );
  const options = '-n 2 -c 20 --retries 2 --backoff 10ms'.split(' ');
  const stdin = `${['cut', 'resets', 'endless'].map(at).join('\n')}\nhttp://\n`;
  const run = new TaskRun(commandLine(project, options, [at('fine'), list, '-']), { stdin });
  const { status, stdout, stderr } = await run.ended();

  const answer = { status: 200, type: null, bytes: 7 };
  const fine = { status: 200, type: 'text/plain', bytes: 4 };
  const expected: readonly (readonly [path: string, asked: number, line: object])[] = [
    ['fine', 2, { ...fine, attempts: 1 }],
    ['moved', 1, { ...fine, attempts: 1 }],
    ['flaky', 3, { ...answer, attempts: 3 }],
    ['limited', 2, { ...answer, attempts: 1 }], // to be told to wait is no attempt
    ['slow', 2, { ...answer, attempts: 2 }],
    ['down', 3, { error: 'HTTP 503 Service Unavailable', attempts: 3 }],
    ['gone', 1, { error: 'HTTP 404 Not Found', attempts: 1 }],
    ['cut', 3, { error: expect.stringMatching(/closed|ECONNRESET/), attempts: 3 }],
    ['resets', 3, { error: expect.stringMatching(/closed|ECONNRESET/), attempts: 3 }],
    ['endless', 1, { error: 'its body is larger than 10485760 bytes', attempts: 1 }],
  ];
  const byUrl = (a: { url: string }, b: { url: string }): number => (a.url < b.url ? -1 : 1);
  expect(linesOf(stdout).sort(byUrl)).toEqual(
    [
      ...expected.map(([path, , line]) => ({ url: at(path), ...line, ms: expect.any(Number) })),
      { url: 'http://', error: 'it is no URL of http or https', attempts: 1, ms: expect.any(Number) },
    ].sort(byUrl),
  );
  expect(Object.fromEntries(asked)).toEqual(Object.fromEntries(expected.map(([path, times]) => [`/${path}`, times])));
  expect(status).toBe(1);
  expect(stderr).toMatch(/^divvy: 11 items: 5 done, 6 failed\./m);
});

test('what stalls, before its answer or within it, is ended by its signal, and tried again', async () => {
  const { at, asked } = await startServer();
  const project = await makeProject('http');
  // Whether a worker that obeys is killed all the same would depend on how busy the machine is.
  const options = '-n 1 -c 2 --retries 1 --backoff 10ms --timeout 1s --kill-after 1m'.split(' ');
  const run = new TaskRun(commandLine(project, options, [at('stalls'), at('halfway')]), {});
  const { status, stdout, stderr } = await run.ended();

  const line = { error: 'took longer than 1000 ms (--timeout)', attempts: 2, ms: expect.any(Number) };
  expect(linesOf(stdout)).toHaveLength(2);
  expect(linesOf(stdout)).toEqual(
    expect.arrayContaining(['stalls', 'halfway'].map((path) => ({ url: at(path), ...line }))),
  );
  // On a busy machine a try may be over before it has come that far.
  expect([...asked.keys()].sort()).toEqual(['/halfway', '/stalls']);
  expect(status).toBe(1);
  expect(stderr).not.toContain('SIGKILL');
});

/** What the task calls a URL that is too long for a name. */
const keyOf = (url: unknown): string => `sha256:${hash('sha256', String(url))}`;

test('what is recorded has been printed, even to a reader that does not read; and a resume prints the rest', async () => {
  const { at, asked, askedFor } = await startServer();
  const project = await makeProject('http');
  const count = 1500;
  // Long, so that a few of them fill the pipe, and the rest has to wait.
  const urls = Array.from({ length: count }, (_, n) => at(`${n % 10 === 0 ? 'gone' : 'fine'}?${n}${'-'.repeat(1000)}`));
  const list = join(project, 'urls.txt');
  writeFileSync(list, urls.join('\n'));
  const [node = '', ...argv] = commandLine(project, ['-n', '2', '-c', '20'], [list]);
  const child = spawn(node, argv, { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'ignore'], detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  await askedFor(150); // no more is asked for once what is printed waits to be read
  child.kill('SIGKILL');
  const askedAtKill = asked.size;
  child.stdout.setEncoding('utf8');
  const printed = linesOf((await child.stdout.toArray()).join(''));
  const before = outcomesOf(project);
  expect(before.length).toBeGreaterThan(0);
  const keys = new Set(printed.map(({ url }) => keyOf(url)));
  expect(before.filter(({ key }) => !keys.has(key))).toEqual([]);

  const resumed = await new TaskRun(commandLine(project, ['--resume', '-n', '2', '-c', '20'], [list]), {}).ended();
  expect(resumed.status, resumed.stderr).toBe(1);
  const all = [...printed, ...linesOf(resumed.stdout)];
  expect(new Set(all.map(({ url }) => url))).toEqual(new Set(urls));
  for (const { url, status, error } of all)
    expect(status ?? error).toBe(url.includes('/gone?') ? 'HTTP 404 Not Found' : 200);
  const after = outcomesOf(project);
  expect(after).toHaveLength(count);
  expect(after.map(({ type, key }) => `${type} ${key}`).sort()).toEqual(
    urls.map((url) => `${url.includes('/gone?') ? 'failed' : 'done'} ${keyOf(url)}`).sort(),
  );
  console.log(
    `${before.length} URLs were recorded and ${printed.length} printed when ${askedAtKill} had been asked for`,
  );
});
