// The socket of a run: where it is, who may use it, and what becomes of whoever may not.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encode } from '../../../runtime/wire/frames.ts';
import { ALL_WELL, makeGate, runTask } from '../run-task.ts';

/** A folder of the test's own. */
function scratch(): string {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'divvy-socket-'));
  onTestFinished(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const permissions = (file: string): number => fs.statSync(file).mode & 0o777;

describe('in a fresh folder', () => {
  test('of mode 0700, with mode 0600 itself, and both removed afterwards', async () => {
    const gate = await makeGate();
    const run = runTask('gated', { args: ['-n', '1', '--', '1'], env: gate.env });
    await gate.arrived(1);
    const [folder = ''] = fs.readdirSync(run.socketParent);
    expect(permissions(path.join(run.socketParent, folder))).toBe(0o700);
    const files = (): string[] => fs.readdirSync(path.join(run.socketParent, folder)).sort();
    while (files().length < 2) await new Promise((resolve) => setTimeout(resolve, 10)); // the second comes a moment later
    expect(files()).toEqual(['control.sock', 'master.sock']);
    for (const name of ['control.sock', 'master.sock'])
      expect(permissions(path.join(run.socketParent, folder, name))).toBe(0o600);
    gate.open();
    expect(await run.ended()).toMatchObject({
      status: 0,
      stdout: 'finished 1\n',
      stderr: expect.stringMatching(ALL_WELL),
    });
  });

  test('which is removed, too, where it cannot be opened', async () => {
    const fails =
      'import net from "node:net"; net.Server.prototype.listen = function () { this.emit("error", Error("ENOSPC")); };';
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fails)}` };
    const { status, stderr } = await runTask('gated', { args: ['--', '1'], env }).ended();
    expect(stderr).toMatch(/^divvy: the socket cannot be opened at .*: ENOSPC; name another path with --socket\n$/);
    expect(status).toBe(2);
  });

  test.each([
    ['there is no XDG_RUNTIME_DIR', () => ''],
    ['XDG_RUNTIME_DIR is missing', () => '/nonexistent/runtime'],
    ['XDG_RUNTIME_DIR is no folder', () => import.meta.filename],
    ['XDG_RUNTIME_DIR has too long a path', () => tooLong()],
  ])('of the temporary folder where %s', async (_, runtimeDir) => {
    const folder = scratch();
    const run = runTask('gated', {
      args: ['-v', '--', '0'],
      env: { TMPDIR: folder, XDG_RUNTIME_DIR: runtimeDir() },
    });
    const [, socket = ''] = await run.said(/socket (\S+)/);
    expect(path.dirname(path.dirname(socket))).toBe(folder);
    expect(await run.ended()).toMatchObject({ status: 0 });
    expect(fs.existsSync(path.dirname(socket))).toBe(false);
  });

  test.each([
    ['is no folder', () => import.meta.filename],
    ['has too long a path', () => tooLong()],
  ])('of /tmp where the temporary folder %s', async (_, tmp) => {
    const run = runTask('gated', { args: ['-v', '--', '0'], env: { XDG_RUNTIME_DIR: '', TMPDIR: tmp() } });
    const [, socket = ''] = await run.said(/socket (\S+)/);
    expect(path.dirname(path.dirname(socket))).toBe('/tmp');
    expect(await run.ended()).toMatchObject({ status: 0 });
    expect(fs.existsSync(path.dirname(socket))).toBe(false);
  });

  function tooLong(): string {
    const long = path.join(scratch(), 'a'.repeat(100));
    fs.mkdirSync(long);
    return long;
  }
});

describe('at the path of --socket', () => {
  test('with mode 0600, and removed afterwards; a relative path is one from the working directory', async () => {
    const gate = await makeGate();
    const socket = path.join(scratch(), 'my.sock');
    const relative = path.relative(process.cwd(), socket);
    const run = runTask('gated', { args: ['--socket', relative, '--', '1'], env: gate.env });
    await gate.arrived(1);
    expect(permissions(socket)).toBe(0o600);
    gate.open();
    expect(await run.ended()).toMatchObject({ status: 0, stderr: expect.stringMatching(ALL_WELL) });
    expect(fs.existsSync(socket)).toBe(false);
  });

  test('in use by another run: refused, and that run goes on', async () => {
    const gate = await makeGate();
    const socket = path.join(scratch(), 'my.sock');
    const first = runTask('gated', { args: ['--socket', socket, '--', '1'], env: gate.env });
    await gate.arrived(1);
    const second = await runTask('gated', { args: ['--socket', socket, '--', '1'], env: gate.env }).ended();
    expect(second).toMatchObject({ status: 2, stdout: '' });
    expect(second.stderr).toBe(
      `divvy: the socket is in use by another process: ${socket}; wait until that run has ended, or name another with --socket\n`,
    );
    gate.open();
    expect(await first.ended()).toMatchObject({
      status: 0,
      stdout: 'finished 1\n',
      stderr: expect.stringMatching(ALL_WELL),
    });
  });

  test('a dead one is replaced', async () => {
    const socket = path.join(scratch(), 'my.sock');
    const program = `require('net').createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', program]);
    expect(fs.lstatSync(socket).isSocket()).toBe(true);
    expect(await runTask('gated', { args: ['--socket', socket, '--', '0'] }).ended()).toMatchObject({ status: 0 });
  });

  test.each([
    ['a file', (at: string) => fs.writeFileSync(at, 'mine')],
    ['a folder', (at: string) => fs.mkdirSync(at)],
    ['a link', (at: string) => fs.symlinkSync(import.meta.filename, at)],
    ['a link to nothing', (at: string) => fs.symlinkSync('/nonexistent', at)],
  ])('where there is %s: refused, and left alone', async (_, make) => {
    const socket = path.join(scratch(), 'taken');
    make(socket);
    const before = fs.lstatSync(socket);
    const ended = await runTask('gated', { args: ['--socket', socket, '--', '0'] }).ended();
    expect(ended.status).toBe(2);
    expect(ended.stderr).toBe(
      `divvy: there is a file that is not a socket at ${socket}; remove it yourself, or name another path with --socket\n`,
    );
    expect(fs.lstatSync(socket)).toMatchObject({ ino: before.ino, size: before.size, mtimeMs: before.mtimeMs });
  });

  test('in a folder that is missing: refused', async () => {
    const folder = path.join(scratch(), 'missing');
    const ended = await runTask('gated', { args: ['--socket', path.join(folder, 's'), '--', '0'] }).ended();
    expect(ended.status).toBe(2);
    expect(ended.stderr).toBe(
      `divvy: the socket cannot be opened at ${folder}/s: there is no folder ${folder}; make it, or name another path with --socket\n`,
    );
  });

  test('below a file: refused', async () => {
    const file = path.join(scratch(), 'file');
    fs.writeFileSync(file, '');
    const ended = await runTask('gated', { args: ['--socket', path.join(file, 's'), '--', '0'] }).ended();
    expect(ended.status).toBe(2);
    expect(ended.stderr).toMatch(`divvy: the socket cannot be opened at ${file}/s: ENOTDIR: `);
  });

  test('that is removed while the run goes on: a worker that is booted then says so', async () => {
    const gate = await makeGate();
    const socket = path.join(scratch(), 'my.sock');
    const run = runTask('gated', { args: ['-v', '-n', '1', '--socket', socket, '--', '1'], env: gate.env });
    await gate.arrived(1);
    fs.rmSync(socket);
    process.kill(Number((await run.said(/worker 1 is process (\d+)/))[1]), 'SIGKILL');
    await run.said(/divvy: worker 1 cannot reach its master: connect ENOENT .*my\.sock; name another path/);
    run.kill('SIGTERM');
    expect(await run.ended()).toMatchObject({ signal: 'SIGTERM' });
  });

  test('of too many bytes: refused', async () => {
    const socket = `/tmp/${'ä'.repeat(52)}`;
    const ended = await runTask('gated', { args: ['--socket', socket, '--', '0'] }).ended();
    expect(ended.status).toBe(2);
    expect(ended.stderr).toMatch(`the socket's path is 109 bytes long, and the system takes 10`);
  });
});

