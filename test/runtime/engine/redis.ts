// A Redis of a test's own, on a free port and in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** How often the state of a replica is looked at: a server tells nobody. */
const POLL_MS = 20;

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'divvy-redis-'));
  readonly #flags: readonly string[];
  #process: ChildProcess | undefined;
  #client: Redis | undefined;

  private constructor(port: number, flags: readonly string[]) {
    this.port = port;
    this.#flags = flags;
  }

  /** flags - more of the server's settings: `['--requirepass', 'secret']`. */
  static async start(flags: readonly string[] = []): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), flags);
    await server.begin();
    return server;
  }

  /** Starts a replica of it. Resolves when that has all that there is. */
  async replica(): Promise<RedisServer> {
    await this.client.config('SET', 'repl-diskless-sync-delay', '0');
    const replica = await RedisServer.start(['--replicaof', '127.0.0.1', String(this.port)]);
    while (!(await replica.client.info('replication')).includes('master_link_status:up')) await sleep(POLL_MS);
    return replica;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** For what a test does to the server. Only without a password. */
  get client(): Redis {
    this.#client ??= new Redis(this.url, { maxRetriesPerRequest: null });
    return this.#client;
  }

  async begin(): Promise<void> {
    const settings = ['--port', String(this.port), '--dir', this.#folder, '--save', '', '--appendonly', 'no'];
    const started = spawn('redis-server', [...settings, ...this.#flags], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#process = started;
    let said = '';
    for await (const chunk of started.stdout) {
      said += String(chunk);
      if (said.includes('Ready to accept connections')) break;
    }
    if (!said.includes('Ready to accept connections')) throw new Error(`redis-server did not start: ${said}`);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    server.kill(signal);
    await once(server, 'exit');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.disconnect();
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
