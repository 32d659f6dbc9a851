-- Leases: workers, claim, letting go, and what a holder reads. Breaking: no. Locks: none.

-- An execution with its step runs and the mail of its generation. Volatile, and so a snapshot of its own: called after a
-- lock was waited for, it sees what was waited for (T4). Outputs above 8 KiB, or 256 KiB together, are left where they are;
-- the inputs of steps that are done with are not sent.
create function keelson.execution_read(p_tenant uuid, p_ids uuid[])
returns table (
  execution_id uuid, workflow_id uuid, workflow_name text, version_id uuid, version int, epoch double precision, seq int,
  gen int, losses smallint, status text, held boolean, failing jsonb, trigger json, input json, labels jsonb,
  parent_id uuid, parent_step text, parent_gen int, nesting smallint, quiet_failure boolean, trace json, now_ms double precision,
  started_ms double precision, deadline_ms double precision, output json, error jsonb, steps json, inbox json)
language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  select
    e.id, e.workflow_id, e.workflow_name, e.version_id, e.version, e.epoch::double precision, e.seq,
    e.gen, e.losses, e.status, e.held, e.failing, e.trigger, e.input, e.labels,
    e.parent_id, e.parent_step, e.parent_gen, e.nesting, e.quiet_failure, e.trace, ms(now()),
    ms(e.started_at), ms_up(e.deadline_at), e.output, e.error,
    case when e.seq > 1 then (
      select json_agg(json_build_object(
        'id', s.step_id, 'status', s.status, 'iter', s.iter, 'keyIter', s.key_iter, 'attempt', s.attempt,
        'failures', s.failures, 'wait', s.wait, 'dueAt', ms_up(s.due_at), 'branch', s.branch,
        'input', case when s.in_doubt or s.status not in ('succeeded', 'skipped') then s.input end,
        'hasOutput', s.output_bytes is not null,
        'output', case when s.output_bytes <= 8192 and s.total_bytes <= 262144 then s.output end,
        'inline', s.output_bytes <= 8192 and s.total_bytes <= 262144,
        'error', s.error, 'inDoubt', s.in_doubt, 'childId', s.child_id, 'startedAt', ms(s.started_at),
        'sentAt', ms(s.sent_at), 'finishedAt', ms(s.finished_at), 'reason', s.reason))
      from (
        select r.*, sum(case when r.output_bytes <= 8192 then r.output_bytes end) over (order by r.step_id) as total_bytes
        from step_runs r where r.tenant_id = p_tenant and r.execution_id = e.id
      ) as s) end,
    -- With the child's result, unless it is large: another look-up less.
    (select json_agg(json_build_object('id', i.id::text, 'kind', i.kind, 'stepId', i.step_id, 'sourceId', i.source_id,
         'result', case when i.source_id is not null then (
           select json_build_object('status', c.status, 'output', c.output, 'error', c.error) from executions c
           where c.tenant_id = p_tenant and c.id = i.source_id and c.finished_at is not null
             and (c.output is null or pg_column_size(c.output) <= 65536)) end)
       order by i.id)
     from inbox i where i.tenant_id = p_tenant and i.execution_id = e.id and i.gen = e.gen)
  from unnest(p_ids) as asked (id)
  cross join lateral (select f.* from executions f where f.tenant_id = p_tenant and f.id = asked.id offset 0) as e;
end $$;
call keelson.hot('keelson.execution_read(uuid, uuid[])', 'keelson_app', 'keelson_worker');

-- Takes the leases of rows that the caller has locked, found by where they lie. `enable_indexscan = off` keeps a plan that
-- was made while the table was small from reading a tenant's all.
create function keelson.executions_take(p_tenant uuid, p_worker bigint, p_rows tid[]) returns uuid[] language plpgsql as $$
declare
  v_taken uuid[];
begin
  with taken as (
    update executions e set
      owner = p_worker, epoch = e.epoch + 1, wake_at = null, sweep_at = null,
      started_at = case when e.held then e.started_at else coalesce(e.started_at, now()) end,
      deadline_at = case
        when e.held or e.started_at is not null then e.deadline_at
        else least(e.deadline_at, in_ms(e.timeout_ms)) end
    from unnest(p_rows) as x (at) where e.tenant_id = p_tenant and e.ctid = x.at returning e.id
  )
  select coalesce(array_agg(taken.id), '{}') into v_taken from taken;
  return v_taken;
