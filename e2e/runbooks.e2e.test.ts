// The runbooks of infra/runbooks, followed as they are printed against a running engine in the trouble that they are for.
// pg_dump and pg_restore are stood in for by support/logical-backup.ts; a disk that is full, by PostgreSQL raising what it
// raises then: what the page tells of file systems without room, of the data and of the WAL, was seen by hand on tmpfs.
import { readFile } from "node:fs/promises";
import { eventually, recordingTarget, type RecordingTarget } from "@keelson/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ended, HOOK_TRIGGER, startEngine, type Engine, type Tenant } from "./support/engine.ts";
import { holderOf } from "./support/faults.ts";
import { violations } from "./support/invariants.ts";
import { runbookServer, type Server } from "./support/runbook.ts";

const SOUND = '"violations":[]';
const DAY_LONG = { id: "wait", type: "delay", config: { for: "1d" } };

let engine: Engine;
let tenant: Tenant;
let target: RecordingTarget;
let server: Server;

beforeAll(async () => {
  target = await recordingTarget();
  engine = await startEngine({ counts: { worker: 2 }, env: { LEASE_TTL: "8s" } });
  tenant = await engine.tenant();
  server = await runbookServer(engine, { forgotten: ["worker-1"] });
});
afterAll(async () => {
  await server.close();
  await engine.stop();
  await target.close();
});

const http = (id: string, dependsOn: string[] = []) => ({
  id,
  type: "http",
  dependsOn,
  config: { method: "POST", url: `${target.url}/${id}`, body: { of: "{{ input }}" } },
});

