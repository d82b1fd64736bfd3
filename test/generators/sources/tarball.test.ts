// An archive by its path, and from an address.
import { readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Fetched, fetchSource } from '../../../generators/sources/fetch.ts';
import { integrityOf, LIMITS } from '../../../generators/sources/gathering.ts';
import { parseSource } from '../../../generators/sources/source.ts';
import { cleanEnvironment, createDivvyTask, freshFolder, treeOf } from '../commands.ts';
import { TEMPLATE, tgz } from './archives.ts';
import { mkfifo } from './fifo.ts';
import { certificateFile, serve } from './https.ts';
import { refusal } from './refusal.ts';

const usual = getCACertificates();
beforeAll(() => setDefaultCACertificates([...usual, readFileSync(certificateFile, 'utf8')]));
afterAll(() => setDefaultCACertificates(usual));

const environment = cleanEnvironment();
const fetchText = (text: string, cwd = '/', expected?: string): Promise<Fetched> =>
  fetchSource(parseSource(text), { cwd, environment, expected });
const archive = tgz(...Object.entries(TEMPLATE).map(([path, text]) => ({ path: `top/a/${path}`, text })));

test('whoever is waited for longer than two seconds is named, once, and others are not', async () => {
  const folder = freshFolder();
  writeFileSync(join(folder, 'x.tgz'), archive);
  let answer = () => {};
  const host = await serve((_, response) => {
    answer = () => response.end(archive);
  });
  const notes: string[] = [];
  const told = Promise.withResolvers<void>();
  const note = (text: string) => {
    notes.push(text);
    told.resolve();
  };
  const source = parseSource(`https://me:s3cr3t@${host}/x.tgz`);
  const fetching = fetchSource(source, { cwd: '/', environment, note });
  await told.promise;
  answer();
  expect((await fetching).files).toHaveLength(2);
  await fetchSource(parseSource('./x.tgz'), { cwd: folder, environment, note });
  expect(notes).toEqual([`Still fetching https://${host}/x.tgz: waiting for the archive.`]);
});

describe('a file', () => {
  test('is read, below a folder, and resolved to its bytes', async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'x.tgz'), archive);
    const all = await fetchText('./x.tgz', folder);
    expect(all.files.map(({ path }) => path)).toEqual(Object.keys(TEMPLATE).map((path) => `a/${path}`));
    expect([all.resolved, all.exact, all.identity]).toEqual([integrityOf(archive), './x.tgz', join(folder, 'x.tgz')]);
    const below = await fetchText('./x.tgz#a', folder, all.resolved);
    expect(below.identity).toBe(join(folder, 'x.tgz#a'));
    expect(below.files.map(({ path }) => path)).toEqual(Object.keys(TEMPLATE));
    const nowhere = await refusal(() => fetchText('./x.tgz#top', folder));
    expect([nowhere.exitCode, nowhere.message]).toEqual([2, expect.stringMatching(/has no folder "top"/)]);
  });

  test('is not what it was, where a byte of it is another', async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'x.tgz'), archive);
    const { resolved } = await fetchText('./x.tgz', folder);
    writeFileSync(join(folder, 'x.tgz'), tgz({ path: 'a', text: 'x' }));
    expect((await refusal(() => fetchText('./x.tgz', folder, resolved))).exitCode).toBe(3);
  });

  test('that is none is refused, and not waited for', async () => {
    const folder = freshFolder();
    mkfifo(join(folder, 'pipe.tgz'));
    for (const [name, reason] of [
      ['pipe.tgz', /no plain file/],
      ['nowhere.tgz', /ENOENT/],
    ] as const) {
      const { exitCode, message } = await refusal(() => fetchText(`./${name}`, folder));
      expect([exitCode, message]).toEqual([1, expect.stringMatching(reason)]);
    }
  });

  test('that is too large is refused', async () => {
    const folder = freshFolder();
    writeFileSync(join(folder, 'x.tgz'), Buffer.alloc(LIMITS.archiveBytes + 1));
    const { exitCode, message } = await refusal(() => fetchText('./x.tgz', folder));
    expect([exitCode, message]).toEqual([3, expect.stringMatching(/is larger than/)]);
  });
});

