// The audit finds each kind of broken invariant where it is planted, and nothing on a database that is well, however busy.
import { eventually } from "@keelson/testkit";
import { v7 as newId } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  auditAll,
  auditOnce,
  CHECKS,
  executionStart,
  type AuditOptions,
  type CheckCode,
  violationsKeep,
  violationsList,
  WALLS,
} from "../src/index.ts";
import { createRig } from "./rig.ts";
import { factsOf, registerWorker, startOne, startRequest, type Started } from "./stage.ts";
import { createWorld, type World } from "./world.ts";

const HTTP = { method: "POST", url: "http://example.test/", body: {} };
/** A step after another, so that there is an edge. */
const TWO_STEPS = {
  steps: [
    { id: "one", type: "transform", config: { output: 1 } },
    { id: "two", type: "transform", dependsOn: ["one:success"], config: { output: 2 } },
  ],
};

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

function audit(options: AuditOptions = {}) {
  return world.app.withSystem("a test", (system) => auditOnce(system, { confirmAfterMs: 1, ...options }));
}

/** Past the checks of foreign keys and triggers, as only a superuser can; `$1` … are ids. */
async function plant(statement: string, ids: readonly string[]): Promise<void> {
  await world.admin.query(
    `set session_replication_role = replica;
     ${statement.replaceAll(/\$(\d)/g, (_, n: string) => `'${ids[Number(n) - 1]}'::uuid`)};
     set session_replication_role = origin`,
  );
}

describe("on an engine that is well", () => {
  it("finds nothing, while executions of every kind run, wait, fail, are retried and end", async () => {
    const rig = createRig(world, { hinted: true });
    await rig.runner.tick();
    const tenantId = await world.tenant();
    await world.workflow(tenantId, {
      name: "child",
      steps: [{ id: "call", type: "http", retry: { maxAttempts: 1 }, config: HTTP }],
    });
    const of = await world.workflow(tenantId, {
      name: "parent",
      steps: [
        { id: "which", type: "condition", config: { if: "true" } },
        { id: "nap", type: "delay", dependsOn: ["which:true"], config: { for: "80" } },
        { id: "never", type: "transform", dependsOn: ["which:false"], config: { output: 1 } },
        {
          id: "call",
          type: "http",
          dependsOn: ["which"],
          retry: { maxAttempts: 2, initialDelay: "50ms" },
          config: HTTP,
        },
        { id: "child", type: "subworkflow", dependsOn: ["nap"], config: { workflow: "child" } },
        { id: "last", type: "transform", dependsOn: ["child", "call", "never"], join: "any", config: { output: 3 } },
      ],
    });
    const started: Started[] = [];
    for (let i = 0; i < 12; i += 1) {
      const one = { tenantId, ...of, executionId: newId() };
      await executionStart(world.app, startRequest(one));
      started.push(one);
      void rig.runner.offer(one);
    }
    let answered = 0;
    await eventually(
      async () => {
        for (const effect of rig.effects.slice(answered)) {
          answered += 1;
          if (answered % 5 === 0) {
            const error = { code: "HTTP_STATUS" as const, message: "503" };
            effect.end({
              outcome: { kind: "failed", error, retryable: true, inDoubt: false },
              request: null,
              response: null,
            });
          } else effect.succeed({ answered });
        }
        // As a worker does twice a second: a hint of mail may come while its execution is being claimed.
        await rig.runner.tick();
        expect((await audit({ confirmAfterMs: 0 })).violations).toEqual([]);
        for (const one of started) expect((await factsOf(world, one)).status).toMatch(/succeeded|failed/);
      },
      { withinMs: 20_000 },
    );
    const { checked, violations } = await audit();
    expect(violations).toEqual([]);
    expect(checked).toMatchObject({ unfinished: 0, complete: true });
    expect(checked.ended).toBeGreaterThanOrEqual(24);
    await rig.stop();
  });

  it("finds nothing in what is new, due, held with its workflow, or held by one who lives", async () => {
    const one = await startOne(world);
    await world.admin.query("update keelson.workflows set status = 'paused' where id = $1", [one.workflowId]);
    await executionStart(world.app, startRequest({ ...one, executionId: newId() }));
    expect((await audit()).violations).toEqual([]);
  });
});