describe("stuck-execution.md", () => {
  const FILE = "stuck-execution.md";
  const follow = (execution: string, ...containing: string[]) =>
    server.type(FILE, { EXECUTION: execution }, ...containing);
  const LOOK = "from keelson.executions e left join";
  const MINT = "KEY=$(curl";
  const look = async (execution: string): Promise<string> =>
    (await follow(execution, LOOK)).trim().split("|").at(-1) ?? "";
  const seen = (execution: string, what: RegExp) =>
    eventually(async () => expect(await look(execution)).toMatch(what), { withinMs: 20_000, everyMs: 300 });

  it("tells a delay, which is woken, from a child, which is followed", async () => {
    await tenant.save({ name: "sleeper", steps: [DAY_LONG] });
    await tenant.save({
      name: "parent",
      steps: [{ id: "sub", type: "subworkflow", config: { workflow: "sleeper", input: null } }],
    });
    const parent = await tenant.start("parent");
    await seen(parent, /^WAITS for a child$/);
    const explained = await follow(parent, MINT, "/explain");
    expect(explained).toContain("CHILD_RUNNING");
    const child = (await tenant.execution(parent)).steps[0]!.childExecutionId!;
    expect(explained).toContain(child);
    await seen(child, /^WAITS until /);
    expect(await follow(child, MINT, "/explain")).toContain("DELAYED");
    expect(await follow(child, MINT, "/wake")).toContain('"status":');
    await ended(tenant, parent);
    expect(await follow(parent, MINT, '"violations"')).toContain(`"status":"succeeded"\n${SOUND}`);
  });

  it("tells a pause, which is lifted, and what nobody needs any more, which is cancelled and retried", async () => {
    await tenant.save({ name: "held", steps: [DAY_LONG] });
    await tenant.call("POST", "/v1/workflows/held/pause");
    const id = await tenant.start("held");
    await seen(id, /^PAUSED$/);
    expect(await follow(id, MINT, "/resume")).toContain('"status":"active"');
    await seen(id, /^WAITS until /);
    expect(await follow(id, MINT, "/cancel")).toContain('"status":"cancelled"');
    expect((await tenant.execution(id)).status).toMatch(/queued|running|waiting/);
    await tenant.call("POST", `/v1/executions/${id}/cancel`);
  });

  it("tells a worker that is silent, which is waited for, and one that is not there, which is started", async () => {
    await tenant.save({ name: "calls", steps: [http("calls")] });
    const answer = Promise.withResolvers<void>();
    target.answer(async ({ path }) => {
      if (path === "/calls") await answer.promise;
      return { status: 200, body: {} };
    });
    const id = await tenant.start("calls");
    await seen(id, /^RUNS in worker-/);
    const holder = await eventually(() => holderOf(engine, id));
    process.kill(holder, "SIGSTOP");
    await seen(id, /^OWNER SILENT since /);
    process.kill(holder, "SIGCONT");
    answer.resolve();
    expect((await ended(tenant, id)).status).toBe("succeeded");

    const workers = engine.stack.instances.worker.map((instance) => instance.process);
    await Promise.all(workers.map((worker) => worker.stop()));
    const late = await tenant.start("calls");
    await seen(late, /^READY since /);
    expect(await follow(late, "/v1/ops/capacity")).toMatch(/"binds":\{"what":"workers".*no worker lives: start one/);
    await Promise.all(workers.map((worker) => worker.start()));
    expect((await ended(tenant, late)).status).toBe("succeeded");
  });

  it("tells one that no worker can read, and why, and it goes on once that is mended", async () => {
    await tenant.save({ name: "unreadable", steps: [{ ...DAY_LONG, id: "odd" }] });
    // Kept by a pause until it is broken: the API would not start it.
    await tenant.call("POST", "/v1/workflows/unreadable/pause");
    const id = await tenant.start("unreadable");
    const broken = (definition: string) =>
      engine.query(
        `update keelson.workflow_versions v set definition = ${definition} from keelson.workflows w
         where w.id = v.workflow_id and w.name = 'unreadable'`,
      );
    await broken("replace(definition::text, '\"delay\"', '\"of a later release\"')::json");
    await tenant.call("POST", "/v1/workflows/unreadable/resume");
    await seen(id, /^PUT OFF until /);
    expect(await follow(id, "execution.let_go")).toContain("No matching discriminator");
    await broken("replace(definition::text, '\"of a later release\"', '\"delay\"')::json");
    await seen(id, /^WAITS until /);
  });

  it("tells a tenant that has as many as it may", async () => {
    const full = await engine.tenant();
    await full.save({ name: "sleeper", steps: [DAY_LONG] });
    await full.start("sleeper");
    await engine.query("update keelson.tenants set limits = limits || '{\"unfinishedExecutions\": 1}' where id = $1", [
      full.id,
    ]);
    await eventually(async () => {
      const refused = await full.call<{ code: string }>("POST", "/v1/workflows/sleeper/executions", {});
      expect([refused.status, refused.body.code]).toEqual([429, "TOO_MANY_UNFINISHED"]);
    });
    const [someId] = await engine.query<{ id: string }>("select id from keelson.executions limit 1");
    expect(await follow(someId!.id, "/v1/ops/tenants")).toMatch(/"used":\d+,"exact":true,"limit":1\}/);
  });
});

