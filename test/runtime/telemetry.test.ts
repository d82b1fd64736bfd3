// OpenTelemetry as `divvy add telemetry` has it: what a collector gets from real runs, and from a provider in memory.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Master } from '#divvy';
import { type Collector, makeCollector } from './collector.ts';
import { ALL_WELL, type Ended, runTask, taskFile } from './run-task.ts';

const TELEMETRY = join(import.meta.dirname, '../../runtime/telemetry.ts');
/** That of somebody who starts the run. */
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

interface Traced extends Ended {
  readonly collector: Collector;
}

async function traced(
  items: readonly string[],
  options: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
  how: { answers?: boolean } = {},
): Promise<Traced> {
  const collector = await makeCollector(how);
  const args = ['--import', TELEMETRY, ...options, '--', ...items];
  const ended = await runTask('traced', { args, env: { ...collector.env, ...env } }).ended();
  return { ...ended, collector };
}

const named = ({ spans }: Collector, name: string) => spans.filter((span) => span.name === name);
const attempts = (collector: Collector) => named(collector, 'process traced');
const itemsOf = (collector: Collector) =>
  attempts(collector)
    .map(({ attributes }) => attributes['divvy.item.key'])
    .sort();

test('a span for the run, and one for each attempt, of its trace and below it, in whichever process it was', async () => {
  const { status, stdout, stderr, collector } = await traced(['20ms', '21ms', '22ms', '23ms'], ['-n', '2']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringMatching(ALL_WELL) });
  const [run, ...more] = named(collector, 'run traced');
  expect(more).toEqual([]);
  expect(run).toMatchObject({
    parentId: '',
    status: 0,
    service: 'the-service',
    attributes: {
      'divvy.task': 'traced',
      'divvy.workers': 2,
      'divvy.run.id': expect.stringMatching(/^\d{8}-\d{6}-[a-z]{4}$/),
      'divvy.exit_code': 0,
      'divvy.items.dispatched': 4,
      'divvy.items.done': 4,
      'divvy.items.failed': 0,
      'divvy.items.unfinished': 0,
      'divvy.items.skipped': 0,
      'divvy.items.retried': 0,
      'divvy.workers.spawned': expect.any(Number),
      'divvy.workers.crashed': 0,
    },
  });
  expect(attempts(collector)).toHaveLength(4);
  for (const span of attempts(collector)) {
    expect(span).toMatchObject({ traceId: run?.traceId, parentId: run?.spanId, status: 0, service: 'the-service' });
    const number = Number(span.attributes['divvy.item.number']);
    expect(span.attributes).toEqual({
      'divvy.task': 'traced',
      'divvy.worker': expect.any(Number),
      'divvy.item.number': number,
      'divvy.item.key': `the ${19 + number}ms`,
      'divvy.attempt': 1,
      'divvy.outcome': 'done',
    });
  }
  // What an item starts can take it from there, too.
  expect(stdout).toContain(`20ms 00-${run?.traceId}-${run?.spanId}-01\n`);
});

test('the trace that TRACEPARENT names is gone on with', async () => {
  const { collector } = await traced(['20ms'], [], { TRACEPARENT: `00-${TRACE}-${CALLER}-01` });
  const [run] = named(collector, 'run traced');
  expect(run).toMatchObject({ traceId: TRACE, parentId: CALLER });
  expect(attempts(collector)).toMatchObject([{ traceId: TRACE, parentId: run?.spanId }]);
});

test('where the parent is not sampled, nothing is sent', async () => {
  const env = { TRACEPARENT: `00-${TRACE}-${CALLER}-00` };
  const { status, stdout, stderr, collector } = await traced(['20ms', 'throws'], [], env);
  expect({ status, requests: collector.requests }).toEqual({ status: 1, requests: 0 });
  // But everybody goes on with the trace, and hears that it is not sampled.
  expect(stdout).toMatch(new RegExp(`^20ms 00-${TRACE}-[0-9a-f]{16}-00$`, 'm'));
  expect(stderr).not.toContain('telemetry: ');
});