describe('an address', () => {
  test('is read, and resolved to its bytes', async () => {
    const host = await serve((_, response) => response.end(archive));
    const { files, resolved, exact, identity } = await fetchText(`https://${host}/x.tgz#a`);
    expect(files).toHaveLength(2);
    expect(resolved).toBe(integrityOf(archive));
    expect([exact, identity]).toEqual([`https://${host}/x.tgz#a`, `https://${host}/x.tgz#a`]);
  });

  test('gets the credentials that it has; another host that it leads to gets none', async () => {
    const seen: (string | undefined)[] = [];
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end(archive);
    });
    const host = await serve((request, response) => {
      seen.push(request.headers.authorization);
      const location = request.url === '/x.tgz' ? '/y.tgz' : `https://${other}/z`;
      response.writeHead(302, { location }).end();
    });
    const fetched = await fetchText(`https://me:s3cr3t%2F@${host}/x.tgz`);
    const basic = `Basic ${Buffer.from('me:s3cr3t/').toString('base64')}`;
    expect(seen).toEqual([basic, basic, undefined]);
    expect(JSON.stringify({ ...fetched, files: [] })).not.toMatch(/s3cr3t|me:/);
  });

  test('and what the command says and writes has none of them', async () => {
    const host = await serve((_, response) => response.end(archive));
    const cwd = freshFolder();
    const env = { NODE_EXTRA_CA_CERTS: certificateFile };
    for (const [name, source] of [
      ['one', `https://me:s3cr3t@${host}/x.tgz`],
      ['two', `HTTPS://s3cr3t@${host}/x.tgz`],
      ['three', `https://s3cr3t@s3cr3t:s3cr3t@s3cr3t@${host}/x.tgz`],
    ] as const) {
      const argv = [name, '-t', source, '--no-git'];
      const planned = await createDivvyTask([...argv, '--plan', `${name}.json`], { cwd, env });
      const told = await createDivvyTask([...argv, '--json'], { cwd, env });
      expect([planned.code, told.code], planned.stderr + told.stderr).toEqual([0, 0]);
      expect(JSON.parse(told.stdout).replay).toMatch(new RegExp(`--template https://${host}/x.tgz `, 'i'));
      expect(JSON.stringify([planned, told, treeOf(cwd)]).match(/.{40}s3cr3t/g)).toBeNull();
    }
  });

  test.each<[string, (response: ServerResponse, host: string) => void, RegExp]>([
    ['that leads to http', (response) => redirect(response, 'http://127.0.0.1:9/x.tgz'), /not https/],
    ['that leads to a file', (response) => redirect(response, 'file:///etc/passwd'), /not https/],
    [
      'that leads to one with a password',
      (response, host) => redirect(response, `https://a:b@${host}/`),
      /with a password/,
    ],
    ['that leads on and on', (response) => redirect(response, '/x.tgz'), /more than 5 times/],
    ['that leads to what is no address', (response) => redirect(response, 'https://['), /no address/],
    ['that is not there', (response) => response.writeHead(404).end(), /answers 404/],
    ['that wants to know who asks', (response) => response.writeHead(401).end(), /answers 401/],
    ['that ends in the middle', (response) => cut(response), /could not be fetched/],
  ])('%s is refused', async (_, answer, reason) => {
    let asked = 0;
    const host: string = await serve((request, response) => {
      asked++;
      answer(response, request.headers.host ?? '');
    });
    const { exitCode, message } = await refusal(() => fetchText(`https://me:s3cr3t@${host}/x.tgz`));
    expect([exitCode, message]).toEqual([1, expect.stringMatching(reason)]);
    expect(message).not.toMatch(/s3cr3t/);
    expect(asked).toBeLessThan(8);
  });

  function redirect(response: ServerResponse, location: string): void {
    response.writeHead(302, { location }).end();
  }
  function cut(response: ServerResponse): void {
    response.writeHead(200, { 'content-length': 1000 });
    response.write('x', () => response.destroy());
  }

  test('that never ends is refused, and let go', async () => {
    let isOver = false;
    const host = await serve((_, response) => {
      const chunk = Buffer.alloc(1024 * 1024);
      const more = (error?: Error | null): void => {
        if (!error && !isOver) response.write(chunk, more);
      };
      response.on('close', () => {
        isOver = true;
      });
      more();
    });
    const { exitCode, message } = await refusal(() => fetchText(`https://${host}/x.tgz`));
    expect([exitCode, message]).toEqual([3, expect.stringMatching(/is larger than/)]);
    await vi.waitUntil(() => isOver);
  });

  test('with a certificate that nobody knows is refused', async () => {
    const host = await serve((_, response) => response.end(archive));
    setDefaultCACertificates(usual);
    try {
      const { exitCode, message } = await refusal(() =>
        fetchText(`https://${host.replace('localhost', '127.0.0.1')}/x.tgz`),
      );
      expect([exitCode, message]).toEqual([1, expect.stringMatching(/certificate/)]);
    } finally {
      setDefaultCACertificates([...usual, readFileSync(certificateFile, 'utf8')]);
    }
  });

  test('that cannot be reached says so', async () => {
    const { exitCode, message } = await refusal(() => fetchText('https://127.0.0.1:9/x.tgz'));
    expect([exitCode, message]).toEqual([1, expect.stringMatching(/could not be fetched: .*(ECONNREFUSED|bad port)/)]);
  });
});
