// Schedules, with three schedulers at once, one of which is killed now and then. Due times are brought about by setting
// `next_at` back, as the owner of the database may.
import { eventually } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ended, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { violations } from "./support/invariants.ts";

interface Fire {
  readonly scheduledAt: string;
  readonly until: string | null;
  readonly count: number | null;
  readonly status: string;
  readonly reason: { readonly code: string } | null;
  readonly executionId: string | null;
}

const HOUR_MS = 3_600_000;
/** Comes by itself while no test runs. */
const YEARLY = { type: "schedule", cron: "0 0 1 1 *" };
const ECHO = { id: "echo", type: "transform", config: { output: { input: "{{ input }}", trigger: "{{ trigger }}" } } };
const SLOW = { id: "slow", type: "delay", config: { for: "1h" } };

let engine: Engine;
let tenant: Tenant;
let sentinel: string;
let names = 0;

beforeAll(async () => {
  engine = await startEngine({ counts: { scheduler: 3 } });
  tenant = await engine.tenant();
  sentinel = (await save([{ id: "sentinel", ...YEARLY }], [ECHO])).ids[0] ?? "";
});
afterAll(async () => {
  const broken = await violations(engine);
  await engine.stop();
  if (broken.length > 0) throw new Error(`Invariants broken: ${JSON.stringify(broken)}`);
});

async function save(triggers: readonly object[], steps: readonly object[], name = `scheduled-${(names += 1)}`) {
  const saved = await tenant.call<{ triggers: { scheduleId: string }[]; code?: string }>(
    "PUT",
    `/v1/workflows/${name}`,
    { name, triggers, steps },
  );
  expect([200, 201]).toContain(saved.status);
  return { name, ids: saved.body.triggers.map((trigger) => trigger.scheduleId) };
}

async function setDue(ids: readonly string[], at: Date = new Date()): Promise<void> {
  await engine.query("update keelson.schedules set next_at = $2 where id = any($1)", [ids, at]);
}

/** Latest first, without the one that is due next. */
async function fires(id: string): Promise<Fire[]> {
  const { body } = await tenant.call<{ items: Fire[] }>(
    "GET",
    `/v1/schedules/${id}/fires?limit=100&status=fired,skipped,missed`,
  );
  return body.items;
}

const told = (list: readonly Fire[]) => list.map(({ status, reason }) => [status, reason?.code ?? null]);

async function fireNow(id: string): Promise<Fire> {
  const before = (await fires(id)).length;
  await setDue([id]);
  return eventually(async () => {
    const list = await fires(id);
    expect(list).toHaveLength(before + 1);
    return list[0]!;
  });
}

/** Schedulers have looked at everything that was due before this was called. */
async function ticked(): Promise<void> {
  await fireNow(sentinel);
  await fireNow(sentinel);
}

describe("due times", () => {
  it("fire exactly once each, with three schedulers at once and one of them killed again and again", async () => {
    const triggers = Array.from({ length: 40 }, (_, n) => ({ id: `t${n}`, ...YEARLY }));
    const { ids } = await save(triggers, [ECHO]);
    const rounds = 5;
    for (let round = 0; round < rounds; round += 1) {
      await setDue(ids);
      engine.stack.kill("scheduler", round % 3);
      await eventually(
        async () => {
          const [row] = await engine.query<{ open: number }>(
            "select count(*)::int as open from keelson.schedules where id = any($1) and next_at <= now()",
            [ids],
          );
          expect(row?.open).toBe(0);
        },
        { withinMs: 20_000 },
      );
    }
    const [row] = await engine.query<{ fires: number; executions: number; times: number }>(
      `select (select count(*)::int from keelson.schedule_fires where schedule_id = any($1) and status = 'fired') as fires,
         (select count(*)::int from keelson.executions where schedule_id = any($1)) as executions,
         (select count(*)::int from (select distinct schedule_id, scheduled_at from keelson.executions
           where schedule_id = any($1)) d) as times`,
      [ids],
    );
    expect(row).toEqual({ fires: rounds * 40, executions: rounds * 40, times: rounds * 40 });
  });

  it("that were missed are let go, caught up with once, or all, as `missed` says; all have an entry", async () => {
    // Hourly, half an hour away from now: what is past is late, and none is about to come.
    const minute = new Date(Date.now() + HOUR_MS / 2).getUTCMinutes();
    const hourly = { type: "schedule", cron: `${minute} * * * *` };
    const { ids } = await save(
      [
        { id: "skip", ...hourly, missed: "skip" },
        { id: "latest", ...hourly },
        { id: "all", ...hourly, missed: "all" },
        { id: "long", ...hourly, missed: "all" },
      ],
      [ECHO],
    );
    const [skip, latest, all, long] = ids as [string, string, string, string];
    const read = await tenant.call<{ next: string[] }>("GET", `/v1/schedules/${skip}`);
    const next = new Date(read.body.next[0] ?? "");
    const back = (hours: number) => new Date(next.getTime() - hours * HOUR_MS);
    await setDue([skip, latest, all], back(5));
    await setDue([long], back(150));
    for (const [id, entries] of [
      [skip, 5],
      [latest, 5],
      [all, 5],
      [long, 100],
    ] as const)
      await eventually(async () => expect(await fires(id)).toHaveLength(entries), { withinMs: 20_000 });
    const missed = ["missed", "MISSED"];
    const caughtUp = ["fired", "CAUGHT_UP"];
    expect(told(await fires(skip))).toEqual([missed, missed, missed, missed, missed]);
    expect(told(await fires(latest))).toEqual([caughtUp, missed, missed, missed, missed]);
    expect((await fires(latest))[0]?.scheduledAt).toBe(back(1).toISOString());
    expect(told(await fires(all))).toEqual([caughtUp, caughtUp, caughtUp, caughtUp, caughtUp]);
    const older = await tenant.call<{ items: Fire[] }>("GET", `/v1/schedules/${long}/fires?status=missed`);
    expect(older.body.items).toMatchObject([
      { scheduledAt: back(150).toISOString(), until: back(101).toISOString(), count: 50 },
    ]);
    const [row] = await engine.query<{ n: number }>(
      "select count(*)::int as n from keelson.executions where schedule_id = $1",
      [long],
    );
    expect(row?.n).toBe(100);
    const after = await tenant.call<{ next: string[] }>("GET", `/v1/schedules/${skip}`);
    expect(after.body.next).toEqual(read.body.next);
  });

  it("are skipped while an earlier execution has not ended, where `overlap` says so", async () => {
    const { ids } = await save(
      [
        { id: "skip", ...YEARLY, overlap: "skip" },
        { id: "allow", ...YEARLY },
      ],
      [SLOW],
    );
    const [skip, allow] = ids as [string, string];
    const first = await fireNow(skip);
    expect(told([first, await fireNow(skip)])).toEqual([
      ["fired", null],
      ["skipped", "OVERLAP"],
    ]);
    expect(told([await fireNow(allow), await fireNow(allow)])).toEqual([
      ["fired", null],
      ["fired", null],
    ]);
    await tenant.call("POST", `/v1/executions/${first.executionId}/cancel`);
    await ended(tenant, first.executionId ?? "");
    expect((await fireNow(skip)).status).toBe("fired");
  });

  it("are dropped while the schedule is paused, and start once on resume while its workflow is", async () => {
    const { name, ids } = await save(
      [
        { id: "one", ...YEARLY },
        { id: "other", ...YEARLY },
      ],
      [ECHO],
    );
    const [one, other] = ids as [string, string];
    await tenant.call("POST", `/v1/schedules/${one}/pause`);
    await setDue([one]);
    await ticked();
    expect(await fires(one)).toEqual([]);
    await tenant.call("POST", `/v1/schedules/${one}/resume`);
    await ticked();
    expect(told(await fires(one))).toEqual([["skipped", "SCHEDULE_PAUSED"]]);

    await tenant.call("POST", `/v1/workflows/${name}/pause`);
    for (const id of [one, one, one, other, other]) await fireNow(id);
    const held = (list: readonly Fire[]) => list.filter((fire) => fire.executionId !== null);
    expect(told(await fires(one)).slice(0, 3)).toEqual([
      ["skipped", "WORKFLOW_PAUSED"],
      ["skipped", "WORKFLOW_PAUSED"],
      ["fired", null],
    ]);
    await tenant.call("POST", `/v1/workflows/${name}/resume`);
    for (const id of [one, other]) {
      const [fire, ...more] = held(await fires(id));
      expect(more).toEqual([]);
      expect((await ended(tenant, fire?.executionId ?? "")).status).toBe("succeeded");
    }
  });
});

