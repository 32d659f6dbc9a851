import { randomUUID } from "node:crypto";
import type { BulkAction } from "@keelson/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentOf } from "./support/documents.ts";
import { rejectedDelivery, saveHooked } from "./support/hooked.ts";
import { start } from "./support/runs.ts";
import { type Client, type World, createWorld } from "./support/world.ts";

let world: World;
let a: Client;
beforeAll(async () => {
  world = await createWorld();
  ({ a } = world);
});
afterAll(() => world.close());

const create = (client: Client, body: object) => client.post("/v1/bulk-actions", body);
const read = async (client: Client, id: string): Promise<BulkAction> =>
  (await client.get(`/v1/bulk-actions/${id}`).expect(200)).body;
const executions = async (client: Client, query: string): Promise<{ id: string; replayOf?: string }[]> =>
  (await client.get(`/v1/executions?limit=100&${query}`).expect(200)).body.items;

/** Executions that stay queued, oldest first. */
async function queued(client: Client, workflow: string, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) ids.push(await start(client, workflow, { input: n }));
  return ids;
}

/** Until nothing is due. */
async function carryOut(runner = world.bulkActions): Promise<void> {
  while ((await runner.runOnce()).done > 0);
}

/** A bulk action that is carried out at once. */
async function done(client: Client, body: object): Promise<BulkAction> {
  const { id } = (await create(client, body).expect(202)).body;
  await carryOut();
  return read(client, id);
}

/** Those with the wish to be cancelled in their inbox. */
async function toBeCancelled(client: Client): Promise<string[]> {
  const { rows } = await world.admin.pool.query<{ id: string }>(
    "select execution_id as id from keelson.inbox where tenant_id = $1 and kind = 'cancel' order by 1",
    [client.tenantId],
  );
  return rows.map((row) => row.id);
}

