-- Starts by the API and by webhook. Each is one statement and one commit (I6). Breaking: no. Locks: none.
--
-- Locks are taken in this order everywhere: workflows, schedules, executions. A start reads its workflow FOR SHARE, so
-- that it cannot commit a hold after the resume that would have lifted it (T12).

-- Whether a tenant has this many unfinished executions. Stops counting there; index executions_unfinished.
create function keelson.tenant_unfinished(p_tenant uuid, p_cap int) returns int language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return (
    select count(*) from (
      select from executions e where e.tenant_id = p_tenant and e.finished_at is null limit p_cap
    ) as counted);
end $$;
call keelson.hot('keelson.tenant_unfinished(uuid, int)', 'keelson_app', 'keelson_worker');

-- Inserts executions, queued; held where their workflow is paused. The caller holds the workflows FOR SHARE.
-- p_starts: [{ executionId, versionId, triggerType, trigger, input, replayOf?, scheduleId?, scheduledAt?, trace? }], of
-- which those of p_ids are inserted.
create function keelson.executions_insert(p_tenant uuid, p_starts json, p_ids uuid[]) returns void
language plpgsql as $$
declare
  v_inserted int;
begin
  with born as (
    insert into executions (
      tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger, input, timeout_ms,
      replay_of, schedule_id, scheduled_at, trace, held, wake_at, sweep_at)
    select
      p_tenant, s."executionId", w.id, w.name, v.id, v.version, s."triggerType", s.trigger,
      coalesce(s.input, 'null'), v.timeout_ms, s."replayOf", s."scheduleId", s."scheduledAt",
      s.trace, w.status = 'paused', case when w.status <> 'paused' then now() end,
      case when w.status <> 'paused' then now() + interval '2 s' end
    from json_to_recordset(p_starts) as s (
      "executionId" uuid, "versionId" uuid, "triggerType" text, trigger json, input json, "replayOf" uuid,
      "scheduleId" uuid, "scheduledAt" timestamptz, trace json)
    cross join lateral (
      select v.id, v.version, v.timeout_ms, v.workflow_id from workflow_versions v
      where v.tenant_id = p_tenant and v.id = s."versionId" offset 0
    ) as v
    join workflows w on w.tenant_id = p_tenant and w.id = v.workflow_id
    where s."executionId" = any(p_ids)
    returning workflow_id, trigger_type
  )
  insert into execution_counts_outbox (tenant_id, workflow_id, trigger)
  select p_tenant, born.workflow_id, born.trigger_type from born;
  get diagnostics v_inserted = row_count;
  if v_inserted < cardinality(p_ids) then
    raise exception 'a start names no version of this tenant' using errcode = 'foreign_key_violation';
  end if;
end $$;
call keelson.hot('keelson.executions_insert(uuid, json, uuid[])', 'keelson_app');