end $$;
call keelson.hot('keelson.executions_take(uuid, bigint, tid[])', 'keelson_worker');
alter function keelson.executions_take set enable_indexscan = off;
alter function keelson.executions_take set enable_bitmapscan = off;

-- Takes the leases of those that are free and due, have mail or are past their deadline, if this worker lives. One that is
-- due a little later comes back with in_ms (T14); of all others there is no row. `status` stays as it is: the first commit says.
create function keelson.execution_claim(p_tenant uuid, p_worker bigint, p_ids uuid[])
returns table (
  execution_id uuid, workflow_id uuid, workflow_name text, version_id uuid, version int, epoch double precision, seq int,
  gen int, losses smallint, status text, held boolean, failing jsonb, trigger json, input json, labels jsonb,
  parent_id uuid, parent_step text, parent_gen int, nesting smallint, quiet_failure boolean, trace json, now_ms double precision,
  started_ms double precision, deadline_ms double precision, output json, error jsonb, steps json, inbox json,
  in_ms double precision)
language plpgsql as $$
declare
  v_taken uuid[];
begin
  perform set_tenant(p_tenant);
  v_taken := executions_take(p_tenant, p_worker, array(
    select e.ctid
    from (select a.id from unnest(p_ids) as a (id) order by a.id) as asked
    cross join lateral (
      select e.ctid from executions e
      where e.tenant_id = p_tenant and e.id = asked.id and e.owner is null and e.finished_at is null
        and ((e.wake_at <= now() and not e.held)
          or e.deadline_at <= now()
          or exists (
            select from inbox i where i.tenant_id = p_tenant and i.execution_id = e.id and i.gen = e.gen offset 0))
      for no key update of e skip locked
    ) as e
    where exists (select from workers w where w.id = p_worker and not w.dead and w.lease_until > now())));

  if cardinality(v_taken) > 0 then
    return query select r.*, null::double precision from execution_read(p_tenant, v_taken) as r;
  end if;
  if cardinality(v_taken) < cardinality(p_ids) then
    return query
    select e.id, null::uuid, null::text, null::uuid, null::int, null::double precision, null::int,
      null::int, null::smallint, null::text, null::boolean, null::jsonb, null::json, null::json, null::jsonb,
      null::uuid, null::text, null::int, null::smallint, null::boolean, null::json, null::double precision,
      null::double precision, null::double precision, null::json, null::jsonb, null::json, null::json,
      ceil(extract(epoch from e.wake_at - now()) * 1000)::double precision
    from executions e
    where e.tenant_id = p_tenant and e.id = any(p_ids) and e.owner is null and not e.held and e.wake_at > now();
  end if;
end $$;
call keelson.hot('keelson.execution_claim(uuid, bigint, uuid[])', 'keelson_worker');

-- Gives leases back untouched, under another epoch (T3): due for whoever comes next, at once or in p_in_ms. A hold stays a hold.
create function keelson.execution_let_go(p_tenant uuid, p_worker bigint, p_ids uuid[], p_in_ms double precision default 0)
returns int language plpgsql as $$
declare
  v_count int;
begin
  perform set_tenant(p_tenant);
  with mine as (
    select e.id from executions e
    where e.tenant_id = p_tenant and e.id = any(p_ids) and e.owner = p_worker order by e.id for no key update
  )
  update executions e set
    owner = null, epoch = e.epoch + 1,
    wake_at = case when not e.held then in_ms(p_in_ms) end,
    sweep_at = case when e.held then e.deadline_at else in_ms(p_in_ms) end
  from mine where e.tenant_id = p_tenant and e.id = mine.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.execution_let_go(uuid, bigint, uuid[], double precision)', 'keelson_worker');

-- The mail of an execution's present generation, oldest first.
create function keelson.inbox_read(p_tenant uuid, p_id uuid)
returns table (id text, kind text, step_id text, source_id uuid) language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  select i.id::text, i.kind, i.step_id, i.source_id
  from executions e join inbox i on i.tenant_id = e.tenant_id and i.execution_id = e.id and i.gen = e.gen
  where e.tenant_id = p_tenant and e.id = p_id order by i.id;