/** The bytes of a frame, however wrong it is. */
function frame(kind: number, content: Buffer, declared = content.length + 1): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32LE(declared, 0);
  header.writeUInt8(kind, 4);
  return Buffer.concat([header, content]);
}
const HELLO = 0;
/** A message that is not carried in a form of its own is JSON. */
const JSON_KINDS = encode({ kind: 'ready' })[0]?.[4] ?? 0;
const asJson = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const STRANGERS: readonly (readonly [does: string, chunks: readonly Buffer[]])[] = [
  ['says nothing', []],
  ['says half a hello', [frame(HELLO, Buffer.alloc(32, 7)).subarray(0, 20)]],
  ['talks nonsense', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]],
  ['shows a wrong token', [frame(HELLO, Buffer.alloc(32, 7))]],
  ['shows a wrong token, one byte at a time', [...frame(HELLO, Buffer.alloc(32, 7))].map((byte) => Buffer.of(byte))],
  ['shows a token that is too short', [frame(HELLO, Buffer.alloc(31, 7))]],
  ['shows a token that is too long', [frame(HELLO, Buffer.alloc(33, 7))]],
  ['declares four gigabytes', [frame(HELLO, Buffer.alloc(32), 0xffff_ffff)]],
  ['declares nothing', [frame(HELLO, Buffer.alloc(0), 0)]],
  ['says what only a worker may', [frame(JSON_KINDS, asJson({ kind: 'ready' }))]],
  ['says a hello that is none', [frame(JSON_KINDS, asJson({ kind: 'hello' }))]],
  ['says null', [frame(JSON_KINDS, asJson(null))]],
];

