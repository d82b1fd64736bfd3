// A throwaway npm registry on loopback that holds what is published to it in memory and knows nothing else. It answers the
// four requests that publishing and installing one package make, as the clients of npm, pnpm, yarn and bun send them.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

/** What `npm publish` sends, as far as it is used: the packument of the one new version, and its tarball in base64. */
export interface Published {
  name: string;
  versions: Record<string, { dist: { tarball: string; integrity?: string; shasum?: string } }>;
  'dist-tags': Record<string, string>;
  _attachments: Record<string, { data: string }>;
}

export interface Registry extends AsyncDisposable {
  /** `http://127.0.0.1:PORT/` */
  url: string;
  /** `METHOD path` of each request, in their order. */
  requests: string[];
  /** What is published, by its name, to be tampered with. */
  packages: Map<string, Published>;
  /** The archives, by the paths of their addresses, to be tampered with. */
  tarballs: Map<string, Buffer>;
}

/**
 * Starts a registry on a free port; disposing of it ends it.
 *
 * token - what everybody has to show who asks for anything; without it nobody has to show any.
 */
export async function startRegistry({ token }: { token?: string } = {}): Promise<Registry> {
  const packages = new Map<string, Published>();
  const tarballs = new Map<string, Buffer>();
  const requests: string[] = [];
  let url = '';

  async function publish(request: IncomingMessage): Promise<void> {
    const published = (await json(request)) as Published;
    for (const [file, { data }] of Object.entries(published._attachments)) {
      tarballs.set(`/${published.name}/-/${file}`, Buffer.from(data, 'base64'));
    }
    for (const { dist } of Object.values(published.versions)) {
      // The client named the address that it published to; a packument names the one that it is read from.
      dist.tarball = url + new URL(dist.tarball).pathname.slice(1);
    }
    const before = packages.get(published.name);
    packages.set(published.name, {
      ...published,
      versions: { ...before?.versions, ...published.versions },
      'dist-tags': { ...before?.['dist-tags'], ...published['dist-tags'] },
      _attachments: {},
    });
  }

  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(request.url ?? '/').replace(/\?.*$/, '');
    requests.push(`${request.method} ${path}`);
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return answer(401, { error: 'who asks?' });
    }
    if (request.method === 'PUT') {
      await publish(request);
      return answer(201, { ok: true });
    }
    const tarball = tarballs.get(path);
    if (tarball) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(tarball);
      return;
    }
    const found = packages.get(path.slice(1));
    return found ? answer(200, found) : answer(404, { error: `${path} is not here` });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  return {
    url,
    requests,
    packages,
    tarballs,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
