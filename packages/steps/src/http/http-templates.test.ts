// What a sender writes into a webhook becomes part of a request by a template, and is judged as what it has become.
import type { JsonObject } from "@keelson/contracts";
import { parseDefinition } from "@keelson/dag";
import { describe, expect, it } from "vitest";
import { startClient, startTarget } from "../fixtures/target.ts";
import type { HttpClient } from "./client.ts";
import { createHttpStep } from "./http.ts";

/** One attempt of an http step whose config names the webhook's body. */
async function perform(client: HttpClient, config: JsonObject, body: JsonObject) {
  const parsed = parseDefinition({ name: "w", steps: [{ id: "call", type: "http", config }] });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const step = parsed.workflow.graph.byId.get("call")!;
  const compiled = parsed.workflow.steps.get("call")!;
  const scope = { input: null, trigger: { body }, execution: {}, steps: () => null, nowMs: 0, uuid: () => "" };
  const kind = createHttpStep(client);
  const evaluated = await kind.evaluate({
    step,
    compiled,
    scope,
    frozen: null,
    at: 0,
    planChild: () => Promise.reject(new Error("no child here")),
  });
  if (evaluated.kind === "failed") return { kind: "failed" as const, error: evaluated.error, sent: false };
  if (evaluated.kind !== "request") throw new Error(evaluated.kind);
  const { outcome } = await kind.perform!({
    step,
    compiled,
    scope,
    input: evaluated.input,
    idempotencyKey: "e.call",
    trace: null,
    signal: new AbortController().signal,
    inTurn: async (work) => work(),
  });
  return outcome;
}

describe("a host that a sender names", () => {
  const nothingPrivate = () => startClient({ egressAllow: [] });

  it.each([
    "127.0.0.1",
    "169.254.169.254",
    "[::ffff:169.254.169.254]",
    "2852039166",
    "0xa9fea9fe",
    "metadata.google.internal",
    "metadata.goog",
    "metadata",
    "instance-data",
    "localhost",
    "example.com@169.254.169.254",
    "169.254.169.254#.example.com",
    "169.254.169.254\\.example.com",
    "①⑥⑨.②⑤④.①⑥⑨.②⑤④",
  ])("is judged as any other: %s", async (host) => {
    const outcome = await perform(nothingPrivate(), { url: "http://{{ trigger.body.host }}/latest/" }, { host });
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "EGRESS_BLOCKED" }, retryable: false });
  });

  it("is judged by where its name leads", async () => {
    const client = startClient({ egressAllow: [], lookup: async () => [{ address: "10.0.0.7", family: 4 }] });
    const outcome = await perform(client, { url: "https://{{ trigger.body.host }}/" }, { host: "innocent.example" });
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "EGRESS_BLOCKED" } });
  });

  it("is judged too where the sender gives the whole URL, of any scheme", async () => {
    for (const url of ["http://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "data:,x"]) {
      const outcome = await perform(nothingPrivate(), { url: "{{ trigger.body.url }}" }, { url });
      expect(outcome).toMatchObject({ kind: "failed", error: { code: "EGRESS_BLOCKED" }, retryable: false });
    }
  });
});

describe("a header that a sender fills", () => {
  it.each(["a\r\nx-evil: 1", "a\nb", "a\0b", "☃", "a\r\n folded"])(
    "is refused with %j, and nothing is sent",
    async (text) => {
      const target = await startTarget((_, response) => void response.end("ok"));
      const config = { url: target.origin, headers: { "x-from": "{{ trigger.body.text }}" } };
      const outcome = await perform(startClient(), config, { text });
      expect(outcome).toMatchObject({ kind: "failed", error: { code: "EXPRESSION_FAILED" } });
      expect(target.seen).toHaveLength(0);
    },
  );
});
