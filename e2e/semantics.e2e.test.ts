// What a workflow means, seen from outside: edges and joins, failures, retries, time-outs, cancels, children, secrets.
import { eventually, recordingTarget, type RecordingTarget, secretValue } from "@keelson/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ended, startEngine, type Engine, type Execution, type Tenant } from "./support/engine.ts";
import { violations } from "./support/invariants.ts";

let engine: Engine;
let tenant: Tenant;
let target: RecordingTarget;
let named = 0;

beforeAll(async () => {
  target = await recordingTarget();
  engine = await startEngine();
  tenant = await engine.tenant();
});
afterAll(async () => {
  const broken = await violations(engine);
  await engine.stop();
  await target.close();
  if (broken.length > 0) throw new Error(`Invariants broken: ${JSON.stringify(broken)}`);
});
beforeEach(() => target.answer({ status: 200, body: { ok: true } }));

async function save(steps: object[], rest: object = {}): Promise<string> {
  const name = `semantics-${++named}`;
  await tenant.save({ name, steps, ...rest });
  return name;
}

async function run(steps: object[], rest: object = {}, input?: unknown): Promise<Execution> {
  return ended(tenant, await tenant.start(await save(steps, rest), input));
}

const transform = (id: string, output: unknown, rest: object = {}): object => ({
  id,
  type: "transform",
  config: { output },
  ...rest,
});
const http = (id: string, path: string, rest: object = {}, config: object = {}): object => ({
  id,
  type: "http",
  config: { method: "POST", url: `${target.url}${path}`, body: { id }, ...config },
  ...rest,
});
const statuses = (execution: Execution): Record<string, string> =>
  Object.fromEntries(execution.steps.map((step) => [step.id, step.status]));
const once = { maxAttempts: 1 };

describe("edges and joins", () => {
  //        ┌─ true ── big ───┐
  //  cond ─┤                 ├─ merge ── end
  //        └─ false ─ small ─┘
  it("a merge of branches runs once, after whichever was taken", async () => {
    const execution = await run(
      [
        { id: "cond", type: "condition", config: { if: "input.n > 10" } },
        transform("big", "big", { dependsOn: ["cond:true"] }),
        transform("small", "small", { dependsOn: ["cond:false"] }),
        transform("merge", "{{ steps.big.output ?? steps.small.output }}", { dependsOn: ["big", "small"] }),
      ],
      {},
      { n: 3 },
    );
    expect(statuses(execution)).toEqual({ cond: "succeeded", big: "skipped", small: "succeeded", merge: "succeeded" });
    expect(execution.output).toEqual({ merge: "small" });
  });

  it("cases are tried in order; with none that holds and no otherwise, NO_CASE fails the step", async () => {
    const cases = [
      { branch: "low", if: "input.n < 10" },
      { branch: "mid", if: "input.n < 20" },
    ];
    const steps = [
      { id: "c", type: "condition", config: { cases } },
      transform("low", 1, { dependsOn: ["c:low"] }),
      transform("mid", 2, { dependsOn: ["c:mid"] }),
    ];
    expect((await run(steps, {}, { n: 12 })).output).toEqual({ mid: 2 });
    expect(await run(steps, {}, { n: 50 })).toMatchObject({ status: "failed", error: { code: "NO_CASE", step: "c" } });
  });
});

