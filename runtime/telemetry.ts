/**
 * OpenTelemetry: a span for the run, and below it one for each attempt at an item that took 1 ms or more, failed, or whose
 * ids somebody has asked for, as a span below it does. `divvy add telemetry` put this file here, and "import" in divvy.json loads it before each task,
 * in the master and in every worker. It is yours to change.
 *
 * A run belongs to the trace that TRACEPARENT names, if that is set; workers get theirs in the same way. Whether spans are
 * recorded is the parent's to say, unless OTEL_TRACES_SAMPLER says otherwise. They are sent as OTLP over HTTP (protobuf).
 * These variables mean what OpenTelemetry says: OTEL_EXPORTER_OTLP_* (by default to http://localhost:4318),
 * OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and _ARG, OTEL_BSP_*, OTEL_SDK_DISABLED=true, and
 * OTEL_TRACES_EXPORTER=none.
 *
 * If another module has registered a tracer provider before this one, that is used, and nothing is set up here.
 */

import { basename } from 'node:path';
import type { Context, Span, Tracer } from '@opentelemetry/api';
import type { Sampler, SpanExporter } from '@opentelemetry/sdk-trace';
import type { ItemError } from './parallelizable.ts';
import {
  type AttemptEnd,
  type AttemptToTrace,
  type AttemptTrace,
  type RunEnd,
  type RunToTrace,
  type RunTrace,
  traceWith,
} from './tracing.ts';

/** An attempt that is done in less has no span, in milliseconds. */
const SHORTEST_MS = 1;
/** How long the last spans may take, in milliseconds: less than the runtime waits for them. */
const LAST_EXPORT_MS = 1500;
/** The end of each complaint. */
const OR_OFF = '. OTEL_SDK_DISABLED=true turns telemetry off';

/** Work is not stopped by telemetry that can't be had: the run says so in one line at its end. */
async function begin(): Promise<void> {
  try {
    await trace();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND';
    const why = isMissing ? 'the packages of OpenTelemetry are not installed' : message;
    traceWith({ flush: () => Promise.reject(new Error(`nothing was recorded: ${why}${OR_OFF}`)) });
  }
}

async function trace(): Promise<void> {
  const api = await import('@opentelemetry/api');
  const provider = api.trace.getTracerProvider();
  const there = provider instanceof api.ProxyTracerProvider ? provider.getDelegate() : provider;
  const flush = 'forceFlush' in there ? flushOf(there as Flushing) : await setUp(api);
  const spans = new Spans(api);
  traceWith({ run: (it) => spans.run(it), attempt: (it) => spans.attempt(it), flush });
}

type Api = typeof import('@opentelemetry/api');

/**
 * Returns whether anybody has asked since for the span's ids: for a span below it, here or in a service that gets them in a
 * header, or for a line of a log.
 */
function watched(span: Span): () => boolean {
  const ids = span.spanContext();
  let isAsked = false;
  span.spanContext = () => {
    isAsked = true;
    return ids;
  };
  return () => isAsked;
}

/** The spans of runs and attempts. */
class Spans {
  readonly #api: Api;
  readonly #tracer: Tracer;
  readonly #fromEnvironment: Context;
  #task = nameOf(process.argv[1]);

  constructor(api: Api) {
    this.#api = api;
    this.#tracer = api.trace.getTracer('divvy');
    this.#fromEnvironment = api.propagation.extract(api.ROOT_CONTEXT, process.env, {
      keys: (env) => Object.keys(env),
      get: (env, name) => env[variable(name)],
    });
  }

  run({ taskFile, workers }: RunToTrace): RunTrace {
    const { context, propagation, SpanStatusCode, trace } = this.#api;
    this.#task = nameOf(taskFile);
    const above = this.#above();
    const attributes = { 'divvy.task': this.#task, 'divvy.workers': workers };
    const span = this.#tracer.startSpan(`run ${this.#task}`, { attributes }, above);
    const own = trace.setSpan(above, span);
    const env: Record<string, string> = {};
    propagation.inject(own, env, {
      set: (to, name, value) => {
        to[variable(name)] = value;
      },
    });
    const end = ({ result, error }: RunEnd): void => {
      if (result) span.setAttributes(attributesOf(result));
      if (error) this.#fail(span, error);
      else if (result?.exitCode)
        span.setStatus({ code: SpanStatusCode.ERROR, message: `exit code ${result.exitCode}` });
      span.end();
    };
    return { env, within: (act) => context.with(own, act), end };
  }

  attempt(it: AttemptToTrace): AttemptTrace {
    const { context, trace } = this.#api;
    const above = this.#above();
    const beganAt = performance.now();
    const span = this.#tracer.startSpan(`process ${this.#task}`, {}, above);
    const isAsked = watched(span);
    const own = trace.setSpan(above, span);
    const end = ({ how, error }: AttemptEnd): void => {
      const isShort = how === 'done' && performance.now() - beganAt < SHORTEST_MS;
      if ((isShort && !isAsked()) || !span.isRecording()) return; // a span that does not end is not sent
      const { worker, number, attempt, key } = it;
      span.setAttributes({ 'divvy.task': this.#task, 'divvy.worker': worker, 'divvy.item.number': number });
      span.setAttributes({ 'divvy.item.key': key, 'divvy.attempt': attempt, 'divvy.outcome': how });
      // RateLimited is not a failure: the item is tried again later.
      if (error && how !== 'rate limited') this.#fail(span, error);
      span.end();
    };
    return { within: (act) => context.with(own, act), end };
  }

  /** The context of what is around: with --inline, and where a program runs a Master, that of this process. */
  #above(): Context {
    const { context, trace } = this.#api;
    return trace.getSpan(context.active()) ? context.active() : this.#fromEnvironment;
  }

  #fail(span: Span, { name, message, stack }: Pick<ItemError, 'name' | 'message' | 'stack'>): void {
    span.recordException({ name, message, ...(stack !== undefined && { stack }) });
    span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message });
  }
}