-- Starts one by the API: started, repeat (the key's first execution), mismatch (the key with another body), archived,
-- unknown or full. A refusal uses up no key. p_limit: null where the caller knows the tenant to be far from it.
create function keelson.execution_start(
  p_tenant uuid, p_workflow uuid, p_start json, p_key text, p_body_hash bytea, p_limit int)
returns table (verdict text, execution_id uuid, held boolean) language plpgsql as $$
declare
  v_id uuid := p_start ->> 'executionId';
  v_status text;
  v_first record;
begin
  perform set_tenant(p_tenant);
  select w.status into v_status from workflows w where w.tenant_id = p_tenant and w.id = p_workflow for share;
  loop
    if p_key is not null then
      select k.execution_id, k.body_hash into v_first
      from idempotency_keys k where k.tenant_id = p_tenant and k.workflow_id = p_workflow and k.key = p_key;
      if found then
        return query select
          case when v_first.body_hash = p_body_hash then 'repeat' else 'mismatch' end, v_first.execution_id, false;
        return;
      end if;
    end if;
    if v_status is null or v_status = 'archived' then
      return query select case when v_status is null then 'unknown' else 'archived' end, null::uuid, false;
      return;
    end if;
    if p_limit is not null and tenant_unfinished(p_tenant, p_limit) >= p_limit then
      return query select 'full', null::uuid, false;
      return;
    end if;
    exit when p_key is null;
    insert into idempotency_keys as k (tenant_id, workflow_id, key, body_hash, execution_id)
    values (p_tenant, p_workflow, p_key, p_body_hash, v_id) on conflict do nothing;
    -- Somebody else took it in the meantime: the next round sees theirs.
    exit when found;
  end loop;
  perform executions_insert(p_tenant, json_build_array(p_start), array[v_id]);
  return query select 'started', v_id, v_status = 'paused';
end $$;
call keelson.hot('keelson.execution_start(uuid, uuid, json, text, bytea, int)', 'keelson_app');

-- Writes deliveries down: the n-th with p_bodies[n], p_statuses[n] and p_executions[n]; one without a status is left out.
-- p_deliveries: [{ n, id, hookId, workflowId, repeatKey?, headers, query, contentType?, redeliveryOf? }]
create function keelson.deliveries_insert(
  p_tenant uuid, p_deliveries jsonb, p_bodies bytea[], p_statuses text[], p_reason jsonb, p_executions uuid[])
returns void language plpgsql as $$
begin
  insert into deliveries (
    tenant_id, id, hook_id, workflow_id, status, reason, repeat_key, headers, query, content_type, body, execution_id,
    redelivery_of)
  select
    p_tenant, d.id, d."hookId", d."workflowId", p_statuses[d.n], p_reason, d."repeatKey", coalesce(d.headers, '{}'),
    coalesce(d.query, '{}'), d."contentType", p_bodies[d.n], p_executions[d.n], d."redeliveryOf"
  from jsonb_to_recordset(p_deliveries) as d (
    n int, id uuid, "hookId" uuid, "workflowId" uuid, "repeatKey" text, headers jsonb, query jsonb, "contentType" text,
    "redeliveryOf" uuid)
  where p_statuses[d.n] is not null;
end $$;
call keelson.hot('keelson.deliveries_insert(uuid, jsonb, bytea[], text[], jsonb, uuid[])', 'keelson_app');

-- Takes 1 … 64 webhooks of one tenant, in one commit: of each its delivery, its repeat key and its execution. Each has a
-- verdict, in their order: accepted, duplicate (with the first execution), archived, unknown, stale (it names a version
-- that is not the latest, or its key's first one went just now: look again), full; the last four write nothing.
-- p_limit: of unfinished executions, null for none. The arrays say of each what decides, p_deliveries (as deliveries_insert
-- has them), p_bodies and p_starts (as executions_insert has them) what is written.
create function keelson.deliveries_accept(
  p_tenant uuid, p_limit int, p_workflows uuid[], p_versions uuid[], p_hooks uuid[], p_keys text[], p_executions uuid[],
  p_deliveries jsonb, p_bodies bytea[], p_starts json)
returns table (verdict text, execution_id uuid, held boolean) language plpgsql as $$
declare
  v_open int[]; -- nothing speaks against a start
  v_taken int; -- keys
  v_verdicts text[] := array_fill('accepted'::text, array[cardinality(p_executions)]);
  v_told uuid[] := p_executions;
  v_held boolean[];
begin
  perform set_tenant(p_tenant);
  perform from workflows w where w.tenant_id = p_tenant and w.id = any(p_workflows) order by w.id for share;
  select coalesce(array_agg(o.n order by o.n), '{}'), array_agg(o.paused order by o.n) into v_open, v_held
  from (
    select x.n, x.key, w.paused, row_number() over (partition by x.hook, x.key order by x.n) as nth
    from unnest(p_workflows, p_versions, p_hooks, p_keys) with ordinality as x (workflow, version, hook, key, n)
    cross join lateral (
      select w.status = 'paused' as paused
      from workflows w
      join workflow_versions v on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.version = w.latest_version
      where w.tenant_id = p_tenant and w.id = x.workflow and w.status <> 'archived' and v.id = x.version offset 0
    ) as w
    where x.key is null or not exists (
      select from delivery_keys k where k.tenant_id = p_tenant and k.hook_id = x.hook and k.key = x.key offset 0)
  ) as o
  where o.key is null or o.nth = 1;
  if p_limit is not null and cardinality(v_open) > 0 then
    v_open := v_open[: greatest(p_limit - tenant_unfinished(p_tenant, p_limit), 0)];
  end if;
  -- In one order everywhere: two groups with the same keys would wait for each other. Who comes first has the key.
  insert into delivery_keys (tenant_id, hook_id, key, execution_id)
  select p_tenant, x.hook, x.key, x.execution
  from unnest(p_hooks, p_keys, p_executions) with ordinality as x (hook, key, execution, n)
  where x.n = any(v_open) and x.key is not null order by x.hook, x.key, x.n
  on conflict do nothing;
  get diagnostics v_taken = row_count;
  -- Mostly all are open and have their keys; else each is looked at.
  if cardinality(v_open) < cardinality(p_executions) or v_taken < (select count(key) from unnest(p_keys) as key) then
    select array_agg(j.verdict order by j.n), array_agg(j.told order by j.n), array_agg(j.paused order by j.n)
    into v_verdicts, v_told, v_held
    from (
      select x.n, coalesce(k.execution_id, x.execution) as told, w.status = 'paused' as paused,
        case
          when w.id is null then 'unknown'
          when w.status = 'archived' then 'archived'
          when k.execution_id <> x.execution then 'duplicate'
          when k.execution_id is not null or (x.key is null and x.n = any(v_open)) then 'accepted'
          when x.n = any(v_open) or not exists (
            select from workflow_versions v
            where v.tenant_id = p_tenant and v.id = x.version and v.workflow_id = w.id and v.version = w.latest_version)
          then 'stale'
          else 'full'
        end as verdict
      from unnest(p_workflows, p_versions, p_hooks, p_keys, p_executions) with ordinality
        as x (workflow, version, hook, key, execution, n)
      left join workflows w on w.tenant_id = p_tenant and w.id = x.workflow
      left join lateral (
        select k.execution_id from delivery_keys k
        where k.tenant_id = p_tenant and k.hook_id = x.hook and k.key = x.key offset 0
      ) as k on true
    ) as j;
  end if;
  perform deliveries_insert(p_tenant, p_deliveries, p_bodies,
    (select array_agg(case when x.verdict in ('accepted', 'duplicate') then x.verdict end order by x.n)
     from unnest(v_verdicts) with ordinality as x (verdict, n)), null, v_told);
  perform executions_insert(p_tenant, p_starts,
    (select coalesce(array_agg(x.told), '{}') from unnest(v_verdicts, v_told) as x (verdict, told)
     where x.verdict = 'accepted'));
  return query
  select x.verdict, case when x.verdict in ('accepted', 'duplicate') then x.told end, x.verdict = 'accepted' and x.paused
  from unnest(v_verdicts, v_told, v_held) with ordinality as x (verdict, told, paused, n) order by x.n;
end $$;
call keelson.hot(
  'keelson.deliveries_accept(uuid, int, uuid[], uuid[], uuid[], text[], uuid[], jsonb, bytea[], json)', 'keelson_app');

-- One alone. p_delivery and p_start: an element of what the other takes.
create function keelson.delivery_accept(p_tenant uuid, p_delivery jsonb, p_body bytea, p_start json, p_limit int)
returns table (verdict text, execution_id uuid, held boolean) language sql as $$
  select a.verdict, a.execution_id, a.held from keelson.deliveries_accept(
    p_tenant, p_limit, array[(p_delivery ->> 'workflowId')::uuid], array[(p_start ->> 'versionId')::uuid],
    array[(p_delivery ->> 'hookId')::uuid], array[p_delivery ->> 'repeatKey'], array[(p_start ->> 'executionId')::uuid],
    jsonb_build_array(p_delivery || '{"n": 1}'), array[p_body], json_build_array(p_start)) as a
$$;
call keelson.hot('keelson.delivery_accept(uuid, jsonb, bytea, json, int)', 'keelson_app');

-- Keeps a refused delivery with its reason. The caller bounds how many a minute.
create function keelson.delivery_reject(p_tenant uuid, p_delivery jsonb, p_body bytea, p_reason jsonb) returns void
language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  perform deliveries_insert(
    p_tenant, jsonb_build_array(p_delivery || '{"n": 1}'), array[p_body], array['rejected'], p_reason, array[null::uuid]);
end $$;
call keelson.hot('keelson.delivery_reject(uuid, jsonb, bytea, jsonb)', 'keelson_app');