describe("failures", () => {
  it("one without a handler cancels what waits and fails the execution with its error", async () => {
    target.answer({ status: 400, body: { why: "bad" } });
    const execution = await run([
      http("bad", "/bad"),
      { id: "long", type: "delay", config: { for: "1h" } },
      transform("after", 1, { dependsOn: ["bad"] }),
    ]);
    expect(statuses(execution)).toEqual({ bad: "failed", long: "cancelled", after: "cancelled" });
    expect(execution).toMatchObject({
      status: "failed",
      error: { code: "HTTP_STATUS", step: "bad", details: { status: 400, body: { why: "bad" } } },
    });
  });

  it("one that an error edge takes leaves the execution succeeded", async () => {
    target.answer((request) => (request.path === "/bad" ? { status: 404 } : { status: 200, body: {} }));
    const execution = await run([
      http("bad", "/bad"),
      transform("good", 1, { dependsOn: ["bad"] }),
      transform("rescue", "{{ steps.bad.error.code }}", { dependsOn: ["bad:error"] }),
    ]);
    expect(execution.status).toBe("succeeded");
    expect(statuses(execution)).toEqual({ bad: "failed", good: "skipped", rescue: "succeeded" });
    expect(execution.output).toEqual({ good: undefined, rescue: "HTTP_STATUS" });
  });

  it("`continue` takes the success edges and shows the error", async () => {
    target.answer({ status: 410 });
    const execution = await run([
      http("bad", "/bad", { onError: "continue" }),
      transform("next", { code: "{{ steps.bad.error.code }}", out: "{{ steps.bad.output }}" }, { dependsOn: ["bad"] }),
    ]);
    expect(execution).toMatchObject({ status: "succeeded", output: { next: { code: "HTTP_STATUS", out: null } } });
  });

  it("an expression that fails says where, and is not tried again", async () => {
    const execution = await run([transform("t", "{{ input.a.b }}", { retry: { maxAttempts: 5 } })], {}, {});
    expect(execution).toMatchObject({ status: "failed", error: { code: "EXPRESSION_FAILED", step: "t" } });
    expect(execution.steps[0]?.attempts).toBe(1);
  });

  it("start the workflow that onFailure names, once, with what failed", async () => {
    await tenant.save({ name: "on-call", steps: [http("page", "/page", {}, { body: "{{ input }}" })] });
    target.answer((request) => ({ status: request.path === "/page" ? 200 : 422, body: {} }));
    const execution = await run([http("bad", "/bad")], { onFailure: "on-call" }, { order: 7 });
    await eventually(() => expect(target.to("/page")).toHaveLength(1));
    expect(target.to("/page")[0]?.json()).toMatchObject({
      executionId: execution.id,
      error: { code: "HTTP_STATUS" },
      input: { order: 7 },
    });
  });
});

describe("retries and time-outs", () => {
  it("503 is tried again under the same key, and honours Retry-After", async () => {
    let calls = 0;
    target.answer(() =>
      ++calls < 3 ? { status: 503, headers: { "retry-after": "1" } } : { status: 200, body: { calls } },
    );
    const path = `/flaky-${named}`;
    const execution = await run([
      http("flaky", path, { retry: { maxAttempts: 3, initialDelay: "10ms", maxDelay: "50ms" } }),
    ]);
    expect(execution.status).toBe("succeeded");
    expect(execution.steps[0]).toMatchObject({ attempts: 3, output: { status: 200, body: { calls: 3 } } });
    expect(new Set(target.to(path).map((request) => request.headers["idempotency-key"]))).toEqual(
      new Set([`${execution.id}.flaky`]),
    );
  });

  it("attempts that are used up fail the step with the last error", async () => {
    target.answer({ status: 500 });
    const execution = await run([http("down", "/down", { retry: { maxAttempts: 2, initialDelay: "10ms" } })]);
    expect(execution).toMatchObject({ status: "failed", error: { code: "HTTP_STATUS" } });
    expect(execution.steps[0]?.attempts).toBe(2);
  });

  it("an attempt that takes too long is STEP_TIMEOUT", async () => {
    target.answer("hang");
    const execution = await run([http("slow", "/slow", { timeout: "200ms", retry: once })]);
    expect(execution).toMatchObject({ status: "failed", error: { code: "STEP_TIMEOUT", step: "slow" } });
  });

  it("an execution that takes too long is EXECUTION_TIMEOUT, and follows no error edge", async () => {
    target.answer("hang");
    const execution = await run([http("slow", "/slow"), transform("rescue", 1, { dependsOn: ["slow:error"] })], {
      timeout: "500ms",
    });
    expect(execution).toMatchObject({ status: "failed", error: { code: "EXECUTION_TIMEOUT" } });
    expect(statuses(execution)).toEqual({ slow: "cancelled", rescue: "cancelled" });
  });

  it("successIf polls until it holds", async () => {
    let calls = 0;
    target.answer(() => ({ status: 200, body: { done: ++calls === 3 } }));
    const step = http(
      "poll",
      "/poll",
      { retry: { maxAttempts: 5, backoff: "fixed", initialDelay: "10ms" } },
      { successIf: "response.body.done" },
    );
    expect((await run([step])).steps[0]).toMatchObject({ status: "succeeded", attempts: 3 });
  });
});