describe("redis-lost.md", () => {
  const FILE = "redis-lost.md";
  const PING = "used_memory:";

  it("goes on without it, emptied and full, and says so", async () => {
    await tenant.save({ name: "two", steps: [http("first"), http("second", ["first"])] });
    const runs = async () => expect((await ended(tenant, await tenant.start("two"))).status).toBe("succeeded");

    await server.shell(`docker compose exec -T redis sh -c x -- config set maxmemory 1000000`);
    expect(await server.type(FILE, {}, PING)).toMatch(/maxmemory:1000000/);
    await runs();
    expect(await server.type(FILE, {}, "redis flushall")).toContain("OK");
    await runs();
    await server.shell(`docker compose exec -T redis sh -c x -- config set maxmemory 0`);

    await engine.stack.redis!.service.stop();
    await eventually(async () => {
      const ready = await fetch(`${engine.stack.instances.worker[0]!.url}/readyz`);
      expect([ready.status, await ready.text()]).toEqual([
        200,
        expect.stringContaining('"redis":{"ok":false,"required":false}'),
      ]);
    });
    await runs();
    await engine.stack.redis!.service.start();
    await eventually(async () =>
      expect(await server.type(FILE, {}, "/v1/ops/overview")).toMatch(/^PONG\n"redis":\{"state":"up"/),
    );
    const log = await readFile(engine.stack.instances.worker[0]!.process.logFile ?? "", "utf8");
    expect(log).toMatch(/"msg":"redis.lost"[^]*"msg":"redis.back"/);
    await runs();
  });
});

describe("disk-full.md", () => {
  const FILE = "disk-full.md";

  /** Until `free`, PostgreSQL refuses every row of what grows, in the middle of whatever is being done. */
  async function fill(): Promise<{ free: () => Promise<void> }> {
    const tables = ["executions", "event_batches", "secrets", "deliveries"];
    await engine.query(
      `create function public.no_room() returns trigger language plpgsql as $$
       begin raise exception 'could not extend file "base/5/16675": No space left on device' using errcode = 'disk_full'; end $$`,
    );
    for (const table of tables)
      await engine.query(
        `create trigger no_room before insert on keelson.${table} for each statement execute function public.no_room()`,
      );
    return { free: async () => void (await engine.query("drop function public.no_room() cascade")) };
  }

  async function refusals(hook: string): Promise<unknown[]> {
    const answers = [
      await tenant.send(hook, {}),
      await tenant.call("POST", "/v1/workflows/hooked/executions", {}),
      await tenant.call("PUT", "/v1/secrets/OTHER", { value: "something" }),
    ] as { status: number; body: { code?: string } | null }[];
    return answers.map(({ status, body }) => [status, body?.code]);
  }
  const UNAVAILABLE = Array.from({ length: 3 }, () => [503, "UNAVAILABLE"]);

  it("takes nothing that it could lose, loses nothing that it took, and goes on by itself", async () => {
    const hook = await tenant.save({
      name: "hooked",
      triggers: [HOOK_TRIGGER],
      steps: [
        http("before"),
        { id: "pause", type: "delay", dependsOn: ["before"], config: { for: "1s" } },
        http("after", ["pause"]),
      ],
    });
    const taken = (await tenant.send(hook, {})).body.executionId;
    await eventually(() => expect(target.to("/before")).toHaveLength(1));
    const pids = engine.stack.pids();
    const disk = await fill();
    expect(await refusals(hook)).toEqual(UNAVAILABLE);
    expect((await tenant.call("GET", `/v1/executions/${taken}`)).status).toBe(200);
    expect(await server.type(FILE, {}, "pg_ls_waldir")).toMatch(/database \d+.*\nwal \d+/);
    await disk.free();
    expect((await ended(tenant, taken)).status).toBe("succeeded");
    expect((await tenant.send(hook, {})).status).toBe(202);
    expect(engine.stack.pids()).toEqual(pids);
    await eventually(async () =>
      expect(await server.type(FILE, {}, SOUND.slice(0, 12))).toBe(`200\n${SOUND}}\n0 due and not taken\n`),
    );
  });

  it("the same for a database that takes no writes", async () => {
    const { body: hooked } = await tenant.call<{ triggers: { url: string }[] }>("GET", "/v1/workflows/hooked");
    await engine.query("alter system set default_transaction_read_only = on");
    await engine.query("select pg_reload_conf()");
    const hook = hooked.triggers[0]!.url;
    await eventually(async () => expect(await refusals(hook)).toEqual(UNAVAILABLE));
    await server.type(FILE, {}, "reset default_transaction_read_only");
    await eventually(async () => expect((await tenant.send(hook, {})).status).toBe(202));
  });
});

describe("restore-postgres.md", () => {
  const FILE = "restore-postgres.md";
  const DUMP = "keelson.dump";

  it("goes on from the backup, Redis and a forgotten worker ahead of it", async () => {
    const step = (id: string, dependsOn: string[] = []) => http(`restored_${id}`, dependsOn);
    const hook = await tenant.save({
      name: "restored",
      triggers: [HOOK_TRIGGER, { id: "daily", type: "schedule", cron: "0 3 * * *", missed: "latest" }],
      steps: [
        step("a"),
        { id: "gap", type: "delay", dependsOn: ["restored_a"], config: { for: "2s" } },
        step("b", ["gap"]),
      ],
    });
    await tenant.save({ name: "forgotten", steps: [http("forgotten")] });
    const deliver = async (id: string) => (await tenant.send(hook, { id }, id)).body;
    const before = await Promise.all(["m1", "m2", "m3", "m4"].map(deliver));
    await eventually(() => expect(target.to("/restored_a").length).toBeGreaterThanOrEqual(4));
    const dumped = "docker compose exec -T postgres pg_dump --username=keelson --dbname=keelson --format=custom";
    await server.shell(`${dumped} >keelson/${DUMP}`);
    // PostgreSQL's clock and this one are the same machine's.
    const taken = new Date().toISOString().slice(0, 19);

    // What the backup does not know: deliveries, a worker with an attempt under way, a key that was revoked.
    const after = await Promise.all(["m5", "m6"].map(deliver));
    for (const { executionId } of [...before, ...after])
      expect((await ended(tenant, executionId)).status).toBe("succeeded");
    const forgotten = engine.stack.instances.worker[1]!.process;
    await engine.stack.instances.worker[0]!.process.stop();
    forgotten.kill("SIGKILL");
    const answer = Promise.withResolvers<void>();
    target.answer(async ({ path }) => {
      if (path === "/forgotten") await answer.promise;
      return { status: 200, body: {} };
    });
    const lost = await tenant.start("forgotten");
    await eventually(() => expect(target.to("/forgotten")).toHaveLength(1), { withinMs: 30_000 });
    process.kill(forgotten.pid()!, "SIGSTOP");

    const vars = { DUMP, TAKEN: taken };
    await server.type(FILE, vars, "stop traefik");
    expect(await server.type(FILE, vars, "accepted-since.log changed-since.log")).toMatch(/2 accepted-since.log/);
    expect(await server.type(FILE, vars, "drop schema")).toMatch(/executions, the last of/);
    await engine.query("update keelson.schedules set next_at = now() - interval '1 hour'");
    expect(await server.type(FILE, vars, "order by next_at")).toContain("|0 3 * * *|latest|");
    await server.type(FILE, vars, "SCHEDULES=");
    await server.type(FILE, vars, "docker compose up -d --wait\n");
    process.kill(forgotten.pid()!, "SIGCONT");
    answer.resolve();

    for (const { executionId } of before) {
      expect((await ended(tenant, executionId)).status).toBe("succeeded");
      for (const path of ["/restored_a", "/restored_b"]) {
        const sent = target
          .to(path)
          .filter(({ headers }) => String(headers["idempotency-key"]).startsWith(executionId));
        expect(sent.length).toBeGreaterThanOrEqual(1);
        expect(new Set(sent.map(({ body }) => String(body))).size).toBe(1);
      }
    }
    for (const id of [...after.map(({ executionId }) => executionId), lost])
      expect((await tenant.call("GET", `/v1/executions/${id}`)).status).toBe(404);
    expect((await deliver("m1")).duplicate).toBe(true);
    const again = await deliver("m5");
    expect(again.duplicate).toBe(false);
    expect((await ended(tenant, again.executionId)).status).toBe("succeeded");
    await eventually(async () =>
      expect(await readFile(forgotten.logFile ?? "", "utf8")).toContain("worker.lease_lost"),
    );
    expect(await engine.query("select 1 from keelson.schedule_fires")).toEqual([]);
    const sound = `${SOUND}}\n0 due and not taken\n`;
    await eventually(async () => expect(await server.type(FILE, vars, '"violations"')).toContain(sound));
    expect(await violations(engine)).toEqual([]);
  });

  it("warns rightly of dumps by a role that row security binds", async () => {
    // What pg_dump sets, without --enable-row-security and with it.
    const counted = (rowSecurity: string) =>
      server.shell(
        `docker compose exec -T postgres psql -c "set role keelson_owner; set row_security = ${rowSecurity}; select count(*) from keelson.executions"`,
      );
    await expect(counted("off")).rejects.toThrow("query would be affected by row-level security policy");
    expect(await counted("on")).toBe("0\n");
  });
});
