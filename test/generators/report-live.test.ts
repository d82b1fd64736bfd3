// `divvy report --live`: the page that follows a run.
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { LivePage } from '../../generators/report/live.ts';
import { Collector } from '../../runtime/report/collect.ts';
import { begun } from '../runtime/report/made.ts';
import { cleanEnvironment, commandFile, divvy } from './commands.ts';
import { has, project, run } from './reports.ts';

/** What a server answers. */
async function asked(
  url: string,
  host?: string,
  method = 'GET',
): Promise<{ status: number | undefined; body: string }> {
  const sent = request(url, { method, ...(host !== undefined && { headers: { host } }) }).end();
  const [response] = await once(sent, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  return { status: response.statusCode, body };
}

/** Reads events until the page is told that there are no more, and returns why. */
async function overOf(url: string): Promise<string | undefined> {
  for await (const event of eventsOf(`${url}events`))
    if (event.startsWith('event: over')) return event.split('data: ')[1];
  return undefined;
}

/** Events as they come, each as its text. */
async function* eventsOf(url: string): AsyncGenerator<string> {
  const [response] = await once(request(url).end(), 'response');
  let rest = '';
  for await (const chunk of response) {
    const parts = (rest + chunk).split('\n\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
}

describe('divvy report --live', () => {
  async function live(cwd: string, ...argv: string[]) {
    const child = execa(process.execPath, [commandFile('divvy'), 'report', '--live', ...argv], {
      ...{ cwd, env: cleanEnvironment(), extendEnv: false, reject: false },
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said.includes('http://')) break;
    }
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+\/[0-9a-f]{32}\//.exec(said) ?? [];
    return { child, url };
  }

  test('serves the page to this machine alone, follows the run, and writes the report at its end', async () => {
    const cwd = project();
    const running = run(cwd, 'wait');
    await once(running.stderr, 'data');
    const { child, url } = await live(cwd, '-o', 'r.html');
    const port = new URL(url).port;
    const page = await asked(url);
    expect(page.status).toBe(200);
    has(page.body, "connect-src 'self'");
    expect((await asked(url, `evil.example:${port}`)).status).toBe(421);
    expect((await asked(url, `localhost:${port}`)).status).toBe(200);
    expect((await asked(`http://127.0.0.1:${port}/`)).status).toBe(404);
    expect((await asked(`http://127.0.0.1:${port}/${'0'.repeat(32)}/events`)).status).toBe(404);
    expect((await asked(url, undefined, 'POST')).status).toBe(404);
    const titles: string[] = [];
    for await (const event of eventsOf(`${url}events`)) {
      if (event.startsWith('event: over')) {
        expect(event).toContain('data: The run has ended.');
        break;
      }
      const { title, html } = JSON.parse(event.slice('data: '.length));
      titles.push(title);
      // All but the one that waits are done: now it may end.
      if (html.includes('9 done, 2 failed')) writeFileSync(join(cwd, 'go'), '');
    }
    expect(titles[0]).toBe('nightly: Running');
    expect(titles.at(-1)).toBe('nightly: Complete, with failures');
    expect((await child).exitCode).toBe(0);
    has(readFileSync(join(cwd, 'r.html'), 'utf8'), '10 done, 2 failed');
    await running;
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'ends at %s with the report so far, and the run goes on',
    async (signal) => {
      const cwd = project();
      const running = run(cwd, 'wait');
      await once(running.stderr, 'data');
      const { child, url } = await live(cwd, '-o', 'r.html');
      const over = overOf(url);
      await asked(url); // so that the events are asked for before the end
      child.kill(signal);
      child.kill(signal);
      expect(await over).toMatch(/^divvy report --live was stopped; the run may go on\./);
      expect((await child).exitCode).toBe(0);
      has(readFileSync(join(cwd, 'r.html'), 'utf8'), '<strong>Running</strong>', '<td>running</td>');
      expect(running.nodeChildProcess.exitCode).toBe(null);
      writeFileSync(join(cwd, 'go'), '');
      expect((await running).exitCode).toBe(1);
    },
  );

  test('writes what it has read, if the journal goes away', async () => {
    const cwd = project();
    const running = run(cwd, 'wait');
    await once(running.stderr, 'data');
    const { child, url } = await live(cwd, '-o', 'r.html');
    const over = overOf(url);
    await asked(url); // so that the events are asked for before the end
    renameSync(join(cwd, '.divvy'), join(cwd, 'away'));
    expect(await over).toMatch(/^The run can't be followed any further/);
    const { exitCode, stderr } = await child;
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("the run can't be followed any further")]);
    has(readFileSync(join(cwd, 'r.html'), 'utf8'), '<strong>Running</strong>');
    running.kill('SIGKILL');
  });

  test('sends a reader that is slow only the newest state', async () => {
    const collector = new Collector();
    collector.see(begun());
    const when = { state: 'running', at: '', began: '', taskFile: '', args: '', options: '', next: [] } as const;
    const data = { ...collector.data(), ...when };
    const served = new LivePage('nightly', data);
    await served.open();
    const [response] = await once(request(`${served.url}events`).end(), 'response');
    response.pause();
    for (let at = 0; at < 3000; at++) served.show({ ...data, args: `state ${at} ${'x'.repeat(2000)}` });
    let all = '';
    response.setEncoding('utf8').on('data', (text: string) => {
      all += text;
    });
    response.resume();
    while (!all.includes('state 2999 ')) await once(response, 'data');
    expect(all.split('\n\n').length).toBeLessThan(1000);
    response.destroy();
    await served.close('ended');
  });

  test('of a run that has ended is the report', async () => {
    const cwd = project();
    await run(cwd);
    const { code, stdout, stderr } = await divvy(['report', '--live'], { cwd });
    expect([code, stderr]).toEqual([0, 'note: the run has ended, so there is nothing to follow\n']);
    expect(stdout).toContain('Report: nightly-');
  });

  test('refuses a file in its way before anybody waits for the end', async () => {
    const cwd = project();
    const running = run(cwd, 'wait');
    await once(running.stderr, 'data');
    writeFileSync(join(cwd, 'mine'), 'mine');
    expect((await divvy(['report', '--live', '-o', 'mine'], { cwd })).code).toBe(3);
    expect((await divvy(['report', '--live', '-o', '-'], { cwd })).code).toBe(2);
    writeFileSync(join(cwd, 'go'), '');
    await running;
  });
});
