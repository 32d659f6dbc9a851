// Traps of leases: who holds what, who is dead, and when something is due.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "@keelson/testkit";
import {
  createLeaseStore,
  createSweepStore,
  executionClaim,
  executionNotify,
  WORKER_LOCK_CLASS,
} from "../src/index.ts";
import { createRig } from "./rig.ts";
import {
  claimOne,
  commitOne,
  endOf,
  factsOf,
  inSession,
  itemOf,
  openSession,
  registerWorker,
  releaseOf,
  startOne,
  succeededStep,
  untilBlocked,
  withMutation,
  type Started,
} from "./stage.ts";
import { createWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const HTTP = { id: "work", type: "http", config: { method: "POST", url: "http://example.test/", body: {} } };

async function startHttp(tenantId: string): Promise<Started> {
  return startOne(world, { tenantId, of: await world.workflow(tenantId, { steps: [HTTP] }) });
}

describe("T3: a claim commits, but its answer is lost", () => {
  it("gives the lease back, under a new epoch, when it was unknown in two ticks running, and not before", async () => {
    const one = await startHttp(await world.tenant());
    let lost = 0;
    const rig = createRig(world, {
      wrapStore: (store) => ({
        ...store,
        async claim(workerId, refs) {
          const answers = await store.claim(workerId, refs);
          if (lost++ > 0) return answers;
          throw new Error("Connection terminated");
        },
      }),
    });
    await rig.runner.tick();
    await expect(rig.runner.offer(one)).rejects.toThrow("terminated");
    expect(await factsOf(world, one)).toMatchObject({ owner: rig.workerId(), epoch: "1" });
    await rig.runner.tick();
    expect(await factsOf(world, one)).toMatchObject({ owner: rig.workerId(), epoch: "1" });
    await rig.runner.tick();
    expect(await factsOf(world, one)).toMatchObject({ owner: null, epoch: "2", due: true, losses: 0 });
    await rig.runner.offer(one);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    await rig.stop();
  });

  it("keeps, tick after tick, a lease whose execution runs here", async () => {
    const one = await startHttp(await world.tenant());
    const rig = createRig(world);
    await rig.runner.tick();
    await rig.runner.offer(one);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    for (let count = 0; count < 4; count += 1) await rig.runner.tick();
    expect(await factsOf(world, one)).toMatchObject({ owner: rig.workerId(), epoch: "1" });
    expect(rig.log).toEqual([]);
    await rig.stop();
  });
});

describe("T4: a claim that waited reads what was committed while it waited", () => {
  /**
   * A claims [first, second], both free with mail, and is stopped after its statement has begun, at the row of `first`.
   * Meanwhile B claims `second`, commits a step and gives it back. Then A goes on: by its snapshot the mail is there yet.
   */
  async function claimAcrossACommit(mutate: (sql: string) => string = (sql) => sql) {
    const tenantId = await world.tenant();
    const [first, second] = await Promise.all([startOne(world, { tenantId }), startOne(world, { tenantId })]);
    const ids = [first.executionId, second.executionId].sort();
    const other = { ...second, executionId: ids[1]! };
    await executionNotify(world.app, tenantId, other.executionId, { kind: "wake", stepId: "pay" });
    await world.admin.query(`
      create or replace function keelson.test_stop(p_id uuid) returns boolean language plpgsql as $$
      begin
        if p_id = '${ids[0]}' then perform pg_advisory_xact_lock(4); end if;
        return true;
      end $$`);
    const stopping = (sql: string) =>
      mutate(sql).replace("and e.owner is null", "and test_stop(e.id) and e.owner is null");
    const answers = await withMutation(world, "execution_claim", stopping, async () => {
      const [a, b] = [await registerWorker(world), await registerWorker(world)];
      const gate = await openSession(world, "admin");
      await gate.client.query("select pg_advisory_lock(4)");
      const claiming = await openSession(world, "worker");
      const claimed = executionClaim(inSession(world, claiming), a, tenantId, ids);
      await untilBlocked(world, claiming.pid);
      const claim = await claimOne(world, b, other);
      const mine = { ...claim, epoch: Number((await factsOf(world, other)).epoch) };
      await commitOne(
        world,
        b,
        releaseOf(mine, null, {
          eaten: mine.inbox.map((mail) => mail.id),
          steps: [succeededStep("pay", { paid: true })],
        }),
      );
      await gate.client.query("select pg_advisory_unlock(4)");
      return claimed;
    });
    const answer = answers.find((one) => one.kind === "claimed" && one.execution.executionId === other.executionId);
    if (answer?.kind !== "claimed") throw new Error(`Not claimed: ${JSON.stringify(answers)}`);
    return answer.execution;
  }

  it("sees the step that succeeded while the claim waited", async () => {
    const claimed = await claimAcrossACommit();
    expect(claimed).toMatchObject({ epoch: 2, seq: 2, steps: [{ id: "pay", status: "succeeded" }] });
  });

  it("would run that step twice if one statement both claimed and read", async () => {
    const asOneStatement = (sql: string) =>
      sql
        .replace(
          "v_taken := executions_take",
          "return query select r.*, null::double precision from execution_read(p_tenant, executions_take",
        )
        .replace("w.lease_until > now())));", "w.lease_until > now())))) as r; return;");
    await world.admin.query("alter function keelson.execution_read(uuid, uuid[]) stable");
    const claimed = await claimAcrossACommit(asOneStatement);
    await world.admin.query("alter function keelson.execution_read(uuid, uuid[]) volatile");
    expect(claimed.steps).toEqual([]);
  });
});

describe("a claim of several", () => {
  it("takes what is free without waiting for what another session has locked", async () => {
    const tenantId = await world.tenant();
    const worker = await registerWorker(world);
    const [locked, free] = [await startOne(world, { tenantId }), await startOne(world, { tenantId })];
    const holder = await openSession(world, "admin");
    await holder.client.query("begin");
    await holder.client.query("select from keelson.executions where id = $1 for update", [locked.executionId]);
    const answers = await executionClaim(world.worker, worker, tenantId, [locked.executionId, free.executionId]);
    await holder.client.query("rollback");
    const claimed = answers.filter((answer) => answer.kind === "claimed");
    expect(claimed.map(({ execution }) => execution.executionId)).toEqual([free.executionId]);
  });
});

describe("T5: renewing does not touch what is renewed", () => {
  it("renews while other sessions hold every row of the worker's executions, and writes none of them", async () => {
    const leases = createLeaseStore(world.worker, { url: world.workerUrl, applicationName: "t5", stats: () => ({}) });
    world.onClose(() => leases.close());
    const { workerId: worker } = await leases.register("t5", 60_000);
    const tenantId = await world.tenant();
    const held = await Promise.all(Array.from({ length: 20 }, () => startOne(world, { tenantId })));
    for (const one of held) await claimOne(world, worker, one);
    const versions = async () =>
      (
        await world.admin.query(
          "select id, xmin::text, ctid::text from keelson.executions where owner = $1 order by id",
          [worker],
        )
      ).rows;
    const before = await versions();
    const locking = await openSession(world, "admin");
    await locking.client.query("begin");
    await locking.client.query("select from keelson.executions where owner = $1 for update", [worker]);
    const answer = await leases.tick(worker, 60_000);
    await locking.client.query("rollback");
    expect(answer.alive).toBe(true);
    expect(answer.owned.map((lease) => lease.executionId).sort()).toEqual(held.map((one) => one.executionId).sort());
    expect(await versions()).toEqual(before);
  });
});

describe("T13: poison", () => {
  async function losses(one: Started): Promise<number> {
    return (await factsOf(world, one)).losses;
  }

  /** The lease's owner has died; the row is free again. */
  async function die(worker: string, change = "lease_until = now() - interval '1 s'"): Promise<string[]> {
    await world.admin.query(`update keelson.workers set ${change} where id = $1`, [worker]);
    return (await createSweepStore(world.dispatcher).reap(1000)).map((ref) => ref.executionId);
  }

  it("counts owners lost in a row; a start is no progress, an attempt's outcome is", async () => {
    const one = await startOne(world);
    for (const expected of [1, 2]) {
      const worker = await registerWorker(world);
      const claimed = await claimOne(world, worker, one);
      expect(claimed.losses).toBe(expected - 1);
      await commitOne(world, worker, itemOf(claimed, { events: [{ type: "attempt.started" }], progress: false }));
      expect(await die(worker)).toContain(one.executionId);
      expect(await losses(one)).toBe(expected);
    }
    const worker = await registerWorker(world);
    const claimed = await claimOne(world, worker, one);
    expect(claimed.losses).toBe(2);
    await commitOne(world, worker, itemOf(claimed, { progress: true }));
    expect(await losses(one)).toBe(0);
    await die(worker);
    expect(await losses(one)).toBe(1);
  });

  it("counts neither a graceful stop, nor leases given back, nor workers unseen since PostgreSQL was restarted", async () => {
    const one = await startOne(world);
    const stopped = await registerWorker(world);
    await claimOne(world, stopped, one);
    await world.worker.pool.query("select keelson.worker_retire($1)", [stopped]);
    expect(await die(stopped)).toContain(one.executionId);
    const restarted = await registerWorker(world);
    await claimOne(world, restarted, one);
    const past = "renewed_at = pg_postmaster_start_time() - interval '1 ms', lease_until = now() - interval '1 ms'";
    expect(await die(restarted, past)).toContain(one.executionId);
    const giving = await registerWorker(world);
    await claimOne(world, giving, one);
    await world.worker.pool.query("select keelson.execution_let_go($1, $2, $3)", [
      one.tenantId,
      giving,
      [one.executionId],
    ]);
    expect(await factsOf(world, one)).toMatchObject({ losses: 0, owner: null, due: true });
  });

  it("takes a loss back once the worker that was taken for dead lives to tell, and no other's", async () => {
    const one = await startOne(world);
    const gone = await registerWorker(world);
    await claimOne(world, gone, one);
    await die(gone);
    const leases = createLeaseStore(world.worker, { url: world.workerUrl, applicationName: "slow", stats: () => ({}) });
    world.onClose(() => leases.close());
    const { workerId: slow } = await leases.register("slow", 60_000);
    await claimOne(world, slow, one);
    await die(slow);
    expect(await losses(one)).toBe(2);
    const { workerId: again } = await leases.register("slow", 60_000);
    expect(await losses(one)).toBe(1);
    // It gives up before PostgreSQL does: what is freed only after it said so counts no more than what was before.
    const other = await startOne(world);
    await claimOne(world, again, other);
    await leases.register("slow", 60_000);
    expect(await die(again)).toContain(other.executionId);
    expect(await losses(other)).toBe(0);
  });

  it("frees nothing of a worker that lives", async () => {
    const one = await startOne(world);
    const worker = await registerWorker(world);
    await claimOne(world, worker, one);
    const swept = await createSweepStore(world.dispatcher).reap(1000);
    expect(swept.map((ref) => ref.executionId)).not.toContain(one.executionId);
    expect(await factsOf(world, one)).toMatchObject({ owner: worker, epoch: "1" });
  });

  it("runs an execution that has cost two workers their lives alone in its worker", async () => {
    const tenantId = await world.tenant();
    const [neighbour, poison, late] = await Promise.all([
      startHttp(tenantId),
      startHttp(tenantId),
      startHttp(tenantId),
    ]);
    await world.admin.query("update keelson.executions set losses = 2 where id = $1", [poison.executionId]);
    const rig = createRig(world);
    await rig.runner.tick();
    await rig.runner.offer(neighbour);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    await rig.runner.offer(poison);
    const offered = rig.runner.offer(late);
    await rig.runner.tick();
    expect(rig.effects.map((effect) => effect.key)).toEqual([`${neighbour.executionId}.work`]);
    rig.effects[0]!.succeed(null);
    await eventually(() => expect(rig.effects).toHaveLength(2));
    expect(rig.effects[1]!.key).toBe(`${poison.executionId}.work`);
    expect(rig.runner.active).toBe(1);
    expect(await factsOf(world, late)).toMatchObject({ owner: null });
    rig.effects[1]!.succeed(null);
    await offered;
    await eventually(() => expect(rig.effects).toHaveLength(3));
    expect(await losses(poison)).toBe(0);
    await rig.stop();
  });

  it("keeps one such execution and gives the next back, which its worker's death would else convict as well", async () => {
    const tenantId = await world.tenant();
    const [one, other] = await Promise.all([startHttp(tenantId), startHttp(tenantId)]);
    await world.admin.query("update keelson.executions set losses = 2 where tenant_id = $1", [tenantId]);
    const rig = createRig(world);
    await rig.runner.tick();
    await Promise.all([rig.runner.offer(one), rig.runner.offer(other)]);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    const kept = rig.effects[0]!.key.startsWith(one.executionId) ? one : other;
    const passedOn = kept === one ? other : one;
    await eventually(async () => expect(await factsOf(world, passedOn)).toMatchObject({ owner: null, losses: 2 }));
    expect(await factsOf(world, kept)).toMatchObject({ owner: rig.workerId() });
    rig.effects[0]!.succeed(null);
    // Early by half a second at most: the runner comes again once it is due.
    await rig.runner.offer(passedOn);
    await eventually(() => expect(rig.effects).toHaveLength(2));
    expect(rig.effects[1]!.key).toBe(`${passedOn.executionId}.work`);
    await rig.stop();
  });

  it("fails with WORKER_LOST at the third loss, before anything is tried again", async () => {
    const one = await startHttp(await world.tenant());
    for (let count = 0; count < 3; count += 1) {
      const worker = await registerWorker(world);
      await claimOne(world, worker, one);
      await die(worker);
    }
    const rig = createRig(world);
    await rig.runner.tick();
    await rig.runner.offer(one);
    await eventually(async () =>
      expect(await factsOf(world, one)).toMatchObject({ status: "failed", error: { code: "WORKER_LOST" } }),
    );
    expect(rig.effects).toEqual([]);
    await rig.stop();
  });

  it("buries a worker whose lock is gone and who is silent only when that was seen twice, and one with its lock never", async () => {
    const leases = createLeaseStore(world.worker, { url: world.workerUrl, applicationName: "t13", stats: () => ({}) });
    world.onClose(() => leases.close());
    const { workerId: living } = await leases.register("living", 600_000);
    const gone = await registerWorker(world, 600_000);
    const silence = () =>
      world.admin.query(
        "update keelson.workers set watched = true, renewed_at = greatest(now() - interval '5 s', pg_postmaster_start_time()) where id = any($1)",
        [[living, gone]],
      );
    const dead = async () =>
      (await world.admin.query("select id from keelson.workers where dead and id = any($1)", [[living, gone]])).rows;
    await silence();
    // PostgreSQL must have been up for ten seconds before a missing lock says anything.
    await eventually(
      async () => {
        const { rows } = await world.dispatcher.pool.query(
          "select worker_id from keelson.workers_silent($1)",
          [0x776f726b],
        );
        expect(rows).toEqual([{ worker_id: gone }]);
      },
      { withinMs: 20_000, everyMs: 200 },
    );
    const sweeps = createSweepStore(world.dispatcher);
    expect(await sweeps.buryTheSilent()).toBe(0);
    expect(await dead()).toEqual([]);
    await eventually(async () => {
      await sweeps.buryTheSilent();
      expect(await dead()).toEqual([{ id: gone }]);
    });
    expect((await leases.tick(gone, 600_000)).alive).toBe(false);
    expect((await leases.tick(living, 600_000)).alive).toBe(true);
  });

  it("takes nobody for dead or lost just after PostgreSQL has recovered from the crash of a backend", async () => {
    const one = await startOne(world);
    const worker = await registerWorker(world, 600_000);
    await claimOne(world, worker, one);
    await world.admin.query(
      "update keelson.workers set watched = true, renewed_at = now() - interval '5 s' where id = $1",
      [worker],
    );
    // Real: PostgreSQL has been up for long enough that its start time says nothing.
    const { rows } = await world.admin.query<{ since: Date; started: Date; reset: Date }>(
      `select keelson.up_since() as since, pg_postmaster_start_time() as started,
         (select stats_reset from pg_stat_bgwriter) as reset`,
    );
    expect(rows[0]?.since).toEqual(new Date(Math.max(rows[0]!.started.getTime(), rows[0]!.reset.getTime())));
    const { client: session } = await openSession(world, "admin");
    const since = (when: string): Promise<unknown> =>
      session.query(
        `create or replace function keelson.up_since() returns timestamptz language sql stable as $$ select ${when} $$`,
      );
    const silent = () => session.query("select worker_id from keelson.workers_silent($1)", [WORKER_LOCK_CLASS]);
    await session.query("begin");
    await since("now() - interval '1 s'");
    expect((await silent()).rows).not.toContainEqual({ worker_id: worker });
    await since("now() - interval '1 h'");
    expect((await silent()).rows).toContainEqual({ worker_id: worker });
    await since("now() - interval '1 s'");
    await session.query("update keelson.workers set dead = true where id = $1", [worker]);
    await session.query("select keelson.reap(1000)");
    const lost = await session.query("select owner, losses from keelson.executions where id = $1", [one.executionId]);
    expect(lost.rows).toEqual([{ owner: null, losses: 0 }]);
    await session.query("rollback");
  });

  it("believes no silence that was seen once each by two connections", async () => {
    const seen = [41, 42, 41];
    let calls = 0;
    const worker = { worker_id: "7" };
    const db = {
      ...world.dispatcher,
      call: async (query: { name: string }) =>
        query.name === "workers_silent" ? [{ ...worker, pid: seen[calls++] }] : [{ count: 1 }],
    };
    const sweeps = createSweepStore(db as typeof world.dispatcher);
    expect(await sweeps.buryTheSilent()).toBe(0);
    expect(await sweeps.buryTheSilent()).toBe(0);
    expect(await sweeps.buryTheSilent()).toBe(1);
  });

  it("keeps the lease of one that waits for its turn to run alone, however many ticks that takes", async () => {
    const tenantId = await world.tenant();
    const [neighbour, poison] = await Promise.all([startHttp(tenantId), startHttp(tenantId)]);
    await world.admin.query("update keelson.executions set losses = 2 where id = $1", [poison.executionId]);
    const rig = createRig(world);
    await rig.runner.tick();
    await rig.runner.offer(neighbour);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    await rig.runner.offer(poison);
    for (let count = 0; count < 4; count += 1) await rig.runner.tick();
    expect(await factsOf(world, poison)).toMatchObject({ owner: rig.workerId(), epoch: "1" });
    rig.effects[0]!.succeed(null);
    await eventually(() => expect(rig.effects).toHaveLength(2));
    await rig.stop();
  });
});

describe("T14: a hint comes a few milliseconds early", () => {
  async function dueIn(ms: number): Promise<Started> {
    const one = await startHttp(await world.tenant());
    await world.admin.query(
      `update keelson.executions set wake_at = now() + interval '${ms} ms', sweep_at = now() + interval '1 hour' where id = $1`,
      [one.executionId],
    );
    return one;
  }

  it("is told by how much, in whole milliseconds by PostgreSQL's clock, rounded up", async () => {
    const worker = await registerWorker(world);
    const one = await dueIn(5_000);
    const [answer] = await executionClaim(world.worker, worker, one.tenantId, [one.executionId]);
    if (answer?.kind !== "tooEarly") throw new Error(`Not too early: ${JSON.stringify(answer)}`);
    expect(answer.inMs).toBeGreaterThan(0);
    expect(answer.inMs).toBeLessThanOrEqual(5_000);
    expect(Number.isInteger(answer.inMs)).toBe(true);
    expect(await factsOf(world, one)).toMatchObject({ owner: null, epoch: "0" });
  });

  it("says a due time rounded up, so that a timer set by it is not early again", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    await world.admin.query(
      "insert into keelson.step_runs (tenant_id, execution_id, step_id, status, wait, due_at) values ($1, $2, 'd', 'waiting', 'delay', '2030-01-01T00:00:00.0001Z')",
      [one.tenantId, one.executionId],
    );
    await world.admin.query("update keelson.executions set seq = 2 where id = $1", [one.executionId]);
    const claimed = await claimOne(world, worker, one);
    expect(claimed.steps[0]?.dueAt).toBe(Date.parse("2030-01-01T00:00:00.001Z"));
  });

  it("does not use the hint up: the runner comes again when the time has come", async () => {
    const one = await dueIn(60);
    const rig = createRig(world);
    await rig.runner.tick();
    await rig.runner.offer(one);
    await eventually(() => expect(rig.effects).toHaveLength(1));
    await rig.stop();
  });

  it("waits by PostgreSQL's clock, whatever the host's says", async () => {
    const worker = await registerWorker(world);
    const one = await startOne(world);
    const claimed = await claimOne(world, worker, one);
    const skewed = { ...claimed, nowAt: claimed.nowAt + 3_600_000 };
    await commitOne(world, worker, releaseOf(skewed, 500));
    const { rows } = await world.admin.query(
      "select wake_at - now() between interval '-10 s' and interval '0.5 s' as near from keelson.executions where id = $1",
      [one.executionId],
    );
    expect(rows).toEqual([{ near: true }]);
    expect(await commitOne(world, worker, endOf(claimed))).toEqual({ kind: "fenced" });
  });
});

