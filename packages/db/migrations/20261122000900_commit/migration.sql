-- The commit of transitions. Breaking: no. Locks: none.

-- Writes changed step runs. A finished one stays as it is (I3) unless its iter grows, or p_reopen says that a retry does it.
-- p_steps: [{ executionId, id, status, iter, …, outputKind, output?, dueInMs?, startedAt?, … }]. A due time is relative to
-- PostgreSQL's now; what has been is told as the holder saw it, so that now() in a template is the same after a take-over.
-- outputKind: none; value, which may be null; stored, the row's own is kept (as output_bytes -1 on its way to the row).
create function keelson.step_runs_write(p_tenant uuid, p_held uuid[], p_steps json, p_reopen boolean) returns void
language plpgsql as $$
declare
  v_written int;
begin
  insert into step_runs as s (
    tenant_id, execution_id, step_id, status, iter, key_iter, attempt, failures, wait, due_at, branch, input, output,
    output_bytes, error, in_doubt, child_id, started_at, sent_at, finished_at, reason)
  select
    p_tenant, y."executionId", y.id, y.status, y.iter, y."keyIter", y.attempt, y.failures, y.wait, in_ms(y."dueInMs"),
    y.branch, y.input,
    case when y."outputKind" = 'value' then coalesce(y.output, 'null') end,
    case y."outputKind" when 'value' then octet_length(coalesce(y.output, 'null')::text) when 'stored' then -1 end,
    y.error, y."inDoubt", y."childId",
    from_ms(y."startedAt"), from_ms(y."sentAt"), from_ms(y."finishedAt"), y.reason
  from json_to_recordset(p_steps) as y (
    "executionId" uuid, id text, status text, iter int, "keyIter" int, attempt int, failures int, wait text,
    "dueInMs" float8, branch text, input json, "outputKind" text, output json, error jsonb, "inDoubt" boolean,
    "childId" uuid, "startedAt" float8, "sentAt" float8, "finishedAt" float8, reason jsonb)
  where y."executionId" = any(p_held)
  on conflict (tenant_id, execution_id, step_id) do update set
    status = excluded.status, iter = excluded.iter, key_iter = excluded.key_iter, attempt = excluded.attempt,
    failures = excluded.failures, wait = excluded.wait, due_at = excluded.due_at, branch = excluded.branch,
    -- Left out where it is what the row has already; the claim leaves out what nobody needs any more.
    input = case when excluded.input is null and excluded.iter = s.iter then s.input else excluded.input end,
    output = case when excluded.output_bytes = -1 then s.output else excluded.output end,
    output_bytes = case when excluded.output_bytes = -1 then s.output_bytes else excluded.output_bytes end,
    error = excluded.error,
    in_doubt = excluded.in_doubt, child_id = excluded.child_id,
    started_at = excluded.started_at, sent_at = excluded.sent_at,
    finished_at = excluded.finished_at, reason = excluded.reason
  where p_reopen or excluded.iter > s.iter or s.status not in ('succeeded', 'failed', 'skipped', 'cancelled');
  get diagnostics v_written = row_count;
  if v_written < (
    select count(*) from json_array_elements(p_steps) y where (y ->> 'executionId')::uuid = any(p_held)
  ) then
    raise exception 'a finished step run does not change' using errcode = 'check_violation';
  end if;
end $$;
call keelson.hot('keelson.step_runs_write(uuid, uuid[], json, boolean)', 'keelson_app', 'keelson_worker');

-- An item of a commit that has passed the fence.
create type keelson.commit_item as (
  id uuid, at tid, last_seq int, status text, failing jsonb, summary jsonb, retrying boolean, progress boolean,
  release boolean, wake_in_ms float8, labels jsonb, ends boolean, output json, error jsonb, gen int);

