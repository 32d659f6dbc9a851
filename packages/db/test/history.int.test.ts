// Lists and counts in a history of a million executions: what they read does not grow with it.
import { type DeliveryFilter, type ExecutionFilter, MAX_COUNT } from "@keelson/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  auditList,
  deliveryList,
  executionCount,
  executionEvents,
  executionGet,
  executionList,
  type Page,
  scheduleFireList,
} from "../src/index.ts";
import { costOf, EXECUTIONS, type History, layHistory, nestedCostOf } from "./history.ts";
import { openSession, type PgSession } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

/** A page reads at most the rows that its walks look at, and of an index what leads there; a count 10,000 of them. */
const PAGES_OF_A_LIST = 5_500;
const PAGES_OF_A_COUNT = 22_000;
/** What an index answers alone. */
const PAGES_OF_AN_INDEX = 300;

let world: World;
let history: History;
let session: PgSession;
beforeAll(async () => {
  world = await createWorld();
  history = await layHistory(world);
  session = await openSession(world, "app");
  await session.client.query("begin");
  await session.client.query("select set_config('app.tenant_id', $1, true)", [history.tenantId]);
  // Half a minute on an idle machine.
}, 600_000);
afterAll(async () => {
  await session.client.query("rollback");
  // What was laid down here holds no secret, and to search a million rows for one would take longer than the tests.
  await world.admin.query("truncate keelson.executions, keelson.deliveries, keelson.schedule_fires cascade");
  await world.close();
}, 600_000);

type Make = (history: History) => ExecutionFilter;
const label = (...labels: [name: string, value: string][]): ExecutionFilter => ({
  label: labels.map(([name, value]) => ({ name, value })),
});

/** Answered by an index, however much or little there is of it. */
const INDEXED: Readonly<Record<string, Make>> = {
  "no filter": () => ({}),
  "a busy workflow": ({ workflows }) => ({ workflow: [workflows.busy] }),
  "a workflow that was quiet of late": ({ workflows }) => ({ workflow: [workflows.quiet] }),
  "a workflow with a few": ({ workflows }) => ({ workflow: [workflows.rare] }),
  "three workflows": ({ workflows }) => ({ workflow: Object.values(workflows) }),
  failed: () => ({ status: ["failed"] }),
  cancelled: () => ({ status: ["cancelled"] }),
  unfinished: () => ({ status: ["queued", "running", "waiting"] }),
  waiting: () => ({ status: ["waiting"] }),
  "failed or running": () => ({ status: ["failed", "running"] }),
  "a parent of many": ({ parentId }) => ({ parent: [parentId] }),
  "replays of one": ({ originId }) => ({ replayOf: [originId] }),
  "a frequent error": () => ({ errorCode: ["HTTP_STATUS"] }),
  "two errors": () => ({ errorCode: ["HTTP_STATUS", "STEP_TIMEOUT"] }),
  "an error that never was": () => ({ errorCode: ["WORKER_LOST"] }),
  "a step that often fails": () => ({ failedStep: ["s1"] }),
  "a step that failed once": () => ({ failedStep: ["once"] }),
  retrying: () => ({ retrying: true }),
  "a frequent label": () => label(["env", "prod"]),
  "a label of one": () => label(["orderId", "o-503"]),
  "a label of none": () => label(["orderId", "none"]),
};

/** Looked for row by row, as far as one call looks. */
const WALKED: Readonly<Record<string, Make>> = {
  succeeded: () => ({ status: ["succeeded"] }),
  "succeeded or failed": () => ({ status: ["succeeded", "failed"] }),
  "the version of nearly all": () => ({ version: [2] }),
  "an old version": () => ({ version: [1] }),
  "no such version": () => ({ version: [7] }),
  webhooks: () => ({ trigger: ["webhook"] }),
  "schedules of old": () => ({ trigger: ["schedule"] }),
  "not retrying": () => ({ retrying: false }),
  "labels that meet once": () => label(["env", "prod"], ["tier", "gold"]),
  "since lately": ({ createdAt }) => ({ since: createdAt(EXECUTIONS - 100) }),
  "since long": ({ createdAt }) => ({ since: createdAt(100) }),
  "until long ago": ({ createdAt }) => ({ until: createdAt(1_000) }),
};