describe('a connection without a token', () => {
  test('that has no token is cut off, and the run goes on', async () => {
    const gate = await makeGate();
    const socket = path.join(scratch(), 'my.sock');
    const run = runTask('gated', { args: ['-n', '1', '--socket', socket, '--', '2'], env: gate.env });
    await gate.arrived(1);
    const cutOff = STRANGERS.map(async ([does, chunks]) => {
      const connection = net.connect(socket).on('error', () => {});
      const closed = once(connection.resume(), 'close');
      for (const chunk of chunks) {
        connection.write(chunk);
        await new Promise(setImmediate);
      }
      await closed;
      return does;
    });
    expect(await Promise.all(cutOff)).toHaveLength(STRANGERS.length);
    gate.open();
    expect(await run.ended()).toMatchObject({
      status: 0,
      stdout: 'finished 1\nfinished 2\n',
      stderr: expect.stringMatching(ALL_WELL),
    });
  });

  test('is one of 600, there before the first worker: the worker gets in', async () => {
    const gate = await makeGate();
    const socket = path.join(scratch(), 'my.sock');
    const run = runTask('gated-dispatch', { args: ['-n', '2', '--socket', socket], env: gate.env });
    await gate.arrived(1);
    const unknown = await Promise.all(Array.from({ length: 600 }, () => connectionTo(socket)));
    gate.open();
    expect(await run.ended()).toMatchObject({
      status: 0,
      stdout: 'processed 1\n',
      stderr: expect.stringMatching(ALL_WELL),
    });
    await Promise.all(unknown.map((connection) => connection.closed || once(connection, 'close')));
  });
});

/** Connects, and tries again as long as more wait at the socket than the system lets wait there (EAGAIN). */
async function connectionTo(socket: string): Promise<net.Socket> {
  for (;;) {
    const connection = net.connect(socket).resume();
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      connection.on('connect', () => resolve(undefined)).on('error', resolve);
    });
    if (!error) return connection;
    if (error.code !== 'EAGAIN') throw error;
  }
}

test('the token is neither in the arguments nor in the environment of a worker', async () => {
  const gate = await makeGate();
  const run = runTask('shows-itself', { env: gate.env });
  const [, pid = ''] = await run.said(/worker process (\d+)/);
  const ps = spawnSync('ps', [process.platform === 'darwin' ? '-Eww' : 'eww', '-o', 'args=', '-p', pid]).stdout;
  const seen = fs.existsSync('/proc/self')
    ? fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') + fs.readFileSync(`/proc/${pid}/environ`, 'utf8')
    : String(ps);
  expect(seen).toMatch('DIVVY_WORKER=1');
  expect(seen).not.toMatch(/[0-9a-f]{40}/i);
  gate.open();
  expect(await run.ended()).toMatchObject({ status: 0 });
});

test.each([
  ['a frame that is too large', frame(JSON_KINDS, Buffer.alloc(8), 0xffff_fff0), 'a frame of 4294967280 bytes came'],
  ['a frame of no kind', frame(9, Buffer.alloc(8)), 'a frame could not be read'],
  ['a message that is none', frame(JSON_KINDS, asJson({ kind: 'nack' })), 'a frame could not be read'],
  ['nonsense', Buffer.from('nonsense nonsense nonsense'), 'a frame of 1936617326 bytes came'],
])('a worker that sends %s is killed and told of, and its item handed out again', async (_, bytes, why) => {
  const ended = await runTask('breaks-protocol', { args: ['-n', '1', '--', bytes.toString('hex')] }).ended();
  expect(ended).toMatchObject({ status: 0, stdout: [1, 2, 3, 4].map((item) => `processed ${item}\n`).join('') });
  expect(ended.stderr).toMatch(new RegExp(`^divvy: worker 1 was killed by SIGKILL while on item 2 .*\\(${why}`, 'm'));
});

test('a task file that takes longer to load than a connection may show no token boots all the same', async () => {
  const ended = await runTask('slow-to-load').ended();
  expect(ended).toMatchObject({ status: 0, stdout: 'processed 1\n', stderr: expect.stringMatching(ALL_WELL) });
});

test.each([
  ['exit', 7],
  ['reject', 70],
])('a task that ends the master itself (%s) leaves neither its socket nor a worker', async (how, status) => {
  const run = runTask('ends-master', { args: ['--', how] });
  await run.closed;
  await run.gone();
  expect(await run.ended()).toMatchObject({ status });
});