-- Commits the transitions of 1 … 64 executions of one tenant, at most one item each, with a verdict for each that was written: what has no row
-- did not pass the fence. Whatever is
-- written is joined to the rows that passed the fence: owner, epoch and seq (T6, T11). They are locked in the order of
-- their ids, with FOR NO KEY UPDATE, which lets foreign keys be checked (T10).
--
--   p_items     [{ executionId, epoch, seq, lastSeq, status, failing, summary, retrying, progress, release, wakeInMs?,
--                  labels?, ends, output?, error? }]
--   p_events    [{ executionId, epoch, firstSeq, lastSeq, items }]: one batch for each item
--   p_steps     as step_runs_write has them, or null
--   p_attempts  [{ executionId, stepId, iter, attempt, … }], or null
--   p_children  [{ by, id, workflowId, … }], or null
--   p_mail      [{ by, to, kind, stepId?, gen? }]: for others' inboxes, or null; without gen, the receiver's present one
--   p_eaten     ids of inbox rows used up
create function keelson.execution_commit(
  p_tenant uuid, p_worker bigint, p_items json, p_events jsonb, p_steps json, p_attempts jsonb, p_children json,
  p_mail jsonb, p_eaten bigint[])
returns table (execution_id uuid, applied boolean, released boolean, mail boolean) language plpgsql as $$
declare
  v_items keelson.commit_item[];
  v_held uuid[];
  v_mail uuid[];
  v_scheduled boolean;
begin
  perform set_tenant(p_tenant);
  -- Workflows come before executions wherever both are locked. The children's must not be resumed under us (T12).
  if p_children is not null then
    perform from workflows w
    where w.tenant_id = p_tenant
      and w.id in (select (c ->> 'workflowId')::uuid from json_array_elements(p_children) as c)
    order by w.id for share;
  end if;

  select
    coalesce(array_agg(row(
      x."executionId", e.ctid, x."lastSeq", x.status, x.failing, x.summary, x.retrying, x.progress, x.release,
      x."wakeInMs", x.labels, x.ends, x.output, x.error, e.gen)::commit_item), '{}'),
    coalesce(array_agg(x."executionId"), '{}'), bool_or(e.schedule_id is not null)
  into v_items, v_held, v_scheduled
  from (
    select i.* from json_to_recordset(p_items) as i (
      "executionId" uuid, epoch bigint, seq int, "lastSeq" int, status text, failing jsonb, summary jsonb,
      retrying boolean, progress boolean, release boolean, "wakeInMs" float8, labels jsonb, ends boolean, output json,
      error jsonb)
    order by i."executionId"
  ) as x
  cross join lateral (
    select e.ctid, e.gen, e.schedule_id from executions e
    where e.tenant_id = p_tenant and e.id = x."executionId"
      -- `is not distinct from`: the primary key is the index to use, not the one of owners.
      and e.owner is not distinct from p_worker and e.epoch = x.epoch and e.seq = x.seq
    for no key update of e
  ) as e;
  if cardinality(v_held) = 0 then return; end if;
  if cardinality(p_eaten) > 0 then
    delete from inbox i where i.tenant_id = p_tenant and i.execution_id = any(v_held) and i.id = any(p_eaten);
  end if;
  if p_steps is not null then
    perform step_runs_write(p_tenant, v_held, p_steps, false);
  end if;
  if p_attempts is not null then
    insert into attempts (
      tenant_id, execution_id, step_id, iter, attempt, started_at, finished_at, outcome, error, next_attempt_at,
      idempotency_key, request, response)
    -- A start is as the worker reckoned the time.
    select p_tenant, y."executionId", y."stepId", y.iter, y.attempt, from_ms(y."startedAt"),
      greatest(now(), from_ms(y."startedAt")), y.outcome, y.error,
      from_ms(y."nextAttemptAt"), y."idempotencyKey", y.request, y.response
    from jsonb_to_recordset(p_attempts) as y (
      "executionId" uuid, "stepId" text, iter int, attempt int, "startedAt" float8, outcome text, error jsonb,
      "nextAttemptAt" float8, "idempotencyKey" text, request jsonb, response jsonb)
    where y."executionId" = any(v_held);
  end if;
  insert into event_batches (tenant_id, execution_id, first_seq, last_seq, epoch, items)
  select p_tenant, y."executionId", y."firstSeq", y."lastSeq", y.epoch, y.items
  from jsonb_to_recordset(p_events) as y (
    "executionId" uuid, epoch bigint, "firstSeq" int, "lastSeq" int, items jsonb)
  where y."executionId" = any(v_held);
  if exists (select from unnest(v_items) as x where x.labels <> '{}') then
    insert into execution_labels (tenant_id, name, value, execution_id)
    select p_tenant, l.key, l.value, x.id from unnest(v_items) as x, jsonb_each_text(x.labels) as l
    on conflict do nothing;
  end if;
  if p_children is not null then
    perform children_insert(p_tenant, v_held, p_children);
  end if;
  if p_mail is not null then
    insert into inbox (tenant_id, execution_id, gen, kind, step_id, source_id)
    select p_tenant, e.id, coalesce(y.gen, e.gen), y.kind, y."stepId",
      case when y.kind = 'childEnded' then y.by end
    from jsonb_to_recordset(p_mail) as y (by uuid, "to" uuid, kind text, "stepId" text, gen int)
    cross join lateral (
      select e.id, e.gen from executions e
      where e.tenant_id = p_tenant and e.id = y."to" and e.finished_at is null and e.gen = coalesce(y.gen, e.gen)
      offset 0
    ) as e
    where y.by = any(v_held);
  end if;
  if v_scheduled then
    perform schedules_note_success(p_tenant, v_items);
  end if;

  v_mail := array(
    select x.id from unnest(v_items) as x
    where exists (
      select from inbox i where i.tenant_id = p_tenant and i.execution_id = x.id and i.gen = x.gen offset 0));
  return query select s.id, true, s.free, s.id = any(v_mail) from executions_settle(p_tenant, v_items, v_mail) as s;