const ALL = { ...INDEXED, ...WALKED };
/** Those of which each goes together with each other. */
const PAIRED = [
  "a busy workflow",
  "a workflow that was quiet of late",
  "an old version",
  "succeeded",
  "failed",
  "cancelled",
  "failed or running",
  "schedules of old",
  "a parent of many",
  "an error that never was",
  "a step that failed once",
  "not retrying",
  "a frequent label",
  "since long",
  "until long ago",
];

async function costsOf(filter: ExecutionFilter) {
  const { tenantId, createdAt, idAt } = history;
  const list = (before: string | null) =>
    costOf(session, (tx) => executionList(tx, tenantId, filter, { before, limit: 20 }));
  return {
    first: await list(null),
    deep: await list(idAt(createdAt(EXECUTIONS / 3), EXECUTIONS / 3)),
    count: await costOf(session, (tx) => executionCount(tx, tenantId, filter, MAX_COUNT)),
  };
}

describe("executions", () => {
  it.each(Object.keys(ALL))("are listed and counted at a bounded cost: %s", async (name) => {
    const { first, deep, count } = await costsOf(ALL[name]!(history));
    expect([...first.offences, ...deep.offences, ...count.offences]).toEqual([]);
    const most = name in INDEXED ? PAGES_OF_AN_INDEX : PAGES_OF_A_LIST;
    expect(first.pages).toBeLessThan(most);
    expect(deep.pages).toBeLessThan(most);
    expect(count.pages).toBeLessThan(PAGES_OF_A_COUNT);
  });

  it.each(PAIRED)(
    "are listed and counted at a bounded cost by any two filters: %s and another",
    async (name) => {
      for (const other of PAIRED.slice(PAIRED.indexOf(name) + 1)) {
        const filter = { ...ALL[name]!(history), ...ALL[other]!(history) };
        const { first, deep, count } = await costsOf(filter);
        const offences = [...first.offences, ...deep.offences, ...count.offences];
        if (Math.max(first.pages, deep.pages) >= PAGES_OF_A_LIST) offences.push(`A list of ${deep.pages} pages`);
        if (count.pages >= PAGES_OF_A_COUNT) offences.push(`A count of ${count.pages} pages`);
        expect({ other, offences }).toEqual({ other, offences: [] });
      }
    },
    120_000,
  );

  it.each([
    [
      "three that are cancelled and have a label",
      () => ({ status: ["cancelled" as const], ...label(["env", "prod"]) }),
    ],
    [
      "an error that only some have, in one workflow",
      ({ workflows }: History) => ({
        errorCode: ["STEP_TIMEOUT" as const],
        workflow: [workflows.busy],
        trigger: ["api" as const, "schedule" as const],
      }),
    ],
    ["labels that meet once", WALKED["labels that meet once"]!],
    [
      "schedules of old, of two workflows",
      ({ workflows }: History) => ({
        trigger: ["schedule" as const],
        workflow: [workflows.busy, workflows.quiet],
      }),
    ],
    ["a span", ({ createdAt }: History) => ({ since: createdAt(500_100), until: createdAt(501_000) })],
  ] satisfies [string, Make][])(
    "are found to the last by following the cursor: %s",
    async (_name, make) => {
      const filter = make(history);
      const found: string[] = [];
      let before: string | null = null;
      for (;;) {
        const page: Page<{ readonly id: string }> = await world.app.withTenant(history.tenantId, (tx) =>
          executionList(tx, history.tenantId, filter, { before, limit: 100 }),
        );
        found.push(...page.items.map(({ id }) => id));
        if (!page.more) break;
        before = page.stoppedAt ?? page.items.at(-1)!.id;
      }
      expect(found).toEqual(await idsOf(filter));
      expect(found.length).toBeGreaterThan(0);
    },
    120_000,
  );

  it.each([
    ["a workflow with a few", true],
    ["a step that failed once", true],
    ["until long ago", true],
    ["cancelled", false],
    ["an old version", false],
  ] as const)("are counted exactly where a count says so, else as at least so many: %s", async (name, exact) => {
    const filter = ALL[name]!(history);
    const counted = await world.app.withTenant(history.tenantId, (tx) =>
      executionCount(tx, history.tenantId, filter, MAX_COUNT),
    );
    const { length } = await idsOf(filter);
    const least = exact ? length : 0;
    expect(counted.exact).toBe(exact);
    expect(counted.value).toBeGreaterThanOrEqual(least);
    expect(counted.value).toBeLessThanOrEqual(length);
  });
});

