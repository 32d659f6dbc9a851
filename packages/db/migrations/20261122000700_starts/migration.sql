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

-- Inserts one execution, queued; held where its workflow is paused. The caller holds the workflow FOR SHARE.
-- p_start: { executionId, versionId, triggerType, trigger, input, replayOf?, scheduleId?, scheduledAt? }
create function keelson.execution_insert(p_tenant uuid, p_start json, p_held boolean) returns void
language plpgsql as $$
declare
  v_workflow uuid;
  v_trigger text;
begin
  insert into executions (
    tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger, input, timeout_ms,
    replay_of, schedule_id, scheduled_at, trace, held, wake_at, sweep_at)
  select
    p_tenant, s."executionId", w.id, w.name, v.id, v.version, s."triggerType", s.trigger,
    coalesce(s.input, 'null'), v.timeout_ms, s."replayOf", s."scheduleId", s."scheduledAt",
    s.trace, p_held, case when not p_held then now() end, case when not p_held then now() + interval '2 s' end
  from json_to_record(p_start) as s (
    "executionId" uuid, "versionId" uuid, "triggerType" text, trigger json, input json, "replayOf" uuid,
    "scheduleId" uuid, "scheduledAt" timestamptz, trace json)
  join workflow_versions v on v.tenant_id = p_tenant and v.id = s."versionId"
  join workflows w on w.tenant_id = p_tenant and w.id = v.workflow_id
  returning workflow_id, trigger_type into v_workflow, v_trigger;
  if not found then
    raise exception 'no version %', p_start ->> 'versionId' using errcode = 'foreign_key_violation';
  end if;
  insert into execution_counts_outbox (tenant_id, workflow_id, trigger) values (p_tenant, v_workflow, v_trigger);
end $$;
call keelson.hot('keelson.execution_insert(uuid, json, boolean)', 'keelson_app');

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
  perform execution_insert(p_tenant, p_start, v_status = 'paused');
  return query select 'started', v_id, v_status = 'paused';
end $$;
call keelson.hot('keelson.execution_start(uuid, uuid, json, text, bytea, int)', 'keelson_app');

-- Writes one delivery down. p_delivery: { id, hookId, workflowId, repeatKey?, headers, query, contentType?, redeliveryOf? }
create function keelson.delivery_insert(
  p_tenant uuid, p_delivery jsonb, p_body bytea, p_status text, p_reason jsonb, p_execution uuid)
returns void language plpgsql as $$
begin
  insert into deliveries (
    tenant_id, id, hook_id, workflow_id, status, reason, repeat_key, headers, query, content_type, body, execution_id,
    redelivery_of)
  select
    p_tenant, d.id, d."hookId", d."workflowId", p_status, p_reason, d."repeatKey", coalesce(d.headers, '{}'),
    coalesce(d.query, '{}'), d."contentType", p_body, p_execution, d."redeliveryOf"
  from jsonb_to_record(p_delivery) as d (
    id uuid, "hookId" uuid, "workflowId" uuid, "repeatKey" text, headers jsonb, query jsonb, "contentType" text,
    "redeliveryOf" uuid);
end $$;
call keelson.hot('keelson.delivery_insert(uuid, jsonb, bytea, text, jsonb, uuid)', 'keelson_app');

-- Takes a webhook: delivery, repeat key and execution are one commit. Verdicts: accepted, duplicate (with the first
-- execution), archived, unknown, stale (p_start names a version that is not the latest), full; the last four write nothing.
create function keelson.delivery_accept(p_tenant uuid, p_delivery jsonb, p_body bytea, p_start json, p_limit int)
returns table (verdict text, execution_id uuid, held boolean) language plpgsql as $$
declare
  v_id uuid := p_start ->> 'executionId';
  v_hook uuid := p_delivery ->> 'hookId';
  v_key text := p_delivery ->> 'repeatKey';
  v_status text;
  v_latest boolean;
  v_first uuid;
begin
  perform set_tenant(p_tenant);
  select w.status, v.version = w.latest_version into v_status, v_latest
  from workflows w
  left join workflow_versions v
    on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.id = (p_start ->> 'versionId')::uuid
  where w.tenant_id = p_tenant and w.id = (p_delivery ->> 'workflowId')::uuid for share of w;
  if v_status is null or v_status = 'archived' then
    return query select case when v_status is null then 'unknown' else 'archived' end, null::uuid, false;
    return;
  end if;
  loop
    if v_key is not null then
      select k.execution_id into v_first
      from delivery_keys k where k.tenant_id = p_tenant and k.hook_id = v_hook and k.key = v_key;
      if found then
        perform delivery_insert(p_tenant, p_delivery, p_body, 'duplicate', null, v_first);
        return query select 'duplicate', v_first, false;
        return;
      end if;
    end if;
    if v_latest is not true then
      return query select 'stale', null::uuid, false;
      return;
    end if;
    if p_limit is not null and tenant_unfinished(p_tenant, p_limit) >= p_limit then
      return query select 'full', null::uuid, false;
      return;
    end if;
    exit when v_key is null;
    insert into delivery_keys as k (tenant_id, hook_id, key, execution_id)
    values (p_tenant, v_hook, v_key, v_id) on conflict do nothing;
    exit when found;
  end loop;
  perform delivery_insert(p_tenant, p_delivery, p_body, 'accepted', null, v_id);
  perform execution_insert(p_tenant, p_start, v_status = 'paused');
  return query select 'accepted', v_id, v_status = 'paused';
end $$;
call keelson.hot('keelson.delivery_accept(uuid, jsonb, bytea, json, int)', 'keelson_app');

-- Keeps a refused delivery with its reason. The caller bounds how many a minute.
create function keelson.delivery_reject(p_tenant uuid, p_delivery jsonb, p_body bytea, p_reason jsonb) returns void
language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  perform delivery_insert(p_tenant, p_delivery, p_body, 'rejected', p_reason, null);
end $$;
call keelson.hot('keelson.delivery_reject(uuid, jsonb, bytea, jsonb)', 'keelson_app');
