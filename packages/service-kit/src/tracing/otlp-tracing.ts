// Tracing by OpenTelemetry's SDK. Loaded only where an endpoint is configured.

import type { TraceContext } from "@keelson/contracts";
import {
  ROOT_CONTEXT,
  SpanKind as OtelKind,
  SpanStatusCode,
  TraceFlags,
  createTraceState,
  trace,
  type Context,
  type SpanContext,
} from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { SpanIds, SpanKind, Tracing } from "./tracing.ts";

const KINDS: Readonly<Record<SpanKind, OtelKind>> = {
  server: OtelKind.SERVER,
  client: OtelKind.CLIENT,
  internal: OtelKind.INTERNAL,
};
/** How long a span waits for others to be sent with it; ms. */
const BATCH_MS = 1_000;
const EXPORT_TIMEOUT_MS = 5_000;
const CLOSE_MS = 2_000;

export function createOtlpTracing(options: {
  readonly service: string;
  readonly endpoint: string;
  readonly sampleRatio: number;
}): Tracing {
  const ids = createIds();
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint.replace(/\/+$/, "")}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": options.service, "process.pid": process.pid }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.sampleRatio) }),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: BATCH_MS })],
  });
  const tracer = provider.getTracer("keelson");
  return {
    isRecording: true,
    begin(name, { parent, kind = "internal", startedAt, attributes = {}, ids: wanted }) {
      const span = ids.using(wanted, () =>
        tracer.startSpan(
          name,
          { kind: KINDS[kind], startTime: new Date(startedAt ?? Date.now()), attributes },
          under(parent),
        ),
      );
      return {
        context: handedOn(span.spanContext()),
        end({ attributes: more = {}, failure } = {}) {
          span.setAttributes(more);
          if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
          span.end();
        },
      };
    },
    contextOf(parent, { traceId, spanId }) {
      const [version, parentTraceId, , flags] =
        parent === null ? ["00", traceId, "", "01"] : parent.traceparent.split("-");
      return { ...parent, traceparent: `${version}-${parentTraceId}-${spanId}-${flags}` };
    },
    async close() {
      const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}

/** Random ids, or the ones wanted for the one span that is started meanwhile: starting one is synchronous. */
function createIds() {
  const random = new RandomIdGenerator();
  let wanted: SpanIds | undefined;
  return {
    generateTraceId: () => wanted?.traceId ?? random.generateTraceId(),
    generateSpanId: () => wanted?.spanId ?? random.generateSpanId(),
    using<T>(ids: SpanIds | undefined, start: () => T): T {
      wanted = ids;
      try {
        return start();
      } finally {
        wanted = undefined;
      }
    },
  };
}

function under(parent: TraceContext | null): Context {
  if (parent === null) return ROOT_CONTEXT;
  const [, traceId = "", spanId = "", flags = "00"] = parent.traceparent.split("-");
  const { tracestate } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  });
}

function handedOn({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  return traceState === undefined ? { traceparent } : { traceparent, tracestate: traceState.serialize() };
}
