// A PostgreSQL server for a test: its own folder, a free port, and an end with the test.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { postgresProgram } from '../needs.ts';

function program(name: string): string {
  const file = postgresProgram(name);
  if (file === undefined) throw new Error(`${name} is missing: its test must begin with needs('postgres')`);
  return file;
}

/** PostgreSQL refuses to run as root. */
function user(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const idOf = (flag: string): number => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout);
  return { uid: idOf('-u'), gid: idOf('-g') };
}

/** A running server with an empty database. */
export interface Postgres {
  /** `postgres://postgres@127.0.0.1:<port>/postgres` */
  readonly url: string;
  /** What a task says of it: host, port and database. */
  readonly name: string;
  /** Runs a statement, in a connection of its own. Resolves with its rows. */
  query(text: string): Promise<Record<string, unknown>[]>;
  /** Ends the server as after a crash, and starts it again. Resolves when it takes connections. */
  restart(): Promise<void>;
  /** Starts a second server that follows this one. */
  replica(): Promise<Postgres>;
}

/** Starts a server. Its connections are of 127.0.0.1 only, and it syncs as usual: what it confirms is on the disk. `of`: the url of
 * another, which it follows. */
export async function startPostgres(of?: string): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), 'divvy-postgres-'));
  const owner = user();
  if (owner) chownSync(folder, owner.uid, owner.gid);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  const run = (name: string, args: readonly string[]): void => {
    const { status, error, stderr } = spawnSync(program(name), args, { ...owner, cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} failed: ${error?.message ?? stderr}`);
  };
  // With -R it is a copy that goes on following.
  if (of) run('pg_basebackup', ['-D', data, '-d', of, '-R', '--checkpoint=fast', '--no-sync']);
  else run('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']);
  const port = await freePort();
  let server = await start(data, folder, port, owner);
  onTestFinished(() => server.end());
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return {
    url,
    name: `127.0.0.1:${port}/postgres`,
    async query(text) {
      const client = new pg.Client(url);
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(text)).rows;
      } finally {
        await client.end();
      }
    },
    replica: () => startPostgres(url),
    async restart() {
      await server.end();
      server = await start(data, folder, port, owner);
    },
  };
}

/** Resolves when the server takes connections. */
async function start(
  data: string,
  folder: string,
  port: number,
  owner: ReturnType<typeof user>,
): Promise<{ end(): Promise<void> }> {
  const settings = { listen_addresses: '127.0.0.1', port, unix_socket_directories: folder, max_connections: 50 };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(program('postgres'), ['-D', data, ...flags], {
    ...owner,
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const exited = once(child, 'exit');
  let said = '';
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (/database system is ready to accept (read-only )?connections/.test(said)) resolve();
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`postgres ended with ${code}: ${said}`)));
  });
  return {
    async end() {
      child.kill('SIGQUIT'); // at once, as after a crash: connections break
      await exited;
    },
  };
}

/** Returns a port that nobody listens at. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