end $$;

-- The executions' own rows: where they stand now, and whether their holder keeps them. They are locked, and so found by
-- where they lie; `enable_indexscan = off` keeps a plan that was made while the table was small from reading a tenant's all.
create function keelson.executions_settle(p_tenant uuid, p_items keelson.commit_item[], p_mail uuid[])
returns table (id uuid, free boolean) language plpgsql as $$
declare
  v_settled int;
begin
  return query
  with done as (
    update executions e set
      seq = x.last_seq,
      status = x.status,
      failing = x.failing,
      summary = x.summary,
      retrying = x.retrying,
      labels = coalesce(x.labels, e.labels),
      losses = case when x.progress then 0 else e.losses end,
      lost_owners = case when x.progress then '{}' else e.lost_owners end,
      owner = case when x.ends or p.gives_back then null else e.owner end,
      -- A hold that was lifted while we held the lease makes it due now.
      wake_at = case when x.ends or not p.gives_back then null
        when x.status = 'queued' and not e.held then now() else in_ms(x.wake_in_ms) end,
      sweep_at = case when x.ends or not p.gives_back then null
        when x.status = 'queued' and not e.held then now() else in_ms(x.wake_in_ms + 1000) end,
      held = e.held and x.status = 'queued',
      output = x.output,
      error = x.error,
      error_code = x.error ->> 'code',
      failed_step = x.error ->> 'step',
      finished_at = case when x.ends then now() end
    from unnest(p_items) as x cross join lateral (select x.release and not x.id = any(p_mail) as gives_back) as p
    where e.tenant_id = p_tenant and e.ctid = x.at
    returning e.id, e.owner is null as free, x.ends, e.workflow_id, e.trigger_type, e.status, e.error_code,
      e.started_at
  ), counted as (
    insert into execution_counts_outbox (tenant_id, workflow_id, trigger, status, error_code, duration_ms)
    select p_tenant, d.workflow_id, d.trigger_type, d.status, d.error_code, elapsed_ms(d.started_at)
    from done d where d.ends
  )
  select d.id, d.free from done d;
  get diagnostics v_settled = row_count;
  if v_settled <> cardinality(p_items) then
    raise exception '% of % locked executions were found', v_settled, cardinality(p_items) using errcode = 'internal_error';
  end if;
end $$;
call keelson.hot('keelson.executions_settle(uuid, keelson.commit_item[], uuid[])', 'keelson_worker');
alter function keelson.executions_settle set enable_indexscan = off;
alter function keelson.executions_settle set enable_bitmapscan = off;

