import { delayStep, httpStep, secretValue, transformStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { run, saveSteps, start, untilEnd, untilStep } from "./support/runs.ts";
import { testTarget } from "./support/target.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
let a: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
  await world.work();
});
afterAll(() => world.close());

const child = (id: string, workflow: string, config: object = {}, rest: object = {}) => ({
  id,
  type: "subworkflow",
  config: { workflow, ...config },
  ...rest,
});
const read = async (id: string) => (await a.get(`/v1/executions/${id}`).expect(200)).body;
/** The children of an execution by the step that started them, each once it has begun. */
async function childOf(id: string, stepId: string): Promise<string> {
  const { steps } = await untilStep(a, id, stepId, "waiting");
  const childId = steps?.find((step) => step.id === stepId)?.childExecutionId ?? "";
  await untilStep(a, childId, "nap", "waiting");
  return childId;
}

describe("a child's deadline", () => {
  it("is the earlier of its own and its parent's, and its own alone where it is not waited for", async () => {
    const nap = [delayStep("nap", "1d")];
    const quick = await saveSteps(a, nap, { timeout: "1m" });
    const slow = await saveSteps(a, nap, { timeout: "2h" });
    const none = await saveSteps(a, nap);
    const id = await start(
      a,
      await saveSteps(
        a,
        [
          child("quick", quick),
          child("slow", slow),
          child("none", none),
          child("alone", slow, { wait: false }),
          delayStep("nap", "1d"),
        ],
        { timeout: "1h" },
      ),
    );
    const at = async (stepId: string) => (await read(await childOf(id, stepId))).deadlineAt;
    const of = await untilStep(a, id, "alone", "succeeded");
    expect(Date.parse(of.deadlineAt!) - Date.parse(of.startedAt!)).toBe(3_600_000);
    // A deadline has microseconds; what is handed down is rounded up.
    for (const stepId of ["slow", "none"]) {
      expect([0, 1]).toContain(Date.parse(await at(stepId)) - Date.parse(of.deadlineAt!));
    }
    const early = await read(await childOf(id, "quick"));
    expect(Date.parse(early.deadlineAt) - Date.parse(early.startedAt)).toBe(60_000);
    const alone = await untilStep(a, (await read(id)).steps[3].output.executionId, "nap", "waiting");
    expect(Date.parse(alone.deadlineAt!) - Date.parse(alone.startedAt!)).toBe(7_200_000);
    await a.post(`/v1/executions/${id}/cancel`).expect(202);
    expect((await untilEnd(a, id)).status).toBe("cancelled");
  });
});

describe("a child on its own", () => {
  it.each([
    ["is cancelled", {}, "cancelled"],
    ["reaches its deadline", { timeout: "1s" }, "failed"],
  ])("goes on when its parent %s, and one that is waited for does not", async (what, rest, status) => {
    const inner = await saveSteps(a, [delayStep("nap", "1d")]);
    const steps = [child("alone", inner, { wait: false }), child("sub", inner)];
    const id = await start(a, await saveSteps(a, steps, rest));
    const waitedFor = await childOf(id, "sub");
    const alone = (await read(id)).steps[0].output.executionId;
    if (what === "is cancelled") await a.post(`/v1/executions/${id}/cancel`).expect(202);
    expect((await untilEnd(a, id)).status).toBe(status);
    expect((await untilEnd(a, waitedFor)).status).toBe(status);
    await untilStep(a, alone, "nap", "waiting");
    expect(await read(alone)).not.toHaveProperty("parent");
    await a.post(`/v1/executions/${alone}/steps/nap/wake`).expect(202);
    expect((await untilEnd(a, alone)).status).toBe("succeeded");
  });
});

describe("a child's version", () => {
  it("is the one named, else the latest when its step starts", async () => {
    const inner = documentOf({}, [transformStep("one", "first")]);
    await a.save(inner);
    const id = await start(
      a,
      await saveSteps(a, [
        delayStep("nap", "1d"),
        child("latest", inner.name, {}, { dependsOn: ["nap"] }),
        child("named", inner.name, { version: 1 }, { dependsOn: ["nap"] }),
      ]),
    );
    await untilStep(a, id, "nap", "waiting");
    await a.save({ ...inner, steps: [transformStep("one", "second")] });
    await a.post(`/v1/executions/${id}/steps/nap/wake`).expect(202);
    const { output } = await untilEnd(a, id);
    expect(output).toEqual({ latest: { one: "second" }, named: { one: "first" } });
  });
});

describe("a child that cannot start", () => {
  it("fails its step at once with CHILD_REFUSED: its workflow is archived, or has no such version", async () => {
    const inner = documentOf();
    const { id } = (await a.post("/v1/workflows", inner).expect(201)).body;
    const once = await saveSteps(a, [child("sub", inner.name, {}, { retry: { maxAttempts: 3 } })]);
    const wrong = await saveSteps(a, [child("sub", inner.name, { version: 9 })]);
    expect(await run(a, wrong)).toMatchObject({ error: { code: "CHILD_REFUSED", step: "sub" } });
    await a.delete(`/v1/workflows/${id}`).expect(204);
    expect(await run(a, once)).toMatchObject({ error: { code: "CHILD_REFUSED" }, steps: [{ attempts: 1 }] });
  });
});

describe("the limit of unfinished executions", () => {
  it("refuses neither a child nor a retry, and counts both", async () => {
    const tenant = await world.tenant();
    const inner = await saveSteps(tenant, [delayStep("nap", "1d")]);
    const name = await saveSteps(tenant, [child("sub", inner)]);
    const failing = await run(tenant, await saveSteps(tenant, [transformStep("bad", "{{ input.a.b }}")]));
    await world.operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { unfinishedExecutions: 1 } }).expect(200);
    const id = await start(tenant, name);
    const { steps } = await untilStep(tenant, id, "sub", "waiting");
    await untilStep(tenant, steps[0]!.childExecutionId!, "nap", "waiting");
    await tenant.post(`/v1/executions/${failing.id}/retry`).expect(202);
    await world.operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { unfinishedExecutions: 2 } }).expect(200);
    const refused = await tenant.post(`/v1/workflows/${name}/executions`, {}).expect(429);
    expect(refused.body.code).toBe("TOO_MANY_UNFINISHED");
  });
});

describe("a secret", () => {
  it("that has changed holds from the next attempt on, under the same key", async () => {
    const target = await testTarget({ status: 503 });
    const [before, after] = [secretValue("before"), secretValue("after")];
    await a.put("/v1/secrets/ROTATED", { value: before }).expect(204);
    const call = httpStep("call", target.url, { retry: { maxAttempts: 2, initialDelay: "1h", maxDelay: "1h" } });
    const headers = { authorization: "Bearer {{ secrets.ROTATED }}" };
    const id = await start(a, await saveSteps(a, [{ ...call, config: { ...(call["config"] as object), headers } }]));
    await untilStep(a, id, "call", "waiting");
    await a.put("/v1/secrets/ROTATED", { value: after }).expect(204);
    target.answer({ status: 200 });
    await a.post(`/v1/executions/${id}/steps/call/wake`).expect(202);
    expect((await untilEnd(a, id)).status).toBe("succeeded");
    expect(target.requests.map((request) => request.headers["authorization"])).toEqual([
      `Bearer ${before}`,
      `Bearer ${after}`,
    ]);
    expect(new Set(target.requests.map((request) => request.headers["idempotency-key"])).size).toBe(1);
  });
});