describe("cancel", () => {
  it("aborts an attempt that hangs, and reaches children", async () => {
    target.answer("hang");
    const child = await save([http("hang", "/hang-child")]);
    const parent = await save([
      { id: "sub", type: "subworkflow", config: { workflow: child } },
      http("hang", "/hang-parent"),
    ]);
    const id = await tenant.start(parent);
    await eventually(() => expect([target.to("/hang-child").length, target.to("/hang-parent").length]).toEqual([1, 1]));
    const childId = (await tenant.execution(id)).steps[0]?.childExecutionId ?? "";
    expect((await tenant.call("POST", `/v1/executions/${id}/cancel`)).status).toBe(202);
    expect((await ended(tenant, id)).status).toBe("cancelled");
    expect((await ended(tenant, childId)).status).toBe("cancelled");
    await eventually(() => expect(target.connections()).toBe(0));
    expect(await tenant.call("POST", `/v1/executions/${id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: "EXECUTION_ENDED" },
    });
  });
});

describe("children", () => {
  it("a child's failure is CHILD_FAILED, one that cannot start is CHILD_REFUSED, one on its own is not waited for", async () => {
    target.answer({ status: 400 });
    const bad = await save([http("bad", "/bad")]);
    const strict = await save([transform("t", 1)], { inputSchema: { type: "object", required: ["x"] } });
    const sub = (workflow: string, config: object = {}): object => ({
      id: "sub",
      type: "subworkflow",
      config: { workflow, ...config },
    });
    expect(await run([sub(bad)])).toMatchObject({ status: "failed", error: { code: "CHILD_FAILED", step: "sub" } });
    expect(await run([sub(strict)])).toMatchObject({ status: "failed", error: { code: "CHILD_REFUSED", step: "sub" } });
    const alone = await run([sub(bad, { wait: false })]);
    expect(alone.status).toBe("succeeded");
    const output = alone.steps[0]?.output as { executionId: string };
    expect((await ended(tenant, output.executionId)).status).toBe("failed");
  });
});

describe("secrets", () => {
  it("reach the target and nothing that is stored, not even where the target echoes them", async () => {
    const value = secretValue("token");
    expect((await tenant.call("PUT", "/v1/secrets/TOKEN", { value })).status).toBe(204);
    target.answer((request) => ({
      status: 200,
      body: { echo: request.headers["authorization"], b64: Buffer.from(value).toString("base64") },
    }));
    const execution = await run([
      http("call", "/secret", {}, { headers: { authorization: "Bearer {{ secrets.TOKEN }}" } }),
    ]);
    expect(target.to("/secret")[0]?.headers["authorization"]).toBe(`Bearer ${value}`);
    expect(execution.status).toBe("succeeded");
    expect(execution.steps[0]?.output).toMatchObject({ body: { echo: "Bearer ***", b64: "***" } });
    const rows = await engine.query<{ text: string }>(
      `select s::text as text from keelson.step_runs s union all select a::text from keelson.attempts a
       union all select b::text from keelson.event_batches b union all select e::text from keelson.executions e`,
    );
    for (const { text } of rows) expect(text).not.toContain(value);
  });

  it("that are missing fail the step with SECRET_MISSING", async () => {
    const execution = await run([http("call", "/x", {}, { headers: { a: "{{ secrets.NOBODY }}" } })]);
    expect(execution).toMatchObject({ status: "failed", error: { code: "SECRET_MISSING", step: "call" } });
  });
});
