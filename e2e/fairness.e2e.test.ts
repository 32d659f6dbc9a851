// One tenant's thousands do not hold up another's first. Asked of the order in which PostgreSQL says they were started,
// not of a clock. And of those thousands none is dropped: what is accepted ends, what is too much is refused.
import { createHints, DEFAULT_PREFIX, openRedis } from "@keelson/queue";
import { eventually, recordingTarget, type RecordingTarget } from "@keelson/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ended, HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { violations } from "./support/invariants.ts";

const WORKERS = 2;
const CONCURRENCY = 8;
const SLOTS = WORKERS * CONCURRENCY;
const QUEUED = 10_000;
const STEP_MS = 200;

let engine: Engine;
let target: RecordingTarget;

beforeAll(async () => {
  target = await recordingTarget();
  target.answer(() => ({ status: 200, body: {}, delayMs: STEP_MS }));
  engine = await startEngine({ counts: { worker: WORKERS }, env: { WORKER_CONCURRENCY: String(CONCURRENCY) } });
});
afterAll(async () => {
  for (const close of closing) await close();
  await engine.stop();
  await target.close();
});

const slow = (name: string): object => ({
  name,
  triggers: [HOOK_TRIGGER],
  steps: [{ id: "call", type: "http", config: { url: `${target.url}/${name}` } }],
});

/** How many executions of `tenant` were claimed for the first time while this one was under way. */
async function startedDuring(tenant: Tenant, id: string): Promise<number> {
  const [row] = await engine.query<{ n: number }>(
    `select count(*)::int as n from keelson.executions mine
     join keelson.executions other on other.started_at between mine.created_at and mine.finished_at
     where mine.id = $1 and other.tenant_id = $2`,
    [id, tenant.id],
  );
  return row?.n ?? 0;
}

async function limit(tenant: Tenant, unfinishedExecutions: number): Promise<void> {
  const answer = await fetch(`${engine.stack.urls.api}/v1/tenants/${tenant.id}`, {
    method: "PATCH",
    headers: { authorization: `Bearer ${engine.stack.adminToken}`, "content-type": "application/json" },
    body: JSON.stringify({ limits: { unfinishedExecutions, webhookPerMinute: 100_000, apiPerMinute: 100_000 } }),
  });
  expect(answer.status).toBe(200);
}

async function unfinished(tenant: Tenant): Promise<number> {
  const [row] = await engine.query<{ n: number }>(
    "select count(*)::int as n from keelson.executions where tenant_id = $1 and finished_at is null",
    [tenant.id],
  );
  return row?.n ?? 0;
}

it("refuses what is too much with 429 by the API and by webhook, and drops nothing of what it took", async () => {
  const tenant = await engine.tenant();
  const hook = await tenant.save(slow("bounded"));
  await limit(tenant, 20);
  const answers = await Promise.all(
    Array.from({ length: 120 }, (_, n) =>
      n % 2 === 0
        ? tenant.call<{ code?: string }>("POST", "/v1/workflows/bounded/executions", {})
        : tenant.send(hook, {}),
    ),
  );
  const accepted = answers.filter(({ status }) => status === 202).length;
  const refused = answers.filter(({ status }) => status !== 202);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) expect(answer).toMatchObject({ status: 429, body: { code: "TOO_MANY_UNFINISHED" } });
  await eventually(async () => expect(await unfinished(tenant)).toBe(0), { withinMs: 60_000 });
  const ends = await engine.query<{ status: string; n: number }>(
    "select status, count(*)::int as n from keelson.executions where tenant_id = $1 group by status",
    [tenant.id],
  );
  expect(ends).toEqual([{ status: "succeeded", n: accepted }]);
  expect(await violations(engine)).toEqual([]);
}, 120_000);

/** As if so many more had been started: the rows, and a hint for each. Tells how many hints nobody has looked at yet. */
async function queue(tenant: Tenant, count: number): Promise<() => Promise<number | null>> {
  const rows = await engine.query<{ id: string }>(
    `insert into keelson.executions (tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger,
       wake_at, sweep_at)
     select e.tenant_id, gen_random_uuid(), e.workflow_id, e.workflow_name, e.version_id, e.version, 'api', e.trigger,
       now(), now() + interval '2 s'
     from generate_series(1, $2), (select * from keelson.executions where tenant_id = $1 limit 1) e returning id`,
    [tenant.id, count],
  );
  const redis = openRedis(engine.stack.redisUrl, "test", "command", { redisLost: () => {}, redisBack: () => {} });
  const hints = createHints(redis, DEFAULT_PREFIX);
  await eventually(async () => expect(await hints.backlog()).not.toBeNull());
  for (let from = 0; from < count; from += 500) {
    for (const { id } of rows.slice(from, from + 500)) hints.wake({ tenantId: tenant.id, executionId: id }, 0);
    const looked = () => expect(hints.counts.sent + hints.counts.dropped).toBeGreaterThanOrEqual(from + 500);
    await eventually(looked, { withinMs: 20_000 });
  }
  closing.push(async () => {
    await hints.close();
    redis.disconnect();
  });
  return hints.backlog;
}
const closing: (() => Promise<void>)[] = [];

it("lets a tenant's first start within a moment, though another has ten thousand before it", async () => {
  const [greedy, modest] = [await engine.tenant(), await engine.tenant()];
  await greedy.save(slow("greedy"));
  await modest.save(slow("modest"));
  await greedy.start("greedy");
  const backlog = await queue(greedy, QUEUED);

  async function startOfModest(): Promise<number> {
    const id = await modest.start("modest");
    expect((await ended(modest, id)).status).toBe("succeeded");
    const between = await startedDuring(greedy, id);
    const waiting = await unfinished(greedy);
    process.stderr.write(`    ${between} of the other's were started meanwhile, ${waiting} go on waiting\n`);
    expect(waiting).toBeGreaterThan(QUEUED / 2);
    return between;
  }
  // Ten thousand hints have come at one blow: they are looked at one by one, but none is waited for.
  expect(await startOfModest()).toBeLessThan(QUEUED / 10);
  await eventually(async () => expect(await backlog()).toBeLessThan(SLOTS), { withinMs: 60_000 });
  for (let n = 0; n < 3; n += 1) expect(await startOfModest()).toBeLessThanOrEqual(4 * SLOTS);
}, 240_000);
