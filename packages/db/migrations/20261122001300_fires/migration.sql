-- Fires of schedules: when they are due, and by hand. Breaking: no. Locks: none.

grant execute on procedure keelson.hot to keelson_app;

-- Settles a schedule's due times and advances it, in one transaction. It belongs to keelson_app, since it writes one
-- tenant's executions, and the dispatcher, who sees no payload, may call it.
grant create on schema keelson to keelson_app;
set local role keelson_app;

-- p_expected_at: next_at as the caller saw it; anything else has been settled by another (no rows). p_fires, oldest first:
-- [{ dueAt, executionId, missed, late?, untilAt?, count? }]; untilAt and count of several that were missed. Each is fired, or
-- missed, or skipped: while an execution of this schedule is unfinished and its overlap says so, or while its workflow is
-- paused and one is held already.
create function keelson.schedule_fire(
  p_tenant uuid, p_schedule uuid, p_expected_at timestamptz, p_next_at timestamptz, p_fires jsonb)
returns table (due_at_ms double precision, status text, reason text, execution_id uuid, held boolean)
language plpgsql security definer as $$
declare
  v_schedule record;
  v_workflow record;
  v_fire record;
  v_reason text;
  v_fired boolean;
  v_last_fired_at timestamptz;
begin
  perform set_tenant(p_tenant);
  select w.id, w.status, v.id as version_id into v_workflow
  from schedules s
  join workflows w on w.tenant_id = s.tenant_id and w.id = s.workflow_id
  join workflow_versions v on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.version = w.latest_version
  where s.tenant_id = p_tenant and s.id = p_schedule for share of w;
  select s.* into v_schedule from schedules s
  where s.tenant_id = p_tenant and s.id = p_schedule and s.next_at = p_expected_at
    and s.status = 'active' and s.in_latest and v_workflow.status <> 'archived'
  for no key update;
  if not found then return; end if;

  for v_fire in
    select f."dueAt" as due_at, f."untilAt" as until_at, f.count, f."executionId" as execution_id, f.missed, f.late
    from jsonb_to_recordset(p_fires) as f (
      "dueAt" timestamptz, "untilAt" timestamptz, count int, "executionId" uuid, missed boolean, late boolean)
    order by 1
  loop
    continue when exists (
      select from schedule_fires f
      where f.tenant_id = p_tenant and f.schedule_id = p_schedule and f.due_at = v_fire.due_at);
    v_reason := case
      when v_fire.missed then 'MISSED'
      when v_schedule.overlap = 'skip' and exists (
        select from executions e
        where e.tenant_id = p_tenant and e.schedule_id = p_schedule and e.finished_at is null) then 'OVERLAP'
      when v_workflow.status = 'paused' and exists (
        select from executions e
        where e.tenant_id = p_tenant and e.schedule_id = p_schedule and e.finished_at is null and e.held)
        then 'WORKFLOW_PAUSED'
    end;
    v_fired := v_reason is null;
    if v_fired then
      perform executions_insert(p_tenant, json_build_array(json_build_object(
        'executionId', v_fire.execution_id, 'versionId', v_workflow.version_id, 'triggerType', 'schedule',
        'trigger', json_build_object(
          'type', 'schedule', 'id', v_schedule.trigger_id, 'scheduledAt', rfc3339(v_fire.due_at),
          'lastSuccessAt', rfc3339(v_schedule.last_success_at)),
        'input', v_schedule.input, 'scheduleId', p_schedule, 'scheduledAt', v_fire.due_at)),
        array[v_fire.execution_id]);
      v_last_fired_at := v_fire.due_at;
      if v_fire.late then v_reason := 'CAUGHT_UP'; end if;
    end if;
    return query
      insert into schedule_fires as f (tenant_id, schedule_id, due_at, until_at, count, status, reason, execution_id)
      values (p_tenant, p_schedule, v_fire.due_at, v_fire.until_at,
        case when v_fire.until_at is null then 1 else v_fire.count end,
        case when v_fired then 'fired' when v_fire.missed then 'missed' else 'skipped' end,
        v_reason, case when v_fired then v_fire.execution_id end)
      returning ms(f.due_at), f.status, f.reason, f.execution_id, v_fired and v_workflow.status = 'paused';
  end loop;
  update schedules s set next_at = p_next_at, last_fired_at = coalesce(v_last_fired_at, s.last_fired_at)
  where s.tenant_id = p_tenant and s.id = p_schedule;
end $$;
call keelson.hot('keelson.schedule_fire(uuid, uuid, timestamptz, timestamptz, jsonb)', 'keelson_dispatcher');

set local role keelson_owner;
revoke create on schema keelson from keelson_app;
revoke execute on procedure keelson.hot from keelson_app;

-- Starts an execution of a schedule now, by hand, whatever its overlap and its own pause say; its due times stay as they
-- are. Verdicts of execution_start; unknown also where the latest version has left it out.
create function keelson.schedule_run(
  p_tenant uuid, p_schedule uuid, p_execution uuid, p_key text, p_body_hash bytea, p_limit int)
returns table (verdict text, execution_id uuid, held boolean) language plpgsql as $$
declare
  v_schedule record;
  v_verdict record;
  -- Never a due time, which are whole minutes, and which the row would keep from firing.
  v_at timestamptz := date_trunc('milliseconds', clock_timestamp()) + interval '1 microsecond';
begin
  perform set_tenant(p_tenant);
  perform from workflows w
  where w.tenant_id = p_tenant
    and w.id = (select s.workflow_id from schedules s where s.tenant_id = p_tenant and s.id = p_schedule) for share;
  select s.workflow_id, s.trigger_id, s.input, s.last_success_at, v.id as version_id into v_schedule
  from schedules s
  join workflows w on w.tenant_id = s.tenant_id and w.id = s.workflow_id
  join workflow_versions v on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.version = w.latest_version
  where s.tenant_id = p_tenant and s.id = p_schedule and (s.in_latest or w.status = 'archived');
  if not found then
    return query select 'unknown', null::uuid, false;
    return;
  end if;
  select x.* into v_verdict from execution_start(p_tenant, v_schedule.workflow_id, json_build_object(
    'executionId', p_execution, 'versionId', v_schedule.version_id, 'triggerType', 'schedule',
    'trigger', json_build_object(
      'type', 'schedule', 'id', v_schedule.trigger_id, 'scheduledAt', rfc3339(v_at),
      'lastSuccessAt', rfc3339(v_schedule.last_success_at)),
    'input', v_schedule.input, 'scheduleId', p_schedule, 'scheduledAt', v_at), p_key, p_body_hash, p_limit) as x;
  if v_verdict.verdict = 'started' then
    insert into schedule_fires as f (tenant_id, schedule_id, due_at, status, reason, execution_id)
    values (p_tenant, p_schedule, v_at, 'fired', 'RUN_NOW', p_execution) on conflict do nothing;
  end if;
  return query select v_verdict.verdict, v_verdict.execution_id, v_verdict.held;
end $$;
call keelson.hot('keelson.schedule_run(uuid, uuid, uuid, text, bytea, int)', 'keelson_app');
