/** What takes spans, as far as tests need it: OTLP over HTTP, in protobuf. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a span that has none above it. */
  readonly parentId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** 2: an error. */
  readonly status: number;
  readonly message: string;
  /** The message of each exception. */
  readonly exceptions: readonly string[];
  /** The service that sent it. */
  readonly service: string;
}

export interface Collector {
  /** For the environment of a run. */
  readonly env: { readonly OTEL_EXPORTER_OTLP_ENDPOINT: string; readonly OTEL_SERVICE_NAME: string };
  readonly spans: Span[];
  /** How often somebody has sent something. */
  requests: number;
}

/** Starts one on a free port, for this test. With `answers: false` it takes everything and never answers. */
export async function makeCollector({ answers = true }: { answers?: boolean } = {}): Promise<Collector> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      collector.requests += 1;
      collector.spans.push(...spansIn(Buffer.concat(chunks)));
      if (answers) response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_SERVICE_NAME: 'the-service' };
  const collector: Collector = { env, spans: [], requests: 0 };
  return collector;
}

/** A message of protobuf: the values of each field, by its number. */
type Message = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

function read(bytes: Buffer): Message {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const piece = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const kind = tag & 7;
    const value = kind === 0 ? varint() : kind === 1 ? piece(8) : kind === 5 ? piece(4) : piece(Number(varint()));
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value]);
  }
  return fields;
}

const all = (message: Message, field: number): Message[] =>
  (message.get(field) ?? []).map((value) => read(value as Buffer));
const bytesOf = (message: Message, field: number): Buffer => (message.get(field)?.[0] as Buffer) ?? Buffer.alloc(0);
const textOf = (message: Message, field: number): string => bytesOf(message, field).toString();
const hexOf = (message: Message, field: number): string => bytesOf(message, field).toString('hex');

function attributesOf(message: Message, field: number): Record<string, string | number> {
  const entries = all(message, field).map((entry) => {
    const [value = new Map()] = all(entry, 2);
    const number = value.get(3)?.[0];
    return [textOf(entry, 1), number === undefined ? textOf(value, 1) : Number(number)] as const;
  });
  return Object.fromEntries(entries);
}

function spansIn(bytes: Buffer): Span[] {
  return all(read(bytes), 1).flatMap((ofResource) => {
    const [resource = new Map()] = all(ofResource, 1);
    const service = String(attributesOf(resource, 1)['service.name']);
    return all(ofResource, 2).flatMap((scope) => all(scope, 2).map((span) => spanOf(span, service)));
  });
}

function spanOf(span: Message, service: string): Span {
  const [status = new Map()] = all(span, 15);
  return {
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    parentId: hexOf(span, 4),
    name: textOf(span, 5),
    attributes: attributesOf(span, 9),
    status: Number(status.get(3)?.[0] ?? 0),
    message: textOf(status, 2),
    exceptions: all(span, 11).map((event) => String(attributesOf(event, 3)['exception.message'])),
    service,
  };
}
