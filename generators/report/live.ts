/** Serves the page of a run that goes on, to this machine alone. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { noAddressToServe } from './errors.ts';
import { contents, page } from './page.ts';
import type { ReportData } from './read.ts';

const HEADERS = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
};

/** Why a page follows its run no longer: the run has ended, somebody stopped the report, or it can't be followed. */
export type WhyOver = 'ended' | 'stopped' | 'lost';

/** What the page says then. */
const OVER: Readonly<Record<WhyOver, string>> = {
  ended: 'The run has ended. This page stays as it is; the terminal says where the report was written.',
  stopped:
    'divvy report --live was stopped; the run may go on. This page stays as it is; the terminal says where the report was written.',
  lost: "The run can't be followed any further, and the terminal says why; the run may go on. This page stays as it is.",
};

/** A page that is served, and follows its run. */
export class LivePage {
  /** Where it is: whoever does not know the address can't read it. */
  url = '';
  readonly #name: string;
  #data: ReportData;
  readonly #token = randomBytes(16).toString('hex');
  readonly #server = createServer((request, response) => this.#answer(request, response));
  /** Whoever follows; and whether it has not taken yet what was sent last. */
  readonly #readers = new Map<ServerResponse, { isBehind: boolean; hasMissed: boolean }>();

  constructor(name: string, data: ReportData) {
    this.#name = name;
    this.#data = data;
  }

  /** Opens a free port. Rejects with a Refusal with exit code 1 if that can't be. */
  async open(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw noAddressToServe((error as Error).message);
    }
    const { port } = this.#server.address() as AddressInfo; // it listens on TCP
    this.url = `http://127.0.0.1:${port}/${this.#token}/`;
  }

  /** Shows a newer state of the run. */
  show(data: ReportData): void {
    this.#data = data;
    for (const reader of this.#readers.keys()) this.#tell(reader);
  }

  /** Each event has everything, so a reader that is slow gets the newest when it has caught up. */
  #tell(reader: ServerResponse): void {
    const state = this.#readers.get(reader);
    if (!state) return;
    state.hasMissed = state.isBehind;
    if (!state.isBehind) state.isBehind = !reader.write(this.#event());
  }

  #caughtUp(reader: ServerResponse): void {
    const state = this.#readers.get(reader);
    if (!state) return;
    state.isBehind = false;
    if (state.hasMissed) this.#tell(reader);
  }

  /** Ends once what was shown has been sent. */
  async close(why: WhyOver): Promise<void> {
    const ends = [...this.#readers.keys()].map(async (reader) => {
      reader.end(`event: over\ndata: ${OVER[why]}\n\n`);
      await once(reader, 'close');
    });
    await Promise.race([Promise.all(ends), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #answer({ method, url, headers: { host } }: IncomingMessage, response: ServerResponse): void {
    const { port } = this.#server.address() as AddressInfo;
    // A page of somebody else's whose name leads here has another host.
    const isHere = host === `127.0.0.1:${port}` || host === `localhost:${port}`;
    const what =
      isHere && method === 'GET' && url?.startsWith(`/${this.#token}/`) ? url.slice(this.#token.length + 2) : undefined;
    if (what === '') {
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/html; charset=utf-8' });
      response.end(page(this.#name, this.#data, true));
    } else if (what === 'events') {
      response.writeHead(200, { ...HEADERS, 'content-type': 'text/event-stream; charset=utf-8' });
      this.#readers.set(response, { isBehind: false, hasMissed: false });
      this.#tell(response);
      response.on('drain', () => this.#caughtUp(response));
      response.on('close', () => this.#readers.delete(response));
    } else {
      response.writeHead(isHere ? 404 : 421, { ...HEADERS, 'content-type': 'text/plain; charset=utf-8' });
      response.end('There is nothing here. The address of the report stands in the terminal.\n');
    }
  }

  #event(): string {
    return `data: ${JSON.stringify(contents(this.#name, this.#data))}\n\n`;
  }
}
