// Workers that do not boot: none at all is a BootFailure, some are told of while the others go on.
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encode } from '../../../runtime/wire/frames.ts';
import { startServer } from '../../../runtime/wire/server.ts';
import { makeGate, runTask } from '../run-task.ts';

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-boot-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('no worker ever becomes ready: exit 69, and what to do', () => {
  test.each([
    ['import throws', 'exited with status 1', /RangeError: not in a worker/],
    ['import exits', 'exited with status 7', /^/],
    ['afterFork throws', 'exited with status 1', /TypeError: no connection[\s\S]*caused by Error: refused/],
    ['afterFork exits', 'exited with status 0', /^/],
    ['is slow, then crashes', 'exited with status 9', /^/],
  ])('%s', async (way, how, says) => {
    const { status, stdout, stderr } = await runTask('boot', { args: ['-n', '2', '--', way] }).ended();
    expect(status).toBe(69);
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`worker 1 ${how}`));
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/divvy: no worker ever became ready \(\d+ tried\): worker \d exited with status \d; see/);
    expect(stderr).toMatch(/[1-4] items?: 0 done, [1-4] unfinished/);
  });

  test.each([
    ['SIGINT', []],
    ['SIGTERM', []],
  ] as const)('afterFork hangs: %s ends the run', async (signal, args) => {
    const run = runTask('boot', { args: ['-n', '1', '--kill-after', '100ms', ...args, '--', 'afterFork hangs'] });
    await run.said(/hangs/);
    run.kill(signal);
    expect(await run.ended()).toMatchObject({ signal, stdout: 'hangs\n' });
  });
});

describe('some worker becomes ready', () => {
  test('those that do not are tried again with back-off, and the run goes on without them', async () => {
    const args = ['-n', '3', '--', 'all but the first throw'];
    const { status, stdout, stderr } = await runTask('boot', { args }).ended();
    expect(status).toBe(0);
    expect(stdout.split('\n').sort()).toEqual(['', 'done 1', 'done 2', 'done 3', 'done 4']);
    expect(stderr).toMatch(/worker [23] could not boot: Error: not me/);
    expect(stderr).not.toMatch('no worker ever');
  });

  test('a worker that failed once is booted again', async () => {
    const args = ['-n', '2', '--', 'the first throws once', join(scratch(), 'mark')];
    const gate = await makeGate();
    const run = runTask('boot', { args, env: gate.env });
    await gate.arrived(2); // the one that is there is at work, and the other has come again
    gate.open();
    const { status, stdout, stderr } = await run.ended();
    expect(status).toBe(0);
    expect(stdout.match(/done \d/g)).toHaveLength(4);
    expect(stderr.match(/worker 1 could not boot: Error: not yet/g)).toHaveLength(1);
  });

  test('what workers say that end before the master has listened is heard', async () => {
    const args = ['-n', '4', '--', 'fails while the master is busy', join(scratch(), 'mark'), '4'];
    const { status, stderr } = await runTask('boot', { args }).ended();
    expect(status).toBe(69);
    for (const worker of [1, 2, 3, 4]) expect(stderr).toContain(`worker ${worker} could not boot: Error: not heard`);
  });

  test('a crash loop backs off longer and longer, and says so', async () => {
    const args = ['-n', '1', '--max-crashes', '5', '--', 'then its item exits'];
    const { status, stderr } = await runTask('boot', { args }).ended();
    expect(status).toBe(1);
    const waits = [...stderr.matchAll(/while on item 1 .*; the next is booted in ([\d.]+) (ms|s)\n/g)].map(
      ([, amount, unit]) => Number(amount) * (unit === 's' ? 1000 : 1),
    );
    // Of a delay that doubles from 100 ms on, up to a half is taken off at random.
    for (const [at, wait] of waits.entries()) {
      expect(wait).toBeLessThanOrEqual(100 * 2 ** at);
      expect(wait).toBeGreaterThanOrEqual(50 * 2 ** at - 1);
    }
    expect(waits.length).toBeGreaterThanOrEqual(4);
    expect(stderr).toMatch('1 item: 0 done, 1 failed.');
  });
});

test('a worker that said hello in time gets in, though the master was too busy to listen', async () => {
  const server = await startServer(join(scratch(), 's'), false, 1000);
  const token = await new Promise<Buffer>((resolve) => {
    let admitted: (() => void) | undefined;
    const token = server.invite({
      connected: () => admitted?.(),
      said: () => {},
      backpressure: () => {},
      broke: () => {},
      disconnected: () => {},
    });
    admitted = () => resolve(token);
    const client = net.connect(server.path, () => {
      // The server has taken the connection in by the time that this runs.
      setImmediate(() => {
        for (const frame of encode({ kind: 'hello', token })) client.write(frame);
        for (const until = performance.now() + 2100; performance.now() < until; );
      });
    });
    client.on('close', () => resolve(Buffer.alloc(0)));
    onTestFinished(() => void client.destroy());
  });
  expect(token).toHaveLength(32);
  await server.stopServer();
});
