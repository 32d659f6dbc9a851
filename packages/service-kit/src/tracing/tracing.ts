// Traces: one from the request that started an execution to the last request that it sends. Without an OTLP endpoint
// nothing is recorded, and a context that came in is handed on as it is.
//  TR1. A span says ids, names, times and outcomes: never payloads, never secrets (I8).
//  TR2. Losing a collector loses spans alone: the exporter's queue is bounded, and nothing waits for it.

import type { TraceContext } from "@keelson/contracts";

export type SpanKind = "server" | "client" | "internal";
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export interface SpanOptions {
  /** Null: the span is the first of its trace. */
  readonly parent: TraceContext | null;
  /** Default `internal`. */
  readonly kind?: SpanKind;
  /** Epoch ms; default: now. */
  readonly startedAt?: number;
  readonly attributes?: Attributes;
  /** A span known by ids that others can reckon as well, for what no single process sees whole. */
  readonly ids?: SpanIds;
}

export interface SpanIds {
  /** 32 hexadecimal digits, used where there is no parent. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
}

export interface Span {
  /** What to hand on; without recording, the parent's. */
  readonly context: TraceContext | null;
  /** Once. `failure`: a code, where it went wrong. */
  end(facts?: { readonly attributes?: Attributes; readonly failure?: string | undefined }): void;
}

export interface Tracing {
  readonly isRecording: boolean;
  begin(name: string, options: SpanOptions): Span;
  /** The context of a span with such ids, whether it has begun or not; without recording, the parent. */
  contextOf(parent: TraceContext | null, ids: SpanIds): TraceContext | null;
  /** Sends what is left, for at most a second or two. */
  close(): Promise<void>;
}

/** Records nothing and hands on what came in. */
export const untraced: Tracing = {
  isRecording: false,
  begin: (_name, { parent }) => ({ context: parent, end: () => undefined }),
  contextOf: (parent) => parent,
  close: async () => undefined,
};

/**
 * Traces to an OTLP endpoint (HTTP, JSON); its headers and time-outs are the exporter's own `OTEL_EXPORTER_OTLP_*`
 * variables. Without an endpoint: `untraced`, and nothing of OpenTelemetry is loaded.
 */
export async function openTracing(
  /** As spans name it: `keelson-api`. */
  service: string,
  env: {
    /** Base of the endpoint: `/v1/traces` is added. */
    readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
    /** Of traces that begin here, 0 to 1; a caller's own decision is followed. */
    readonly OTEL_TRACES_SAMPLER_ARG: number;
  },
): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: sampleRatio } = env;
  if (endpoint === undefined) return untraced;
  const { createOtlpTracing } = await import("./otlp-tracing.ts");
  return createOtlpTracing({ service, endpoint, sampleRatio });
}