describe("planted in an execution", () => {
  let one: Started;
  let found: () => Promise<string[]>;
  beforeEach(async () => {
    const tenantId = await world.tenant();
    one = await startOne(world, { tenantId, of: await world.workflow(tenantId, TWO_STEPS) });
    found = async () => {
      const { violations } = await audit();
      return violations.filter((violation) => violation.tenantId === tenantId).map(({ code }) => code);
    };
  });

  /** Rows of the execution's, each `$1` the tenant and `$2` the execution. */
  const step = (id: string, status: string, more = "", values = "") =>
    `insert into keelson.step_runs (tenant_id, execution_id, step_id, status${more}) values ($1, $2, '${id}', '${status}'${values})`;
  const events = (from: number, to: number, epoch = 0, type = "step.running") =>
    `insert into keelson.event_batches (tenant_id, execution_id, first_seq, last_seq, epoch, items)
     select $1, $2, ${from}, ${to}, ${epoch}, jsonb_agg(jsonb_build_object('type', '${type}', 'stepId', 'one'))
     from generate_series(${from}, ${to})`;
  const set = (columns: string) => `update keelson.executions set ${columns} where tenant_id = $1 and id = $2`;
  const child = (columns: string, values: string) =>
    `insert into keelson.executions (tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger,
       parent_id, parent_step, parent_gen, ${columns})
     select tenant_id, gen_random_uuid(), workflow_id, 'w', version_id, 1, 'subworkflow', '{}', id, 'one', 1, ${values}
     from keelson.executions where tenant_id = $1 and id = $2`;
  const ENDED = "status = 'succeeded', sweep_at = null, wake_at = null, finished_at = now()";
  const FREE = "status = 'waiting', sweep_at = null, wake_at = null";

  const plants: readonly (readonly [CheckCode, string])[] = [
    ["EVENT_SEQ_HOLE", `${events(2, 3)};${events(5, 6)};${set("seq = 6")}`],
    ["EVENT_EPOCH_BACK", `${events(2, 3, 2)};${events(4, 5, 1)};${set("seq = 5, epoch = 2")}`],
    ["SEQ_NOT_LAST_EVENT", `${events(2, 3)};${set("seq = 4")}`],
    ["STEP_LIVES_ON", `${step("one", "running")};${set(ENDED)}`],
    ["CHANGED_AFTER_END", `${events(2, 2, 0, "execution.failed")};${events(3, 3)};${set("seq = 3")}`],
    ["END_NOT_LAST_EVENT", `${events(2, 3)};${set(`seq = 3, ${ENDED}`)}`],
    ["STEP_BEFORE_EDGE", step("two", "running")],
    [
      "ATTEMPT_BESIDE_LIVE",
      `${step("one", "running", ", attempt, sent_at", ", 2, now()")};
       insert into keelson.attempts (tenant_id, execution_id, step_id, iter, attempt, started_at, outcome)
       values ($1, $2, 'one', 1, 2, now(), 'succeeded')`,
    ],
    [
      "STEP_SUCCEEDED_TWICE",
      `${step("one", "succeeded", ", finished_at", ", now()")};${events(2, 3, 0, "step.succeeded")};${set("seq = 3")}`,
    ],
    ["STUCK", set(FREE)],
    [
      "CHILD_END_UNTOLD",
      `${set("status = 'waiting', sweep_at = now() + interval '1 hour', wake_at = now() + interval '1 hour'")};
       ${child("status, finished_at", "'succeeded', now() - interval '2 minutes'")};
       insert into keelson.step_runs (tenant_id, execution_id, step_id, status, wait, child_id)
       select tenant_id, parent_id, 'one', 'waiting', 'child', id from keelson.executions
       where tenant_id = $1 and parent_id = $2`,
    ],
    ["HELD_FOR_NO_PAUSE", set("held = true, sweep_at = null, wake_at = null")],
    ["OWNER_GONE", set("owner = 987654321, sweep_at = null, wake_at = null")],
    [
      "CHILD_WITHOUT_PARENT",
      `${set("status = 'cancelled', sweep_at = null, wake_at = null, finished_at = now() - interval '6 minutes'")};
       ${child("sweep_at, wake_at", "now(), now()")}`,
    ],
    [
      "CHILD_OF_ANOTHER",
      `${child("sweep_at, wake_at", "now(), now()")};
       insert into keelson.step_runs (tenant_id, execution_id, step_id, status, wait, child_id)
       select tenant_id, parent_id, 'two', 'waiting', 'child', id from keelson.executions
       where tenant_id = $1 and parent_id = $2;${step("one", "succeeded", ", finished_at", ", now()")}`,
    ],
  ];

  it.each(plants)("is found: %s", async (code, statement) => {
    expect(await found()).toEqual([]);
    await plant(statement, [one.tenantId, one.executionId]);
    expect(await found()).toEqual([code]);
  });

  it("is found: NOT_SWEPT, but only where a worker has room for it", async () => {
    await plant(set("sweep_at = now() - interval '6 minutes', wake_at = now() - interval '6 minutes'"), [
      one.tenantId,
      one.executionId,
    ]);
    const worker = await registerWorker(world);
    const load = (executions: number) =>
      world.admin.query("update keelson.workers set stats = $2 where id = $1", [worker, { executions, slots: 8 }]);
    await load(8);
    expect(await found()).toEqual([]);
    await load(7);
    expect(await found()).toEqual(["NOT_SWEPT"]);
    await world.admin.query("update keelson.workers set dead = true where id = $1", [worker]);
  });

  it("is found: PUT_OFF, and not where a step waits for its time", async () => {
    const ids = [one.tenantId, one.executionId];
    await plant(set("wake_at = now() + interval '1 minute', sweep_at = now() + interval '1 minute'"), ids);
    expect(await found()).toEqual(["PUT_OFF"]);
    await plant(set("status = 'waiting'"), ids);
    expect(await found()).toEqual([]);
  });

  it("is found: FIRED_TWICE", async () => {
    const schedule = newId();
    await plant(
      `insert into keelson.schedule_fires (tenant_id, schedule_id, due_at, status, execution_id)
       values ($1, $3, '2026-01-01', 'fired', $3);
       update keelson.executions set schedule_id = $3, scheduled_at = '2026-01-01' where tenant_id = $1 and id = $2`,
      [one.tenantId, one.executionId, schedule],
    );
    expect(await found()).toEqual(["FIRED_TWICE"]);
  });

  it("is found: OTHER_TENANTS, and what was retired is nobody's", async () => {
    const other = await startOne(world);
    await plant(set(`replay_of = '${newId()}'`), [one.tenantId, one.executionId]);
    expect(await found()).toEqual([]);
    await plant(set(`replay_of = '${other.executionId}'`), [one.tenantId, one.executionId]);
    expect(await found()).toEqual(["OTHER_TENANTS"]);
  });

  it("is found in deliveries: ACCEPTED_WITHOUT_EXECUTION, REPEAT_KEY_OF_ANOTHER", async () => {
    const [hook, delivery] = [newId(), newId()];
    const values = [one.tenantId, one.executionId, hook, delivery];
    await plant(
      `insert into keelson.deliveries (tenant_id, id, hook_id, workflow_id, status, repeat_key, execution_id)
       values ($1, $4, $3, $3, 'accepted', 'key', $2)`,
      values,
    );
    expect(await found()).toEqual([]);
    await plant(
      `insert into keelson.delivery_keys (tenant_id, hook_id, key, execution_id) values ($1, $3, 'key', $4)`,
      [one.tenantId, one.executionId, hook, delivery],
    );
    expect(await found()).toEqual(["REPEAT_KEY_OF_ANOTHER"]);
    await plant("delete from keelson.executions where tenant_id = $1 and id = $2", values);
    // It may have been retired …
    expect(await found()).toEqual(["REPEAT_KEY_OF_ANOTHER"]);
    // … unless one that ended before is still kept.
    const before = await startOne(world, { tenantId: one.tenantId });
    await plant(
      "update keelson.executions set status = 'failed', error = '{}', sweep_at = null, wake_at = null, finished_at = now() - interval '1 hour' where tenant_id = $1 and id = $2",
      [one.tenantId, before.executionId],
    );
    expect((await found()).toSorted()).toEqual(["ACCEPTED_WITHOUT_EXECUTION", "REPEAT_KEY_OF_ANOTHER"]);
  });

  it("has words: what was found, where, and what to do", async () => {
    await plant(step("two", "running"), [one.tenantId, one.executionId]);
    const { violations } = await audit();
    expect(violations.find(({ tenantId }) => tenantId === one.tenantId)).toEqual({
      code: "STEP_BEFORE_EDGE",
      invariant: "I4",
      tenantId: one.tenantId,
      subject: { type: "execution", id: one.executionId },
      place: "two",
      text: `A step begins when every one of its incoming edges is decided; execution ${one.executionId} (two): running, but one, on which it depends, is pending.`,
      remedy: CHECKS.STEP_BEFORE_EDGE.remedy,
    });
  });

  it("is no finding where it is put right before the second look", async () => {
    await plant(set(FREE), [one.tenantId, one.executionId]);
    const looking = audit({ confirmAfterMs: 1_500 });
    await eventually(async () => expect(await found()).toEqual(["STUCK"]));
    await plant(set("status = 'queued', sweep_at = now(), wake_at = now()"), [one.tenantId, one.executionId]);
    expect((await looking).violations.filter(({ tenantId }) => tenantId === one.tenantId)).toEqual([]);
  });
});

