-- What is due, by tenant, so that none stands behind another's thousands. Breaking: no. Locks: executions, while the index
-- is built.

create index executions_due_of_tenant on keelson.executions (tenant_id, wake_at) where wake_at is not null;

-- What of one tenant is free, and due or has mail: for a worker that has let hints go by. What is due is told to nobody
-- else for three seconds, and to no sweep for eight: of what this has told, sweep_at lies so far ahead; of what a start or
-- a release has left, two seconds, and of what a sweep has told, five. That may have been let go by, and is told at once.
-- What has been due longest comes first: by `sweep_at`, what is told again and again would stand behind all that is new.
-- Indexes executions_due_of_tenant, inbox_pkey.
create function keelson.tenant_due(p_tenant uuid, p_limit int) returns table (execution_id uuid) language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  select distinct i.execution_id from inbox i
  cross join lateral (
    select from executions e
    where e.tenant_id = p_tenant and e.id = i.execution_id and e.gen = i.gen and e.owner is null and e.finished_at is null
    offset 0
  ) as free
  where i.tenant_id = p_tenant limit p_limit;
  return query
  with due as (
    select e.id from executions e
    where e.tenant_id = p_tenant and e.wake_at <= now() and e.sweep_at <= now() + interval '5 s' and not e.held
    order by e.wake_at limit p_limit for no key update skip locked
  )
  update executions e set sweep_at = now() + interval '8 s'
  from due where e.tenant_id = p_tenant and e.id = due.id returning e.id;
end $$;
call keelson.hot('keelson.tenant_due(uuid, int)', 'keelson_worker');
