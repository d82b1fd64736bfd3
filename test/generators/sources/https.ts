// A server on loopback that speaks https, with a certificate that only tests know.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  createServer as createPlain,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const file = (name: string): string => join(import.meta.dirname, 'tls', name);

/** For what is to trust the server. */
export const certificateFile: string = file('certificate.pem');

/** Starts one for the test that runs. Resolves with its host and port. */
export async function serve(listener: RequestListener, scheme: 'https' | 'http' = 'https'): Promise<string> {
  const tls = { key: readFileSync(file('key.pem')), cert: readFileSync(certificateFile) };
  const server = scheme === 'https' ? createServer(tls, listener) : createPlain(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `localhost:${(server.address() as AddressInfo).port}`;
}

/** Answers as a server of git does, for the repositories below a folder. */
export function answerAsGit(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'https://localhost');
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'],
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.on('close', () => {
    const said = Buffer.concat(chunks);
    const end = said.indexOf('\r\n\r\n');
    const headers = said
      .toString('latin1', 0, end)
      .split('\r\n')
      .map((line) => /^([^:]+): (.*)$/.exec(line)?.slice(1) as [string, string]);
    const status = headers.find(([name]) => name === 'Status')?.[1];
    response.writeHead(status ? Number.parseInt(status, 10) : 200, Object.fromEntries(headers));
    response.end(said.subarray(end + 4));
  });
}