describe("POST /v1/bulk-actions", () => {
  it("cancels what the filter of the list matches, and says how that went", async () => {
    const client = await world.tenant();
    const [one, two] = [await client.save(documentOf()), await client.save(documentOf())];
    const hit = await queued(client, one, 3);
    await queued(client, two, 1);
    const created = await create(client, { action: "cancel", filter: { workflow: one } }).expect(202);
    const { id } = created.body;
    expect(created.body).toEqual({ id, matched: 3, capped: false });
    expect(created.headers["location"]).toBe(`/v1/bulk-actions/${id}`);
    expect(await read(client, id)).toMatchObject({ status: "running", done: 0, finishedAt: null });
    await carryOut();
    expect(await toBeCancelled(client)).toEqual(hit);
    const { body: me } = await client.get("/v1/me").expect(200);
    expect(await read(client, id)).toEqual({
      id,
      action: "cancel",
      status: "succeeded",
      filter: { workflow: [one], status: ["queued", "running", "waiting"] },
      version: null,
      perSecond: null,
      stopAfterFailures: null,
      matched: 3,
      capped: false,
      done: 3,
      succeeded: 3,
      refused: 0,
      failed: 0,
      refusals: [],
      createdAt: expect.any(String),
      finishedAt: expect.any(String),
      createdBy: { type: "apiKey", id: me.apiKey.id },
    });
  });

  it("replays in the version asked for, each one once, and none of its own replays", async () => {
    const client = await world.tenant();
    const saved = documentOf();
    const name = await client.save(saved);
    const originals = await queued(client, name, 3);
    await client.save({ ...saved, description: "two" });
    const bulk = await done(client, { action: "replay", filter: { workflow: name }, version: "latest" });
    expect(bulk).toMatchObject({ status: "succeeded", matched: 3, succeeded: 3, version: "latest" });
    const replays = await executions(client, "version=2");
    expect(replays).toHaveLength(3);
    expect(new Set(replays.map((one) => one.replayOf))).toEqual(new Set(originals));
    expect(await executions(client, "")).toHaveLength(6);
    const again = await done(client, { action: "replay", filter: { replayOf: originals }, version: 7 });
    expect(again).toMatchObject({ status: "succeeded", matched: 3, succeeded: 0, refused: 3 });
    expect(again.refusals).toContainEqual({
      id: replays[2]?.id,
      code: "NOT_FOUND",
      message: "The workflow has no version 7.",
    });
  });

  it("redelivers what the filter of the deliveries matches", async () => {
    const client = await world.tenant();
    const to = await saveHooked(client);
    const good = await rejectedDelivery(world, client, to, '{"n":1}');
    const malformed = await rejectedDelivery(world, client, to, "{");
    const filter = { hookId: to.hookId, reason: "SIGNATURE_INVALID", status: "rejected" };
    const bulk = await done(client, { action: "redeliver", filter });
    expect(bulk).toMatchObject({ matched: 2, succeeded: 1, refused: 1, failed: 0 });
    expect(bulk.refusals).toEqual([{ id: malformed, code: "MALFORMED_BODY", message: expect.any(String) }]);
    const { body } = await client.get("/v1/deliveries?status=accepted").expect(200);
    expect(body.items).toEqual([expect.objectContaining({ redeliveryOf: good })]);
  });

  it("changes nothing in a dry run, and shows the oldest that it would hit", async () => {
    const client = await world.tenant();
    const name = await client.save(documentOf());
    const ids = await queued(client, name, 12);
    const request = { action: "cancel", filter: { workflow: name }, dryRun: true };
    const { body } = await create(client, request).expect(200);
    expect(body).toMatchObject({ matched: 12, capped: false });
    expect(body.sample.map((one: { id: string }) => one.id)).toEqual(ids.slice(0, 10));
    const listed = (await executions(client, "")).find(({ id }) => id === ids[0]);
    expect(body.sample[0]).toEqual(listed);
    const to = await saveHooked(client);
    const delivery = await rejectedDelivery(world, client, to, "1");
    const redeliveries = await create(client, { action: "redeliver", ids: [delivery], dryRun: true }).expect(200);
    expect(redeliveries.body).toMatchObject({ matched: 1, sample: [{ id: delivery, status: "rejected" }] });
    await carryOut();
    expect(await toBeCancelled(client)).toEqual([]);
    expect((await client.get("/v1/bulk-actions").expect(200)).body.items).toEqual([]);
    const { body: audit } = await client.get("/v1/audit").expect(200);
    expect(audit.items.filter((one: { action: string }) => one.action.startsWith("bulk"))).toEqual([]);
  });

  it("takes a filter's values as the query string has them, or as numbers, booleans and arrays", async () => {
    const client = await world.tenant();
    const labels = { order: "{{ input }}" };
    const name = await client.save(documentOf({ labels }));
    await queued(client, name, 2);
    for (const filter of [
      { workflow: name, status: "queued,running" },
      { workflow: [name], status: ["queued", "running"], version: 1, retrying: false },
      { version: [1, 2], trigger: ["api"], since: "2020-01-01T00:00:00Z" },
    ]) {
      expect((await create(client, { action: "cancel", filter, dryRun: true }).expect(200)).body.matched).toBe(2);
    }
    const bulk = await done(client, { action: "replay", filter: { label: ["order:9", "x:a,b"], until: new Date() } });
    expect(bulk).toMatchObject({ matched: 0, status: "succeeded", finishedAt: expect.any(String) });
    expect(bulk.filter).toEqual({ label: ["order:9", "x:a,b"], until: expect.any(String) });
  });

  it("hits at most `limit`, the oldest first, and says that there are more", async () => {
    const client = await world.tenant();
    const ids = await queued(client, await client.save(documentOf()), 3);
    const first = await done(client, { action: "cancel", filter: {}, limit: 2 });
    expect(first).toMatchObject({ matched: 2, capped: true, done: 2 });
    expect(await toBeCancelled(client)).toEqual(ids.slice(0, 2));
    expect((await create(client, { action: "cancel", filter: {}, limit: 3 }).expect(202)).body.capped).toBe(false);
  });

  it("takes ids, each once; unknown ones and another tenant's are refused and not touched", async () => {
    const [client, other] = [await world.tenant(), await world.tenant()];
    const [mine = ""] = await queued(client, await client.save(documentOf()), 1);
    const [theirs = ""] = await queued(other, await other.save(documentOf()), 1);
    const unknown = randomUUID();
    for (const action of ["cancel", "replay", "retry", "redeliver"]) {
      const bulk = await done(client, { action, ids: [theirs, unknown, theirs] });
      expect(bulk).toMatchObject({ status: "succeeded", matched: 2, done: 2, refused: 2, failed: 0, filter: null });
      expect(bulk.refusals.map(({ id, code }) => [id, code])).toEqual([
        [theirs, "NOT_FOUND"],
        [unknown, "NOT_FOUND"],
      ]);
    }
    expect(await done(client, { action: "cancel", ids: [mine, theirs] })).toMatchObject({ succeeded: 1, refused: 1 });
    expect(await toBeCancelled(client)).toEqual([mine]);
    expect(await toBeCancelled(other)).toEqual([]);
    expect(await executions(other, "")).toHaveLength(1);
    const { body } = await create(client, { action: "cancel", ids: [theirs], dryRun: true }).expect(200);
    expect(body.sample).toEqual([]);
  });

  it("holds the limit of unfinished executions, as a single call does", async () => {
    const client = await world.tenant();
    const name = await client.save(documentOf());
    await queued(client, name, 2);
    const limits = { unfinishedExecutions: 3 };
    await world.operator.patch(`/v1/tenants/${client.tenantId}`, { limits }).expect(200);
    const bulk = await done(client, { action: "replay", filter: {} });
    expect(bulk).toMatchObject({ succeeded: 1, refused: 1, refusals: [{ code: "TOO_MANY_UNFINISHED" }] });
    expect(await executions(client, "")).toHaveLength(3);
  });

  it("stops once so many were refused or failed", async () => {
    const client = await world.tenant();
    const ids = [...Array(20)].map(() => randomUUID());
    const { id } = (await create(client, { action: "cancel", ids, stopAfterFailures: 3 }).expect(202)).body;
    await carryOut();
    const bulk = await read(client, id);
    expect(bulk).toMatchObject({ status: "stopped", matched: 20, finishedAt: expect.any(String) });
    expect(bulk.refused).toBe(3);
    expect(await world.bulkActions.runOnce()).toEqual({ done: 0 });
  });

  it("refuses what it cannot understand, and says where", async () => {
    for (const [body, path] of [
      [{ action: "erase", filter: {} }, "/action"],
      [{ action: "cancel" }, ""],
      [{ action: "cancel", filter: {}, ids: [randomUUID()] }, ""],
      [{ action: "cancel", filter: { nope: 1 } }, "/filter/nope"],
      [{ action: "cancel", filter: { status: ["asleep"] } }, "/filter/status/0"],
      [{ action: "cancel", filter: [] }, "/filter"],
      [{ action: "cancel", filter: {}, version: 1 }, "/version"],
      [{ action: "redeliver", filter: { parent: randomUUID() } }, "/filter/parent"],
      [{ action: "cancel", ids: ["x"] }, "/ids/0"],
      [{ action: "cancel", ids: [] }, "/ids"],
      [{ action: "cancel", filter: {}, limit: 10_001 }, "/limit"],
      [{ action: "cancel", filter: {}, perSecond: 0 }, "/perSecond"],
      [{ action: "cancel", filter: {}, stopAfterFailures: 0 }, "/stopAfterFailures"],
    ] as const) {
      const answer = await create(a, body).expect(400);
      expect(answer.body.errors[0]).toMatchObject({ path });
    }
  });

  it("wants the scope `trigger` to act and `read` to look, even for a dry run", async () => {
    const reader = await a.withScopes(["read", "write", "admin"]);
    for (const path of ["/v1/bulk-actions", "/v1/executions/bulk/retry", `/v1/bulk-actions/${randomUUID()}/cancel`]) {
      expect((await reader.post(path, {}).expect(403)).body.code).toBe("FORBIDDEN_SCOPE");
    }
    const actor = await a.withScopes(["trigger"]);
    for (const path of ["/v1/bulk-actions", `/v1/bulk-actions/${randomUUID()}`]) await actor.get(path).expect(403);
    await create(reader, { action: "cancel", filter: {}, dryRun: true }).expect(403);
    await create(actor, { action: "cancel", filter: {}, dryRun: true }).expect(200);
  });
});