end $$;
call keelson.hot('keelson.inbox_read(uuid, uuid)', 'keelson_worker');

create function keelson.outputs_load(p_tenant uuid, p_id uuid, p_steps text[])
returns table (step_id text, output json) language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  select s.step_id, s.output from step_runs s
  where s.tenant_id = p_tenant and s.execution_id = p_id and s.step_id = any(p_steps) and s.output is not null;
end $$;
call keelson.hot('keelson.outputs_load(uuid, uuid, text[])', 'keelson_worker');

create function keelson.child_result_load(p_tenant uuid, p_id uuid)
returns table (status text, output json, error jsonb) language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  select e.status, e.output, e.error from executions e
  where e.tenant_id = p_tenant and e.id = p_id and e.finished_at is not null;
end $$;
call keelson.hot('keelson.child_result_load(uuid, uuid)', 'keelson_worker');

create function keelson.worker_register(p_name text, p_ttl_ms int)
returns table (worker_id text, now_ms double precision) language sql as $$
  insert into workers (name, lease_until) values (p_name, in_ms(p_ttl_ms)) returning id::text, ms(now())
$$;
call keelson.hot('keelson.worker_register(text, int)', 'keelson_worker');

-- What PostgreSQL says a worker owns, and whether it has mail. Across tenants, and so the dispatcher's.
grant create on schema keelson to keelson_dispatcher;
set local role keelson_dispatcher;
create function keelson.worker_leases(p_worker bigint)
returns table (tenant_id uuid, execution_id uuid, epoch double precision, mail boolean)
language sql security definer as $$
  select e.tenant_id, e.id, e.epoch::double precision,
    exists (select from inbox i where i.tenant_id = e.tenant_id and i.execution_id = e.id and i.gen = e.gen)
  from executions e where e.owner = p_worker
$$;
call keelson.hot('keelson.worker_leases(bigint)', 'keelson_worker');

-- What was counted as lost under a worker that lives after all. Whoever holds such an execution now goes on. Index
-- executions_lost.
create function keelson.losses_take_back(p_worker bigint) returns void language sql security definer as $$
  with mistaken as (
    select e.tenant_id, e.id from executions e
    where e.losses > 0 and e.finished_at is null and p_worker = any(e.lost_owners)
    order by e.tenant_id, e.id for no key update skip locked
  )
  update executions e set losses = greatest(e.losses - 1, 0), lost_owners = array_remove(e.lost_owners, p_worker)
  from mistaken where e.tenant_id = mistaken.tenant_id and e.id = mistaken.id
$$;
call keelson.hot('keelson.losses_take_back(bigint)', 'keelson_worker');
set local role keelson_owner;
revoke create on schema keelson from keelson_dispatcher;

-- Goodbye, of a worker that stops or that has lost its lease and lives: nothing that it leaves behind, or that was taken
-- from it, counts as lost under it (T13).
create function keelson.worker_retire(p_worker bigint) returns void language sql as $$
  update workers set dead = true, stopped = true, lease_until = least(lease_until, now()) where id = p_worker;
  select losses_take_back(p_worker);
$$;
call keelson.hot('keelson.worker_retire(bigint)', 'keelson_worker');

-- Renews a worker's one row, every second; no row: it is dead, drops everything and registers anew. Tells what it owns,
-- so that a claim whose answer was lost is not renewed for ever (T3), and mail whose hint was lost is read (T1, T2).
create function keelson.worker_tick(p_worker bigint, p_ttl_ms int, p_watched boolean, p_stats jsonb)
returns table (now_ms double precision, leases json) language plpgsql as $$
begin
  update workers w set
    renewed_at = now(), lease_until = in_ms(p_ttl_ms), watched = p_watched, stats = coalesce(p_stats, w.stats)
  where w.id = p_worker and not w.dead and w.lease_until > now();
  if not found then return; end if;
  return query
  select ms(now()), coalesce(
    (select json_agg(json_build_object(
       'tenantId', l.tenant_id, 'executionId', l.execution_id, 'epoch', l.epoch, 'mail', l.mail))
     from worker_leases(p_worker) as l), '[]');
end $$;
call keelson.hot('keelson.worker_tick(bigint, int, boolean, jsonb)', 'keelson_worker');