/** The same, asked in the plainest way. */
async function idsOf(filter: ExecutionFilter): Promise<string[]> {
  const { rows } = await world.admin.query<{ id: string }>(
    `select e.id from keelson.executions e where e.tenant_id = $1
       and ($2::text[] is null or e.status = any($2)) and ($3::text[] is null or e.error_code = any($3))
       and ($4::uuid[] is null or e.workflow_id = any($4)) and ($5::text[] is null or e.trigger_type = any($5))
       and ($6::int[] is null or e.version = any($6)) and ($7::text[] is null or e.failed_step = any($7))
       and ($8::timestamptz is null or e.created_at >= $8) and ($9::timestamptz is null or e.created_at < $9)
       and ($10::text[] is null or e.id in (
         select l.execution_id from unnest($10::text[], $11::text[]) as f (name, value)
         join keelson.execution_labels l on l.tenant_id = $1 and l.name = f.name and l.value = f.value
         group by 1 having count(*) = cardinality($10::text[])))
     order by e.id desc`,
    [
      history.tenantId,
      filter.status,
      filter.errorCode,
      filter.workflow,
      filter.trigger,
      filter.version,
      filter.failedStep,
      filter.since,
      filter.until,
      filter.label?.map(({ name }) => name) ?? null,
      filter.label?.map(({ value }) => value) ?? null,
    ],
  );
  return rows.map(({ id }) => id);
}

it.each<[string, (history: History) => DeliveryFilter]>([
  ["no filter", () => ({})],
  ["a hook", ({ hookId }) => ({ hookId: [hookId] })],
  ["a workflow", ({ workflows }) => ({ workflow: [workflows.busy] })],
  ["a workflow that had none", ({ workflows }) => ({ workflow: [workflows.rare] })],
  ["one duplicate, long ago", () => ({ status: ["duplicate"] })],
  ["refused", () => ({ status: ["rejected"] })],
  ["a reason that never was", () => ({ reason: ["CLOCK_BEHIND"] })],
  ["since long", ({ createdAt }) => ({ since: createdAt(100) })],
  ["until long ago", ({ createdAt }) => ({ until: createdAt(100) })],
])("lists deliveries at a bounded cost: %s", async (_name, make) => {
  const cost = await costOf(session, (tx) =>
    deliveryList(tx, history.tenantId, make(history), { before: null, limit: 20 }),
  );
  expect(cost.offences).toEqual([]);
  expect(cost.pages).toBeLessThan(PAGES_OF_A_LIST);
});

it("reads an execution, its events and the audit log by their keys", async () => {
  const { tenantId, idAt, createdAt } = history;
  const id = idAt(createdAt(777_777), 777_777);
  const page = { before: null, limit: 20 };
  for (const cost of [
    await costOf(session, (tx) => executionGet(tx, tenantId, id)),
    await costOf(session, (tx) => executionEvents(tx, tenantId, id, { after: 0, limit: 100 })),
    await costOf(session, (tx) => scheduleFireList(tx, { tenantId, id: history.scheduleId }, {}, page)),
  ]) {
    expect(cost.offences).toEqual([]);
    expect(cost.pages).toBeLessThan(100);
  }
  const audit = await world.app.withTenant(tenantId, (tx) => auditList(tx, tenantId, page));
  expect(audit.items).toHaveLength(20);
});

it.each([
  "select * from keelson.ops_backlog(10000)",
  "select * from keelson.ops_fullest(10000, 20)",
  "select * from keelson.ops_minutes(now() - interval '15 minutes')",
  "select * from keelson.ops_usage(array[(select nullif(current_setting('app.tenant_id'), '')::uuid)], 10000, now() - interval '15 minutes')",
  "select * from keelson.audit_executions_sample(1000, 1000, null)",
  "select * from keelson.audit_deliveries_sample(1000)",
  "select * from keelson.audit_executions_page('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', 1000)",
  "select * from keelson.audit_deliveries_page('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000', 1000)",
])("answers what an operator asks without a look at the history: %s", async (call) => {
  const cost = await nestedCostOf(await openSession(world, "admin"), call, history.tenantId);
  expect(cost.offences).toEqual([]);
  expect(cost.pages).toBeLessThan(2_500);
});
