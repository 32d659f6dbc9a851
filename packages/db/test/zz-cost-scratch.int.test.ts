import { it } from "vitest";
import { NO_STEPS, openSession, registerWorker } from "./stage.ts";
import { createWorld } from "./world.ts";
it("cost", async () => {
  const world = await createWorld();
  const tenantId = await world.tenant();
  const of = await world.workflow(tenantId, NO_STEPS);
  const worker = await registerWorker(world, 3_600_000);
  const app = await openSession(world, "app");
  const w = await openSession(world, "worker");
  const starts = async () => {
    const n: number[] = [];
    app.client.on("notice", (m) => n.push(Number(m.message)));
    await app.client.query("begin");
    await app.client.query(`do $$ declare t timestamptz := clock_timestamp(); begin
      for i in 1..1000 loop perform keelson.execution_start('${tenantId}', '${of.workflowId}', json_build_object('executionId', gen_random_uuid(), 'versionId', '${of.versionId}', 'triggerType', 'api', 'trigger', json_build_object('type','api'), 'input', 1), null, null, null); end loop;
      raise notice '%', extract(epoch from clock_timestamp() - t) * 1000; end $$`);
    await app.client.query("rollback"); app.client.removeAllListeners("notice");
    return n[0]! ;
  };
  const ends = async () => {
    const { rows } = await world.admin.query(`insert into keelson.executions (tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger, status, owner, epoch, started_at)
      select $1, gen_random_uuid(), $2, 'w', $3, 1, 'api', '{}', 'running', $4, 1, now() from generate_series(1,500) returning id`, [tenantId, of.workflowId, of.versionId, worker]);
    const ids = rows.map((r: any) => `'${r.id}'`).join(",");
    const n: number[] = [];
    w.client.on("notice", (m) => n.push(Number(m.message)));
    await w.client.query("begin");
    await w.client.query(`do $$ declare t timestamptz := clock_timestamp(); x uuid; begin
      foreach x in array array[${ids}]::uuid[] loop perform keelson.execution_commit('${tenantId}', ${worker},
       json_build_array(json_build_object('executionId', x, 'epoch', 1, 'seq', 1, 'lastSeq', 2, 'status', 'succeeded', 'retrying', false, 'release', false, 'ends', true, 'output', 1)),
       jsonb_build_array(jsonb_build_object('executionId', x, 'epoch', 1, 'firstSeq', 2, 'lastSeq', 2, 'items', '[{"type":"x"}]'::jsonb)), null, null, null, null, '{}'); end loop;
      raise notice '%', extract(epoch from clock_timestamp() - t) * 1000; end $$`);
    await w.client.query("rollback"); w.client.removeAllListeners("notice");
    await world.admin.query("delete from keelson.executions");
    await world.admin.query("vacuum keelson.executions");
    return n[0]! * 2;
  };
  const cut = async (name: string, f: (s: string) => string) => {
    const { rows } = await world.admin.query("select pg_get_functiondef(p.oid) d from pg_proc p where p.pronamespace='keelson'::regnamespace and proname=$1", [name]);
    const changed = f(rows[0].d); if (changed === rows[0].d) throw new Error("same " + name);
    return { off: () => world.admin.query(changed), on: () => world.admin.query(rows[0].d) };
  };
  const a = await cut("execution_insert", (s) => s.replace(/insert into execution_counts_outbox[\s\S]*?from born;/, "perform 1 from born;").replace(/with born as \(([\s\S]*?)returning workflow_id, trigger_type\s*\)\s*perform 1 from born;/, "$1;"));
  const b = await cut("execution_commit", (s) => s.replace(/, counted as \(\s*insert into execution_counts_outbox[\s\S]*?where d\.ends\s*\)/, ""));
  const min: Record<string, number> = {};
  const note = (k: string, v: number) => { min[k] = Math.min(min[k] ?? Infinity, v); };
  await starts(); await ends();
  for (let k = 0; k < 8; k++) {
    await a.on(); await b.on(); await starts(); note("start on µs", await starts()); note("end on µs", await ends());
    await a.off(); await b.off(); await starts(); note("start off µs", await starts()); note("end off µs", await ends());
  }
  console.log(JSON.stringify(min));
  await world.close();
}, 120_000);