describe("a worker's lock that PostgreSQL still gives to a connection which is gone", () => {
  it("holds up neither its registration nor its renewals, and is taken once it is free", async () => {
    const leases = createLeaseStore(world.worker, { url: world.workerUrl, applicationName: "lock", stats: () => ({}) });
    world.onClose(() => leases.close());
    const next = 1_234_567;
    const ghost = (await openSession(world, "worker")).client;
    await ghost.query("select pg_advisory_lock($1, $2)", [WORKER_LOCK_CLASS, next]);
    const { workerId: worker } = await withNextWorkerId(next, () => leases.register("worker", 600_000));
    expect(worker).toBe(String(next));
    expect((await leases.tick(worker, 600_000)).alive).toBe(true);
    const watched = async () =>
      (await world.admin.query("select watched from keelson.workers where id = $1", [worker])).rows[0];
    expect(await watched()).toEqual({ watched: false });
    await ghost.query("select pg_advisory_unlock_all()");
    await eventually(async () => {
      await leases.tick(worker, 600_000);
      expect(await watched()).toEqual({ watched: true });
    });
  });
});

/** Ids of workers are drawn by chance: here the next one is told. */
async function withNextWorkerId<T>(id: number, work: () => Promise<T>): Promise<T> {
  const {
    rows: [drawn],
  } = await world.admin.query<{ expression: string }>(
    `select pg_get_expr(adbin, adrelid) as expression from pg_attrdef
     where adrelid = 'keelson.workers'::regclass
       and adnum = (select attnum from pg_attribute where attrelid = adrelid and attname = 'id')`,
  );
  await world.admin.query(`alter table keelson.workers alter column id set default ${id}`);
  try {
    return await work();
  } finally {
    await world.admin.query(`alter table keelson.workers alter column id set default ${drawn!.expression}`);
  }
}