test.each([
  ['always_off', '', 0],
  ['parentbased_always_off', '', 0],
  ['traceidratio', '0', 0],
  ['parentbased_traceidratio', '1', 2],
])('OTEL_TRACES_SAMPLER=%s with %j', async (sampler, ratio, count) => {
  const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio };
  const { status, collector } = await traced(['20ms'], [], env);
  expect({ status, count: collector.spans.length }).toEqual({ status: 0, count });
});

test.each([
  ['OTEL_SDK_DISABLED', 'true'],
  ['OTEL_TRACES_EXPORTER', 'none'],
])('%s=%s turns it off', async (name, value) => {
  const { status, stdout, stderr, collector } = await traced(['20ms'], [], { [name]: value, TRACEPARENT: undefined });
  expect({ status, stdout, requests: collector.requests }).toEqual({
    status: 0,
    stdout: '20ms untraced\n',
    requests: 0,
  });
  expect(stderr).toMatch(ALL_WELL);
});

test('what fails has a span, however short, with the error, and so has each new attempt', async () => {
  const { status, collector } = await traced(
    ['throws', 'fails-once'],
    ['--retries', '1', '--backoff', '1ms', '-n', '1'],
  );
  expect(status).toBe(1);
  const told = attempts(collector).map(({ attributes, status, message, exceptions }) => [
    ...[attributes['divvy.item.key'], attributes['divvy.attempt'], attributes['divvy.outcome']],
    ...[status, message, ...exceptions],
  ]);
  const range = [2, 'it is out of range', 'it is out of range'];
  expect(told).toEqual(
    expect.arrayContaining([
      ['the throws', 1, 'threw', ...range],
      ['the throws', 2, 'threw', ...range],
      ['the fails-once', 1, 'threw', 2, 'only once', 'only once'],
    ]),
  );
  expect(named(collector, 'run traced')).toMatchObject([
    { status: 2, message: 'exit code 1', attributes: { 'divvy.items.failed': 1, 'divvy.items.retried': 2 } },
  ]);
});

test('who is told to come back later has not failed', async () => {
  const { status, collector } = await traced(['limited-once'], ['-n', '1']);
  expect(status).toBe(0);
  const [first] = attempts(collector);
  expect(first).toMatchObject({ status: 0, exceptions: [], attributes: { 'divvy.outcome': 'rate limited' } });
});

test('an attempt that runs out of time has failed, whatever it returns', async () => {
  const { collector } = await traced(['900ms'], ['--timeout', '200ms']);
  expect(attempts(collector)).toMatchObject([{ status: 2, message: 'took longer than 200 ms (--timeout)' }]);
});

test('a secret argument stays secret', async () => {
  const { collector } = await traced(['secret'], [], { TRACED_TOKEN: 'hunter2-hunter2' });
  expect(attempts(collector)).toMatchObject([
    { message: 'the token is (secret)', exceptions: ['the token is (secret)'] },
  ]);
  expect(JSON.stringify(collector.spans)).not.toContain('hunter2');
});

test('a worker sends what it has before it is replaced', async () => {
  const items = ['5ms', '6ms', '7ms', '8ms'];
  const { status, collector } = await traced(items, ['--recycle-after', '1', '-n', '1']);
  expect(status).toBe(0);
  expect(itemsOf(collector)).toEqual(items.map((item) => `the ${item}`));
});

test('a run that is stopped has a span that says by what', async () => {
  const { collector } = await traced(['throws', '5ms', '6ms'], ['--halt', '1', '-n', '1']);
  expect(named(collector, 'run traced')).toMatchObject([
    { status: 2, attributes: { 'divvy.stopped_by': 'halt', 'divvy.exit_code': 1 } },
  ]);
});

