// Webhooks of one tenant that come together are one commit, and each is judged as if it had come alone.
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDeliveryAcceptor, type Database, type DeliveryRequest } from "../src/index.ts";
import { NO_STEPS, startRequest } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

interface Hooked {
  readonly workflowId: string;
  request(repeatKey: string | null, change?: Partial<DeliveryRequest>): DeliveryRequest;
}

async function hooked(tenantId: string): Promise<Hooked> {
  const of = await world.workflow(tenantId, NO_STEPS);
  const hookId = newId();
  await world.admin.query(
    "insert into keelson.hooks (tenant_id, id, workflow_id, trigger_id) values ($1, $2, $3, 'h')",
    [tenantId, hookId, of.workflowId],
  );
  return {
    workflowId: of.workflowId,
    request: (repeatKey, change = {}) => ({
      tenantId,
      delivery: {
        id: newId(),
        hookId,
        workflowId: of.workflowId,
        repeatKey,
        headers: {},
        query: {},
        contentType: null,
      },
      body: Buffer.from(String(repeatKey)),
      start: { ...startRequest({ tenantId, executionId: newId(), ...of }).start, triggerType: "webhook" },
      maxUnfinished: 3,
      ...change,
    }),
  };
}

/** Counts the calls that pass. */
function counted(db: Database): Database & { calls: number } {
  const counting = {
    ...db,
    calls: 0,
    call: ((query, values) => {
      counting.calls += 1;
      return db.call(query, values);
    }) satisfies Database["call"],
  };
  return counting;
}

async function kept(tenantId: string) {
  const { rows } = await world.admin.query<{ status: string; execution_id: string; body: Buffer }>(
    "select status, execution_id, body from keelson.deliveries where tenant_id = $1 order by status, body",
    [tenantId],
  );
  return rows;
}

it("gives each its own verdict: other workflows, repeats within and before, none beyond the limit, and its own body", async () => {
  const tenantId = await world.tenant();
  const [one, other, archived] = [await hooked(tenantId), await hooked(tenantId), await hooked(tenantId)];
  await world.admin.query("update keelson.workflows set status = 'paused' where id = $1", [other.workflowId]);
  await world.admin.query("update keelson.workflows set status = 'archived', archived_at = now() where id = $1", [
    archived.workflowId,
  ]);
  const db = counted(world.app);
  const accept = createDeliveryAcceptor(db);
  const before = one.request("before");
  expect(await accept(before)).toEqual({ kind: "accepted", executionId: before.start.executionId, held: false });

  const [first, paused] = [one.request("first"), other.request("first")];
  const stale = one.request("stale");
  const verdicts = await Promise.all(
    [
      one.request("before"),
      first,
      one.request("first"),
      paused,
      archived.request("a"),
      { ...stale, start: { ...stale.start, versionId: newId() } },
      { ...stale, delivery: { ...stale.delivery, workflowId: newId() } },
      one.request("beyond"),
      one.request(null),
    ].map(accept),
  );
  expect(verdicts).toEqual([
    { kind: "duplicate", executionId: before.start.executionId },
    { kind: "accepted", executionId: first.start.executionId, held: false },
    { kind: "duplicate", executionId: first.start.executionId },
    { kind: "accepted", executionId: paused.start.executionId, held: true },
    { kind: "archived" },
    { kind: "stale" },
    { kind: "unknown" },
    { kind: "full" },
    { kind: "full" },
  ]);
  expect(db.calls).toBe(2);
  expect((await kept(tenantId)).map(({ status, body }) => `${status} ${body.toString()}`)).toEqual([
    "accepted before",
    "accepted first",
    "accepted first",
    "duplicate before",
    "duplicate first",
  ]);
});

it("refuses one whose data PostgreSQL cannot take, and takes those that came with it", async () => {
  const tenantId = await world.tenant();
  const one = await hooked(tenantId);
  const bad = one.request("bad");
  const answers = await Promise.allSettled(
    [one.request("a"), { ...bad, start: { ...bad.start, input: "\u0000" } }, one.request("b")].map(
      createDeliveryAcceptor(world.app),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect((await kept(tenantId)).map(({ body }) => body.toString())).toEqual(["a", "b"]);
});

it("takes the same keys at two ingresses at once, in whatever order they came, without a deadlock", async () => {
  const tenantId = await world.tenant();
  const one = await hooked(tenantId);
  const acceptors = [createDeliveryAcceptor(world.app), createDeliveryAcceptor(world.app)];
  const keys = Array.from({ length: 40 }, (_, index) => `k-${index}`);
  for (let round = 0; round < 5; round += 1) {
    const verdicts = await Promise.all(
      acceptors.flatMap((accept, index) =>
        (index === 0 ? keys : keys.toReversed()).map((key) =>
          accept(one.request(`${round} ${key}`, { maxUnfinished: 1_000 })),
        ),
      ),
    );
    expect(verdicts.filter(({ kind }) => kind === "accepted")).toHaveLength(keys.length);
    expect(verdicts.filter(({ kind }) => kind === "duplicate")).toHaveLength(keys.length);
  }
});
