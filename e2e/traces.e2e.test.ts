// One trace from the webhook to the last request: over services, steps, children and a retry.
import { assertNoSecrets, eventually, recordingTarget, type RecordingTarget, secretValue } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { HOOK_TRIGGER, ended, startEngine, type Engine, type Tenant } from "./support/engine.ts";

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

let collector: RecordingTarget;
let target: RecordingTarget;
let engine: Engine;
let tenant: Tenant;

beforeAll(async () => {
  collector = await recordingTarget();
  target = await recordingTarget();
  engine = await startEngine({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url } });
  tenant = await engine.tenant();
});
afterAll(async () => {
  await engine.stop();
  await collector.close();
  await target.close();
  for (const { body } of collector.requests) assertNoSecrets("an exported trace", body);
});

function spans(): Span[] {
  return collector.requests.flatMap((request) => {
    const { resourceSpans } = request.json() as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  });
}

it("a webhook's trace goes on in each request of its execution and of its child's, tried again or not", async () => {
  await tenant.call("PUT", "/v1/secrets/TOKEN", { value: secretValue() });
  const config = { url: `${target.url}/deep?token={{ secrets.TOKEN }}`, headers: { "x-token": "{{ secrets.TOKEN }}" } };
  await tenant.save({ name: "child", steps: [{ id: "deep", type: "http", config }] });
  const url = await tenant.save({
    name: "parent",
    triggers: [HOOK_TRIGGER],
    steps: [
      { id: "first", type: "http", retry: { initialDelay: "10ms" }, config: { url: `${target.url}/first` } },
      { id: "nested", type: "subworkflow", dependsOn: ["first"], config: { workflow: "child" } },
    ],
  });
  target.answer(({ index }) => ({ status: index === 0 ? 503 : 200 }));
  const sent = await tenant.send(url, {}, undefined, { traceparent: TRACEPARENT, tracestate: "shop=1" });
  expect((await ended(tenant, sent.body.executionId)).status).toBe("succeeded");

  expect(target.requests.map(({ path }) => path)).toEqual(["/first", "/first", "/deep"]);
  const received = target.requests.map(({ headers }) => headers["traceparent"]?.split("-") ?? []);
  expect(received.map(([, trace]) => trace)).toEqual([TRACE, TRACE, TRACE]);
  expect(target.requests.map(({ headers }) => headers["tracestate"])).toEqual(["shop=1", "shop=1", "shop=1"]);

  const wanted = [
    "POST /hooks/:hookId",
    "execution child",
    "execution parent",
    "http deep",
    "http first",
    "http first",
  ];
  await eventually(() => expect(ofTrace().map(({ name }) => name)).toEqual(wanted));
  const [hook, child, parent, deep, ...firsts] = ofTrace();
  expect(hook?.parentSpanId).toBe("b7ad6b7169203331");
  expect(parent?.parentSpanId).toBe(hook?.spanId);
  expect(child?.parentSpanId).toBe(parent?.spanId);
  expect(deep?.parentSpanId).toBe(child?.spanId);
  expect(firsts.map(({ parentSpanId }) => parentSpanId)).toEqual([parent?.spanId, parent?.spanId]);
  const sentSpans = received.map(([, , span]) => span);
  expect(new Set(sentSpans)).toEqual(new Set([...firsts, deep].map((span) => span?.spanId)));
});

it("the caller's trace is followed by a start, a replay and a redelivery through the API", async () => {
  const url = await tenant.save({
    name: "again",
    triggers: [HOOK_TRIGGER],
    steps: [{ id: "call", type: "http", config: { url: `${target.url}/again` } }],
  });
  const sent = await tenant.send(url, {});
  await ended(tenant, sent.body.executionId);
  const { deliveryId } = sent.body;
  const calls = [
    "/v1/workflows/again/executions",
    `/v1/executions/${sent.body.executionId}/replay`,
    `/v1/deliveries/${deliveryId}/redeliver`,
  ];
  for (const [n, path] of calls.entries()) {
    const trace = String(n + 1).repeat(32);
    const answer = await fetch(`${engine.stack.urls.api}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${tenant.key}`, traceparent: `00-${trace}-b7ad6b7169203331-01` },
    });
    expect(answer.status).toBe(202);
    await eventually(() => expect(target.to("/again").at(-1)?.headers["traceparent"]).toContain(trace));
  }
});

function ofTrace(): Span[] {
  return spans()
    .filter(({ traceId }) => traceId === TRACE)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
