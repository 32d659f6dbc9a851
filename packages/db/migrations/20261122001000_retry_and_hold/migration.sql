-- What people do to executions and workflows: cancel, wake, retry, pause, resume. Breaking: no. Locks: none.

-- Puts a cancel, or the wish to wake a step, into an execution's inbox; its holder, or whoever claims it next, obeys.
-- Verdicts: sent, ended, unknown. A second one while the first is unread changes nothing.
create function keelson.execution_notify(p_tenant uuid, p_id uuid, p_kind text, p_step text) returns text
language plpgsql as $$
declare
  v_gen int;
  v_ended boolean;
begin
  perform set_tenant(p_tenant);
  select e.gen, e.finished_at is not null into v_gen, v_ended
  from executions e where e.tenant_id = p_tenant and e.id = p_id;
  if not found then return 'unknown'; end if;
  if v_ended then return 'ended'; end if;
  insert into inbox (tenant_id, execution_id, gen, kind, step_id)
  select p_tenant, p_id, v_gen, p_kind, p_step
  where not exists (
    select from inbox i
    where i.tenant_id = p_tenant and i.execution_id = p_id and i.gen = v_gen and i.kind = p_kind
      and i.step_id is not distinct from p_step);
  return 'sent';
end $$;
call keelson.hot('keelson.execution_notify(uuid, uuid, text, text)', 'keelson_app');

-- Reopens an ended execution, if it still stands at p_gen and p_seq: generation, epoch and seq grow, nobody owns it, mail of
-- the old generation is void (T7). Held where its workflow is paused. Verdicts: retried, held, stale.
-- p_parent_gen: of the parent that waits for it anew, else null.
create function keelson.execution_retry(
  p_tenant uuid, p_id uuid, p_gen int, p_seq int, p_items jsonb, p_steps json, p_summary jsonb,
  p_deadline_ms double precision, p_parent_gen int)
returns text language plpgsql as $$
declare
  v_paused boolean;
  v_epoch bigint;
begin
  perform set_tenant(p_tenant);
  select w.status = 'paused' into v_paused
  from executions e join workflows w on w.tenant_id = e.tenant_id and w.id = e.workflow_id
  where e.tenant_id = p_tenant and e.id = p_id for share of w;
  update executions e set
    gen = e.gen + 1, epoch = e.epoch + 1, seq = e.seq + jsonb_array_length(p_items),
    status = 'queued', held = v_paused, failing = null, summary = p_summary, retrying = false,
    losses = 0, lost_owners = '{}',
    output = null, error = null, error_code = null, failed_step = null,
    started_at = null, finished_at = null, deadline_at = to_timestamp(p_deadline_ms / 1000),
    parent_gen = case when e.parent_id is not null then coalesce(p_parent_gen, e.parent_gen) end,
    wake_at = case when not v_paused then now() end,
    sweep_at = case when v_paused then to_timestamp(p_deadline_ms / 1000) else now() + interval '2 s' end
  where e.tenant_id = p_tenant and e.id = p_id and e.gen = p_gen and e.seq = p_seq and e.finished_at is not null
  returning e.epoch into v_epoch;
  if not found then return 'stale'; end if;
  delete from inbox i where i.tenant_id = p_tenant and i.execution_id = p_id;
  perform step_runs_write(p_tenant, array[p_id], p_steps, true);
  insert into execution_counts_outbox (tenant_id, workflow_id, trigger)
  select p_tenant, e.workflow_id, e.trigger_type from executions e where e.tenant_id = p_tenant and e.id = p_id;
  insert into event_batches (tenant_id, execution_id, first_seq, last_seq, epoch, items)
  values (p_tenant, p_id, p_seq + 1, p_seq + jsonb_array_length(p_items), v_epoch, p_items);
  return case when v_paused then 'held' else 'retried' end;
end $$;
call keelson.hot(
  'keelson.execution_retry(uuid, uuid, int, int, jsonb, json, jsonb, double precision, int)', 'keelson_app', 'keelson_worker');

-- Pauses a workflow: what is accepted from now on is held. False: archived, or no such workflow.
create function keelson.workflow_pause(p_tenant uuid, p_id uuid) returns boolean language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  update workflows w set status = 'paused', updated_at = now()
  where w.tenant_id = p_tenant and w.id = p_id and w.status = 'active';
  return found or exists (
    select from workflows w where w.tenant_id = p_tenant and w.id = p_id and w.status = 'paused');
end $$;
call keelson.hot('keelson.workflow_pause(uuid, uuid)', 'keelson_app');

-- Resumes one: the workflow first, which waits for the starts that read it as paused; then, with a snapshot that sees them,
-- what is held (T12). A leased one becomes due when it is released. Null: archived, or no such workflow.
create function keelson.workflow_resume(p_tenant uuid, p_id uuid) returns int language plpgsql as $$
declare
  v_status text;
  v_freed int;
begin
  perform set_tenant(p_tenant);
  select w.status into v_status from workflows w where w.tenant_id = p_tenant and w.id = p_id for no key update;
  if v_status is null or v_status = 'archived' then return null; end if;
  if v_status = 'paused' then
    update workflows w set status = 'active', updated_at = now() where w.tenant_id = p_tenant and w.id = p_id;
  end if;
  with waiting as (
    select e.id from executions e where e.tenant_id = p_tenant and e.workflow_id = p_id and e.held
    order by e.id for no key update
  )
  update executions e set
    held = false,
    wake_at = case when e.owner is null then now() end,
    sweep_at = case when e.owner is null then now() end
  from waiting where e.tenant_id = p_tenant and e.id = waiting.id;
  get diagnostics v_freed = row_count;
  return v_freed;
end $$;
call keelson.hot('keelson.workflow_resume(uuid, uuid)', 'keelson_app');
