// Repositories over ssh and over https: who is asked, and who learns of the credentials.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freshFolder } from '../commands.ts';
import { fetchText } from './fetch-text.ts';
import { answerAsGit, certificateFile, serve } from './https.ts';
import { refusal } from './refusal.ts';
import { program, repositoryWith, settings } from './repositories.ts';

describe('over ssh', () => {
  test('git gets there, and nobody is asked', async () => {
    const folder = repositoryWith();
    const log = join(freshFolder(), 'log');
    const ssh = program(
      `printf '%s|' "$SSH_ASKPASS_REQUIRE" "$GIT_TERMINAL_PROMPT" "$@" > ${log}; for last; do :; done; eval "$last"`,
    );
    const environment = settings({}, { GIT_SSH_COMMAND: ssh });
    const { files, exact } = await fetchText(`git+ssh://git@example.org${folder}`, { environment });
    expect(files).toHaveLength(2);
    expect(exact).toBe(`git+ssh://git@example.org${folder}`);
    expect(readFileSync(log, 'utf8')).toMatch(/^force\|0\|.*git@example\.org\|git-upload-pack '/);
    // As ssh itself writes it; without a slash before it the path begins where that user is at home.
    const scp = await fetchText(`git@example.org:${folder}`, { environment });
    expect([scp.files.length, scp.exact]).toEqual([2, `git@example.org:${folder}`]);
    expect(readFileSync(log, 'utf8')).toMatch(/git@example\.org\|git-upload-pack '/);
  });
});

describe('over https', () => {
  const SECRET = 's3cr3t/+';
  const basic = `Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`;
  const trusting = { GIT_SSL_CAINFO: certificateFile };

  /** A server of git that wants to know who asks. */
  async function privateServer(): Promise<{ folder: string; host: string }> {
    const folder = repositoryWith();
    const host = await serve((request, response) => {
      if (request.headers.authorization === basic) return answerAsGit(folder, request, response);
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    });
    return { folder, host };
  }

  test('credentials of the URL are used, are in no argument, and no helper learns of them', async () => {
    const { host } = await privateServer();
    const log = join(freshFolder(), 'log');
    const shim = program(`printf '%s\\n' "$@" >> ${log}; exec "$REAL_GIT" "$@"`);
    const bin = freshFolder();
    writeFileSync(join(bin, 'git'), readFileSync(shim), { mode: 0o755 });
    const helper = join(freshFolder(), 'asked');
    const environment = settings(
      { 'credential.helper': `!f() { echo "$1" >> ${helper}; cat >> ${helper}; }; f` },
      { ...trusting, REAL_GIT: realGit(), PATH: `${bin}:${process.env['PATH']}`, GIT_TRACE: '1', GIT_TRACE_CURL: '1' },
    );
    const fetched = await fetchText(`git+https://me:${encodeURIComponent(SECRET)}@${host}/.git`, { environment });
    expect(fetched.files).toHaveLength(2);
    expect(JSON.stringify({ ...fetched, files: [] })).not.toMatch(/s3cr3t|me:|@/);
    expect(readFileSync(log, 'utf8')).not.toMatch(/s3cr3t/);
    expect(readFileSync(log, 'utf8')).toMatch(/^fetch$/m);
    expect(existsSync(helper)).toBe(false);
  });

  test('what refuses shows none of them', async () => {
    const { host } = await privateServer();
    const environment = settings({}, { ...trusting, GIT_TRACE_CURL: '1', GIT_CURL_VERBOSE: '1' });
    const wrong = `git+https://me:wr0ng%2F@${host}/.git`;
    const { exitCode, message, remedy } = await refusal(() => fetchText(wrong, { environment }));
    expect(exitCode).toBe(1);
    expect(message + remedy).not.toMatch(/wr0ng|me@/);
    expect(message).not.toMatch(/Authorization|GET \//);
    expect(remedy).toContain(`git ls-remote https://${host}/.git`);
  });

  test("the person's own helper knows the password, to a name as well", async () => {
    const { host } = await privateServer();
    const helper = '!f() { test "$1" = get && cat | grep -q ^username=me && echo "password=$PASSWORD"; }; f';
    const environment = settings({ 'credential.helper': helper }, { ...trusting, PASSWORD: SECRET });
    expect((await fetchText(`git+https://me@${host}/.git`, { environment })).files).toHaveLength(2);
  });

  test('a name alone, which may be a token, is not shown either', async () => {
    const { host } = await privateServer();
    const { message, remedy } = await refusal(() =>
      fetchText(`git+https://s3cr3t@${host}/.git`, { environment: settings({}, trusting) }),
    );
    expect(message).toMatch(/could not read Password/);
    expect(message + remedy).not.toMatch(/s3cr3t/);
  });

  test('nobody is asked where there is no password', async () => {
    const { host } = await privateServer();
    const { exitCode, message } = await refusal(() =>
      fetchText(`git+https://${host}/.git`, { environment: settings({}, trusting) }),
    );
    expect([exitCode, message]).toEqual([1, expect.stringMatching(/could not read Username.*disabled/)]);
  });

  test('a redirect to what is not https is not followed', async () => {
    const folder = repositoryWith();
    let asked = 0;
    const plain = await serve((request, response) => {
      asked++;
      answerAsGit(folder, request, response);
    }, 'http');
    const host = await serve((request, response) => {
      response.writeHead(302, { location: `http://${plain}${request.url}` }).end();
    });
    await refusal(() => fetchText(`git+https://${host}/.git`, { environment: settings({}, trusting) }));
    expect(asked).toBe(0);
  });

  test.each([
    ['that is open', { asksFirst: false, isOpen: true }, undefined],
    ['that asks for some', { asksFirst: false, isOpen: false }, /could not read Username/],
    ['once it has them', { asksFirst: true, isOpen: true }, /could not be fetched/],
  ])('a redirect to another host hands on no credentials: to one %s', async (_, { asksFirst, isOpen }, reason) => {
    const folder = repositoryWith();
    const seen: (string | undefined)[] = [];
    const ask = (response: ServerResponse) => response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    const other = await serve((request, response) => {
      seen.push(request.headers.authorization);
      if (isOpen) answerAsGit(folder, request, response);
      else ask(response);
    });
    const host = await serve((request, response) => {
      if (asksFirst && request.headers.authorization !== basic) ask(response);
      else response.writeHead(302, { location: `https://${other}${request.url}` }).end();
    });
    const source = `git+https://me:${encodeURIComponent(SECRET)}@${host}/.git`;
    const fetching = fetchText(source, { environment: settings({}, trusting) });
    if (reason === undefined) expect((await fetching).files).toHaveLength(2);
    else expect((await refusal(() => fetching)).message).toMatch(reason);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((header) => header !== undefined)).toEqual([]);
  });

  const realGit = (): string =>
    (process.env['PATH'] ?? '')
      .split(':')
      .map((folder) => join(folder, 'git'))
      .find((file) => existsSync(file)) ?? '';
});