describe("GET /v1/bulk-actions", () => {
  it("lists the tenant's own, newest first, page by page", async () => {
    const client = await world.tenant();
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      ids.unshift((await create(client, { action: "cancel", filter: {} }).expect(202)).body.id);
    }
    const first = await client.get("/v1/bulk-actions?limit=2").expect(200);
    const second = await client.get(`/v1/bulk-actions?limit=2&cursor=${first.body.nextCursor}`).expect(200);
    const items = [...first.body.items, ...second.body.items];
    expect(items.map(({ id }) => id)).toEqual(ids);
    expect(items[0]).not.toHaveProperty("refusals");
    expect(second.body.nextCursor).toBeNull();
    expect((await a.get(`/v1/bulk-actions/${ids[0]}`).expect(404)).body.code).toBe("NOT_FOUND");
    expect((await a.post(`/v1/bulk-actions/${ids[0]}/cancel`).expect(404)).body.code).toBe("NOT_FOUND");
  });
});

describe("POST /v1/bulk-actions/:id/cancel", () => {
  it("stops what is not done yet, is 409 once it is over, and both stand in the audit log", async () => {
    const client = await world.tenant();
    await queued(client, await client.save(documentOf()), 3);
    const request = { action: "cancel", filter: {}, perSecond: 0.01 };
    const { id } = (await create(client, request).expect(202)).body;
    expect(await world.bulkActions.runOnce()).toEqual({ done: 1 });
    const cancelled = await client.post(`/v1/bulk-actions/${id}/cancel`).expect(202);
    expect(cancelled.body).toMatchObject({ status: "cancelled", done: 1, finishedAt: expect.any(String) });
    await world.admin.pool.query("update keelson.bulk_actions set next_at = now() where id = $1", [id]);
    expect(await world.bulkActions.runOnce()).toEqual({ done: 0 });
    expect(await toBeCancelled(client)).toHaveLength(1);
    expect((await client.post(`/v1/bulk-actions/${id}/cancel`).expect(409)).body.code).toBe("BULK_ACTION_ENDED");
    const { body } = await client.get("/v1/audit").expect(200);
    const target = { type: "bulkAction", id };
    expect(body.items.filter((one: { target: object }) => JSON.stringify(one.target).includes(id))).toMatchObject([
      { action: "bulkAction.cancelled", target, details: { done: 1, matched: 3 } },
      { action: "bulkAction.created", target, details: { action: "cancel", matched: 3 } },
    ]);
  });

  it("comes with the end of the tenant", async () => {
    const client = await world.tenant();
    await queued(client, await client.save(documentOf()), 2);
    await create(client, { action: "replay", filter: {} }).expect(202);
    await world.operator.delete(`/v1/tenants/${client.tenantId}`).expect(204);
    expect(await world.bulkActions.runOnce()).toEqual({ done: 0 });
  });
});