-- Children are born in the commit that makes their parent's step wait; held where their workflow is paused.
create function keelson.children_insert(p_tenant uuid, p_held uuid[], p_children json) returns void
language plpgsql as $$
begin
  with born as (
    insert into executions (
      tenant_id, id, workflow_id, workflow_name, version_id, version, trigger_type, trigger, input, timeout_ms,
      deadline_at, parent_id, parent_step, parent_gen, nesting, quiet_failure, trace, held, wake_at, sweep_at)
    select
      p_tenant, c.id, c."workflowId", c."workflowName", c."versionId", c.version, 'subworkflow', c.trigger,
      coalesce(c.input, 'null'),
      c."timeoutMs", to_timestamp(c."deadlineAt" / 1000), c."parentId", c."parentStep", c."parentGen", c.nesting,
      c."quietFailure", c.trace, w.status = 'paused',
      case when w.status <> 'paused' then now() end,
      case when w.status <> 'paused' then now() + interval '2 s' else to_timestamp(c."deadlineAt" / 1000) end
    from json_to_recordset(p_children) as c (
      by uuid, id uuid, "workflowId" uuid, "workflowName" text, "versionId" uuid, version int, trigger json, input json,
      "timeoutMs" bigint, "deadlineAt" float8, "parentId" uuid, "parentStep" text, "parentGen" int, nesting smallint,
      "quietFailure" boolean, trace json)
    join workflows w on w.tenant_id = p_tenant and w.id = c."workflowId"
    where c.by = any(p_held)
    returning workflow_id
  )
  insert into execution_counts_outbox (tenant_id, workflow_id, trigger)
  select p_tenant, born.workflow_id, 'subworkflow' from born;
end $$;
call keelson.hot('keelson.children_insert(uuid, uuid[], json)', 'keelson_worker');

-- `trigger.lastSuccessAt`: the due time of a schedule's last execution that succeeded.
create function keelson.schedules_note_success(p_tenant uuid, p_items keelson.commit_item[]) returns void
language plpgsql as $$
declare
  v_succeeded uuid[] := array(select x.id from unnest(p_items) as x where x.status = 'succeeded');
begin
  if cardinality(v_succeeded) = 0 then return; end if;
  perform from schedules s
  where s.tenant_id = p_tenant
    and s.id in (select e.schedule_id from executions e where e.tenant_id = p_tenant and e.id = any(v_succeeded))
  order by s.id for no key update;
  update schedules s set last_success_at = greatest(s.last_success_at, d.scheduled_at)
  from (
    select e.schedule_id, max(e.scheduled_at) as scheduled_at
    from executions e where e.tenant_id = p_tenant and e.id = any(v_succeeded) and e.schedule_id is not null group by 1
  ) as d
  where s.tenant_id = p_tenant and s.id = d.schedule_id;
end $$;
call keelson.hot('keelson.schedules_note_success(uuid, keelson.commit_item[])', 'keelson_worker');

call keelson.hot(
  'keelson.execution_commit(uuid, bigint, json, jsonb, json, jsonb, json, jsonb, bigint[])', 'keelson_worker');

-- What became of a commit whose answer was lost (T6): the batch that begins after `seq` under this epoch can only be its own.
create function keelson.execution_commit_outcome(p_tenant uuid, p_worker bigint, p_items json)
returns table (execution_id uuid, applied boolean, released boolean, mail boolean) language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  select x."executionId", b.first_seq is not null,
    e.owner is distinct from p_worker or e.epoch <> x.epoch,
    exists (select from inbox i where i.tenant_id = p_tenant and i.execution_id = e.id and i.gen = e.gen)
  from json_to_recordset(p_items) as x ("executionId" uuid, epoch bigint, seq int)
  left join executions e on e.tenant_id = p_tenant and e.id = x."executionId"
  left join event_batches b on b.tenant_id = p_tenant and b.execution_id = e.id and b.first_seq = x.seq + 1
    and b.epoch = x.epoch;
end $$;
call keelson.hot('keelson.execution_commit_outcome(uuid, bigint, json)', 'keelson_worker');
