import type { BulkAction } from "@keelson/contracts";
import { httpStep } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, saveSteps, start, untilEnd } from "./support/runs.ts";
import { testTarget } from "./support/target.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
  await world.work();
});
afterAll(() => world.close());

/** What has become of it once nothing is due. */
async function carriedOut(client: Client, id: string): Promise<BulkAction> {
  while ((await world.bulkActions.runOnce()).done > 0);
  return (await client.get(`/v1/bulk-actions/${id}`).expect(200)).body;
}

describe("POST /v1/bulk-actions", () => {
  it("retries what failed, a parent together with its failed child, and leaves what was cancelled", async () => {
    const client = await world.tenant();
    const target = await testTarget({ status: 400 });
    const inner = await saveSteps(client, [httpStep("call", target.url)]);
    const outer = await saveSteps(client, [{ id: "child", type: "subworkflow", config: { workflow: inner } }]);
    const parent = await run(client, outer);
    const single = await run(client, inner);
    const cancelled = await start(client, await saveSteps(client, [{ id: "w", type: "delay", config: { for: "1h" } }]));
    await client.post(`/v1/executions/${cancelled}/cancel`).expect(202);
    await untilEnd(client, cancelled);
    const failed = await client.get("/v1/executions?status=failed").expect(200);
    expect(failed.body.items).toHaveLength(3);
    target.answer({ status: 200 });
    const created = await client.post("/v1/bulk-actions", { action: "retry", filter: {} }).expect(202);
    const bulk = await carriedOut(client, created.body.id);
    expect(bulk).toMatchObject({ matched: 2, succeeded: 2, refused: 0, perSecond: 100 });
    for (const { id } of [parent, single]) expect((await untilEnd(client, id)).status).toBe("succeeded");
    expect((await untilEnd(client, cancelled)).status).toBe("cancelled");
    expect(target.requests).toHaveLength(4);
  });
});

describe("POST /v1/executions/bulk/retry", () => {
  it("retries the failed ones of a workflow and a time, and counts them", async () => {
    const client = await world.tenant();
    const target = await testTarget({ status: 400 });
    const name = await saveSteps(client, [httpStep("call", target.url)]);
    const ids = [await run(client, name), await run(client, name)].map(({ id }) => id);
    await run(client, await saveSteps(client, [httpStep("call", target.url)]));
    target.answer({ status: 200 });
    const past = await client.post("/v1/executions/bulk/retry", { until: "2020-01-01T00:00:00Z" }).expect(202);
    expect(past.body.count).toBe(0);
    const { body } = await client.post("/v1/executions/bulk/retry", { workflow: name, limit: 10 }).expect(202);
    expect(body).toEqual({ count: 2, id: expect.any(String) });
    expect(await carriedOut(client, body.id)).toMatchObject({ action: "retry", succeeded: 2 });
    for (const id of ids) expect((await untilEnd(client, id)).status).toBe("succeeded");
    const named = await client.post("/v1/executions/bulk/retry", { workflow: [name] }).expect(202);
    expect(named.body.count).toBe(0);
    expect((await client.post("/v1/executions/bulk/retry").expect(202)).body.count).toBe(1);
    await client.post("/v1/executions/bulk/retry", { status: "failed" }).expect(400);
  });
});
