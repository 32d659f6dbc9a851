import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import { openTracing, untraced } from "./tracing.ts";

const PARENT = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=1" };

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly status: { readonly code: number; readonly message?: string };
}

let collector: Server | undefined;
afterEach(() => void collector?.close());

/** A collector that keeps the spans it is sent. */
async function collect() {
  const spans: SentSpan[] = [];
  const paths: (string | undefined)[] = [];
  collector = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      paths.push(req.url);
      const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString()) as {
        resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[];
      };
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      res.setHeader("content-type", "application/json");
      res.end("{}");
    });
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => collector?.once("listening", resolve));
  const { port } = collector.address() as AddressInfo;
  return { spans, paths, endpoint: `http://127.0.0.1:${port}/` };
}

it("hands on what came in, and records nothing, without an endpoint", async () => {
  expect(await openTracing("test", { OTEL_TRACES_SAMPLER_ARG: 1 })).toBe(untraced);
  expect(untraced.begin("a", { parent: PARENT }).context).toEqual(PARENT);
  expect(untraced.begin("a", { parent: null }).context).toBeNull();
});

it("sends spans under the caller's, with their times and failures, and hands their own context on", async () => {
  const { spans, paths, endpoint } = await collect();
  const tracing = await openTracing("test", { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: 1 });
  const span = tracing.begin("http pay", { parent: PARENT, kind: "client", startedAt: 1_000 });
  span.end({ failure: "HTTP_STATUS" });
  await tracing.close();

  expect(paths).toEqual(["/v1/traces"]);
  expect(spans).toHaveLength(1);
  expect(spans[0]).toMatchObject({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    parentSpanId: "b7ad6b7169203331",
    name: "http pay",
    startTimeUnixNano: "1000000000",
    status: { code: 2, message: "HTTP_STATUS" },
  });
  expect(span.context).toEqual({
    traceparent: `00-0af7651916cd43dd8448eb211c80319c-${spans[0]?.spanId}-01`,
    tracestate: "a=1",
  });
});

it("gives a span the ids that others reckon with", async () => {
  const { spans, endpoint } = await collect();
  const tracing = await openTracing("test", { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: 1 });
  const ids = { traceId: "1".repeat(32), spanId: "2".repeat(16) };
  const within = tracing.contextOf(null, ids);
  tracing.begin("step", { parent: within }).end();
  tracing.begin("execution", { parent: null, ids }).end();
  await tracing.close();

  const [step, execution] = spans;
  expect(execution).toMatchObject(ids);
  expect(step).toMatchObject({ traceId: ids.traceId, parentSpanId: ids.spanId });
  expect(tracing.contextOf(PARENT, ids)).toEqual({
    traceparent: `00-0af7651916cd43dd8448eb211c80319c-${ids.spanId}-01`,
    tracestate: "a=1",
  });
});

it("follows a caller who does not want to be recorded", async () => {
  const { spans, endpoint } = await collect();
  const tracing = await openTracing("test", { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: 1 });
  const parent = { traceparent: PARENT.traceparent.replace(/01$/, "00") };
  const span = tracing.begin("quiet", { parent });
  span.end();
  await tracing.close();
  expect(spans).toEqual([]);
  expect(span.context?.traceparent).toMatch(/-00$/);
});