/** The variable of the environment that stands for a header. */
const variable = (header: string): string => header.toUpperCase().replaceAll('-', '_');

const nameOf = (taskFile = ''): string => basename(taskFile).replace(/\.[^.]+$/, '');

function attributesOf({
  runId,
  exitCode,
  stoppedBy,
  counts,
}: NonNullable<RunEnd['result']>): Record<string, string | number> {
  const { dispatched, done, failed, unfinished, skipped, retried, spawned, crashed } = counts;
  return {
    'divvy.run.id': runId,
    'divvy.exit_code': exitCode,
    ...(stoppedBy !== undefined && { 'divvy.stopped_by': stoppedBy }),
    ...{ 'divvy.items.dispatched': dispatched, 'divvy.items.done': done, 'divvy.items.failed': failed },
    ...{ 'divvy.items.unfinished': unfinished, 'divvy.items.skipped': skipped, 'divvy.items.retried': retried },
    ...{ 'divvy.workers.spawned': spawned, 'divvy.workers.crashed': crashed },
  };
}

interface Flushing {
  forceFlush(): Promise<void>;
}

/** A provider of another module's. */
const flushOf =
  (provider: Flushing): (() => Promise<void>) =>
  () =>
    provider.forceFlush();

/**
 * Sets up OpenTelemetry for this process. Returns the function that sends what is left.
 *
 * Instrumentations of your libraries belong here, behind the provider: registerInstrumentations({ instrumentations: […] }).
 */
async function setUp({ context, propagation, trace }: Api): Promise<() => Promise<void>> {
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const { CompositePropagator, getNumberFromEnv, W3CBaggagePropagator, W3CTraceContextPropagator } = await import(
    '@opentelemetry/core'
  );
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
  const { defaultResource, detectResources, envDetector } = await import('@opentelemetry/resources');
  const { BatchSpanProcessor, TracerProvider } = await import('@opentelemetry/sdk-trace');

  const env = process.env;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf';
  if (protocol !== 'http/protobuf')
    throw new Error(`OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}, and this sends http/protobuf only`);
  const exporter = new Exporter(new OTLPTraceExporter(), new OTLPTraceExporter({ timeoutMillis: LAST_EXPORT_MS }));
  const limits = {
    maxQueueSize: getNumberFromEnv('OTEL_BSP_MAX_QUEUE_SIZE'),
    maxExportBatchSize: getNumberFromEnv('OTEL_BSP_MAX_EXPORT_BATCH_SIZE'),
    scheduledDelayMillis: getNumberFromEnv('OTEL_BSP_SCHEDULE_DELAY'),
    exportTimeoutMillis: getNumberFromEnv('OTEL_BSP_EXPORT_TIMEOUT'),
  };
  const set = Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
  const batches = new BatchSpanProcessor({ exporter, ...set });
  const provider = new TracerProvider({
    resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
    sampler: await samplerOf(env),
    spanProcessors: [batches],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()];
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }));
  trace.setGlobalTracerProvider(provider);
  return () => exporter.last(() => batches.forceFlush());
}

/** The sampler that OTEL_TRACES_SAMPLER names; by default the parent decides, and without one every run is recorded. */
async function samplerOf(env: NodeJS.ProcessEnv): Promise<Sampler> {
  const { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, TraceIdRatioBasedSampler } = await import(
    '@opentelemetry/sdk-trace'
  );
  const name = env['OTEL_TRACES_SAMPLER']?.trim().toLowerCase() || 'parentbased_always_on';
  const given = Number(env['OTEL_TRACES_SAMPLER_ARG'] || 1);
  const ratio = given >= 0 && given <= 1 ? given : 1;
  const roots: Record<string, Sampler> = {
    always_on: new AlwaysOnSampler(),
    always_off: new AlwaysOffSampler(),
    traceidratio: new TraceIdRatioBasedSampler(ratio),
  };
  const root = roots[name.replace(/^parentbased_/, '')];
  if (!root) throw new Error(`OTEL_TRACES_SAMPLER is ${name}, which this file does not know`);
  return name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root;
}

/** Sends spans, and remembers why some could not be sent. */
class Exporter implements SpanExporter {
  readonly #patient: SpanExporter;
  readonly #quick: SpanExporter;
  #isLast = false;
  #failure: Error | undefined;

  /** quick - for the last spans: the run waits for these. */
  constructor(patient: SpanExporter, quick: SpanExporter) {
    this.#patient = patient;
    this.#quick = quick;
  }

  export(...[spans, done]: Parameters<SpanExporter['export']>): void {
    const exporter = this.#isLast ? this.#quick : this.#patient;
    exporter.export(spans, (result) => {
      this.#failure ??= result.error;
      done(result);
    });
  }

  /** Sends what is left. Rejects if that, or anything before it, could not be sent. */
  async last(flush: () => Promise<void>): Promise<void> {
    this.#isLast = true;
    await Promise.allSettled([flush(), this.forceFlush()]);
    this.#isLast = false;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw new Error(`spans could not be sent: ${failure.message}${OR_OFF}`);
  }

  async forceFlush(): Promise<void> {
    await Promise.all([this.#patient.forceFlush?.(), this.#quick.forceFlush?.()]);
  }

  async shutdown(): Promise<void> {
    await Promise.all([this.#patient.shutdown(), this.#quick.shutdown()]);
  }
}

const isOff =
  process.env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true' ||
  process.env['OTEL_TRACES_EXPORTER']?.trim().toLowerCase() === 'none';
if (!isOff) await begin();