test('with --inline the attempts are below the run, too', async () => {
  const { status, collector } = await traced(['20ms', 'child'], ['--inline']);
  expect(status).toBe(0);
  const [run] = named(collector, 'run traced');
  expect(attempts(collector)).toMatchObject([{ parentId: run?.spanId }, { parentId: run?.spanId }]);
  expect(named(collector, 'query')).toHaveLength(1);
});

/** One line, and nothing else but the summary. */
const oneNote = (why: string) =>
  new RegExp(`^divvy: telemetry: ${why}\\. OTEL_SDK_DISABLED=true turns telemetry off\n${ALL_WELL.source.slice(1)}`);

describe('work does not wait for telemetry:', () => {
  test('a collector that does not answer', async () => {
    const { status, stderr } = await traced(['20ms', '21ms'], ['-n', '2'], {}, { answers: false });
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(oneNote('spans could not be sent: Request timed out')),
    });
  });

  test('a collector that is not there', async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${await portOfNobody()}` };
    const { status, stderr } = await traced(['20ms', '21ms'], ['-n', '2'], env);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(oneNote('spans could not be sent: connect ECONNREFUSED 127.0.0.1:\\d+')),
    });
  });

  test.each([
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', 'OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and this sends http/protobuf only'],
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote', 'OTEL_TRACES_SAMPLER is jaeger_remote, which this file does not know'],
  ])('%s=%s, which it does not know', async (name, value, why) => {
    const { status, stderr, collector } = await traced(['20ms'], [], { [name]: value });
    expect({ status, stderr, requests: collector.requests }).toEqual({
      status: 0,
      stderr: expect.stringMatching(oneNote(`nothing was recorded: ${why}`)),
      requests: 0,
    });
  });
});

async function portOfNobody(): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a provider that somebody else has registered before is used', () => {
  const exporter = new InMemorySpanExporter();

  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  });
  beforeEach(() => exporter.reset());
  afterAll(() => {
    trace.disable();
    context.disable();
    propagation.disable();
  });

  test('what is done within a millisecond has no span, unless there are spans below it', async () => {
    vi.useFakeTimers({ toFake: ['performance'] }); // so that all is done within no time, however busy the machine is
    onTestFinished(() => void vi.useRealTimers());
    const short = Array.from({ length: 200 }, (_, index) => `short-${index}`);
    const options = { inline: true, import: [TELEMETRY], observe: () => {}, signals: false };
    const { counts } = await new Master(taskFile('traced'), { ...options, args: [...short, 'child'] }).run();
    expect(counts.done).toBe(201);
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ name }) => name)).toEqual(['query', 'process traced', 'run traced']);
    const [query, attempt] = spans;
    expect(query?.parentSpanContext?.spanId).toBe(attempt?.spanContext().spanId);
    expect(attempt?.attributes).toMatchObject({ 'divvy.item.key': 'the child' });
  });

  test('below the span of the program', async () => {
    const master = new Master(taskFile('traced'), {
      ...{ inline: true, import: [TELEMETRY], observe: () => {}, signals: false },
      ...{ args: ['20ms', '21ms', 'throws'] },
    });
    // The program has a span of its own around the run.
    const result = await trace.getTracer('program').startActiveSpan('program', async (span) => {
      const ended = await master.run();
      span.end();
      return ended;
    });
    expect(result.counts).toMatchObject({ done: 2, failed: 1 });
    const spans = exporter.getFinishedSpans();
    const of = (name: string) => spans.filter((span) => span.name === name);
    const [[program], [run]] = [of('program'), of('run traced')];
    expect(run?.parentSpanContext?.spanId).toBe(program?.spanContext().spanId);
    expect(of('process traced').map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(
      Array(3).fill(run?.spanContext().spanId),
    );
    expect(
      of('process traced')
        .map(({ status }) => status.code)
        .sort(),
    ).toEqual([0, 0, 2]);
  });
});