it("has words for every check, and tries every one of them here", async () => {
  const { rows } = await world.admin.query<{ code: string }>(
    `select distinct m[1] as code from pg_proc p, regexp_matches(p.prosrc, 'select ''([A-Z_]+)'', ', 'g') as m
     where p.proname in ('audit_executions', 'audit_histories', 'audit_deliveries')`,
  );
  expect(rows.map(({ code }) => code).toSorted()).toEqual(Object.keys(CHECKS).toSorted());
});

describe("an audit of everything", () => {
  const everything = (pageSize = 2) =>
    world.app.withSystem("a test", (system) => auditAll(system, { pageSize, confirmAfterMs: 1 }));

  it("looks at every execution and delivery there is, whatever the size of a page", async () => {
    for (let i = 0; i < 3; i += 1) await startOne(world);
    const { rows } = await world.admin.query(
      "select (select count(*)::int from keelson.executions) as executions, (select count(*)::int from keelson.deliveries) as deliveries",
    );
    for (const pageSize of [1, 2, 1_000]) {
      expect((await everything(pageSize)).checked).toEqual({ ...rows[0], complete: true });
    }
  });

  it("finds what is older than an audit of the last ones looks back", async () => {
    const one = await startOne(world);
    await plant(
      `update keelson.executions set status = 'succeeded', sweep_at = null, wake_at = null,
         finished_at = now() - interval '1 year' where tenant_id = $1 and id = $2;
       insert into keelson.step_runs (tenant_id, execution_id, step_id, status) values ($1, $2, 'one', 'running')`,
      [one.tenantId, one.executionId],
    );
    const isIts = ({ subject }: { subject: { id: string } }) => subject.id === one.executionId;
    expect((await audit({ maxEnded: 1 })).violations.filter(isIts)).toEqual([]);
    const found = (await everything()).violations.filter(isIts);
    expect(found).toMatchObject([{ code: "STEP_LIVES_ON", invariant: "I3", tenantId: one.tenantId, place: "one" }]);
  });

  it.each([
    ["ROW_SECURITY_OFF", "step_runs", "alter table keelson.step_runs disable row level security"],
    ["ROW_SECURITY_OFF", "inbox", "alter table keelson.inbox no force row level security"],
    ["POLICY_MISSING", "secrets", "drop policy tenant on keelson.secrets"],
    ["POLICY_MISSING", "tenants", "alter policy tenant on keelson.tenants using (true)"],
    ["POLICY_OPENS", "attempts", "create policy more on keelson.attempts to keelson_app using (true)"],
    ["ROLE_TOO_STRONG", "$role", "alter role $role bypassrls"],
  ] as const)("finds a wall that is down: %s of %s", async (code, place, statement) => {
    const role = new URL(world.urls.worker).username;
    expect((await everything(1_000)).walls).toEqual([]);
    // In the audit's own transaction, so that no other test works without its walls.
    await world.admin.query("begin");
    try {
      await world.admin.query(statement.replace("$role", `"${role}"`));
      const call = async <R>({ text }: { text: string }, values: readonly unknown[]): Promise<R[]> =>
        (await world.admin.query(text, [...values])).rows as R[];
      const { walls } = await auditAll({ call }, { confirmAfterMs: 1 });
      const { invariant, rule } = WALLS[code];
      expect(walls).toMatchObject([{ code, invariant, place: place.replace("$role", role) }]);
      expect(walls[0]!.text).toContain(rule);
      expect(walls[0]!.remedy).toContain(place.replace("$role", role));
    } finally {
      await world.admin.query("rollback");
    }
  });

  it("asks nothing but by keys, a page and a hundred subjects at a time", async () => {
    const asked: { text: string; rows: number }[] = [];
    await world.app.withSystem("a test", ({ call }) =>
      auditAll(
        {
          async call(query, values) {
            const ids = values.find(Array.isArray);
            const rows = await call<never>(query, values);
            asked.push({ text: query.text, rows: ids?.length ?? rows.length });
            return rows;
          },
        },
        { pageSize: 3, confirmAfterMs: 1 },
      ),
    );
    expect(asked.filter(({ text, rows }) => rows > (text.includes("page") ? 3 : 100))).toEqual([]);
    expect(new Set(asked.map(({ text }) => /keelson\.(\w+)/.exec(text)?.[1]))).toContain("audit_histories");
  });
});

it("says what it has looked at, and that it has left something out", async () => {
  for (let i = 0; i < 3; i += 1) await startOne(world);
  const { checked } = await audit({ maxUnfinished: 2, maxEnded: 1, maxDeliveries: 1 });
  expect(checked).toMatchObject({ unfinished: 2, ended: 1, complete: false, endedSince: expect.any(Date) });
});

it("keeps a finding once that an audit has made twice", async () => {
  const one = await startOne(world);
  await plant("update keelson.executions set wake_at = now() + interval '1 hour' where tenant_id = $1 and id = $2", [
    one.tenantId,
    one.executionId,
  ]);
  const { violations } = await audit();
  const own = violations.filter(({ subject }) => subject.id === one.executionId);
  expect(own).toHaveLength(1);
  await violationsKeep(world.app, [...own, ...own], new Date(0));
  await violationsKeep(world.app, own, new Date(0));
  const kept = await violationsList(world.app, { before: null, limit: 50 });
  expect(kept.items.filter(({ subject }) => subject.id === one.executionId)).toHaveLength(1);
});