describe("a schedule over versions", () => {
  it("does not fire while the latest version leaves it out, and is the same one when it is put back", async () => {
    const trigger = { id: "mine", ...YEARLY };
    const { name, ids } = await save([trigger], [ECHO]);
    const id = ids[0] ?? "";
    await fireNow(id);
    await save([], [ECHO], name);
    await setDue([id]);
    await ticked();
    const [row] = await engine.query<{ n: number }>(
      "select count(*)::int as n from keelson.executions where schedule_id = $1",
      [id],
    );
    expect(row?.n).toBe(1);
    expect((await save([trigger], [ECHO], name)).ids).toEqual([id]);
    await ticked();
    expect(await fires(id)).toHaveLength(1);
    expect((await fireNow(id)).status).toBe("fired");
  });

  it("has its new settings from the save on: input, version, and next times from then", async () => {
    const { name, ids } = await save([{ id: "mine", ...YEARLY, input: { v: 1 } }], [ECHO]);
    const id = ids[0] ?? "";
    await save([{ id: "mine", type: "schedule", cron: "30 6 1 7 *", input: { v: 2 } }], [ECHO], name);
    const { body } = await tenant.call<{ next: string[] }>("GET", `/v1/schedules/${id}`);
    expect(body.next.every((time) => time.endsWith("-07-01T06:30:00.000Z"))).toBe(true);
    const fire = await fireNow(id);
    const execution = await ended(tenant, fire.executionId ?? "");
    expect(execution).toMatchObject({ version: 2, output: { echo: { input: { v: 2 } } } });
  });

  it("gives `trigger.lastSuccessAt`: the due time of its last execution that succeeded, and of no other", async () => {
    const fail = { id: "maybe", type: "transform", config: { output: "{{ input.fail ? null.x : 1 }}" } };
    const { name, ids } = await save([{ id: "mine", ...YEARLY, input: { fail: false } }], [ECHO, fail]);
    const id = ids[0] ?? "";
    const run = async () => {
      const fire = await fireNow(id);
      const execution = await ended(tenant, fire.executionId ?? "");
      const seen: unknown = execution.steps[0]?.output;
      return { fire, status: execution.status, ...seenOf(seen) };
    };
    const first = await run();
    expect(first).toMatchObject({ status: "succeeded", lastSuccessAt: null });
    await save([{ id: "mine", ...YEARLY, input: { fail: true } }], [ECHO, fail], name);
    const second = await run();
    expect(second).toMatchObject({ status: "failed", lastSuccessAt: first.fire.scheduledAt });
    expect(await run()).toMatchObject({ lastSuccessAt: first.fire.scheduledAt });
  });
});

function seenOf(output: unknown): { lastSuccessAt: string | null } {
  const { trigger } = output as { trigger: { lastSuccessAt: string | null } };
  return { lastSuccessAt: trigger.lastSuccessAt };
}
