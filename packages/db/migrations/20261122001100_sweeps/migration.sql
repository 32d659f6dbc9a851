-- What nobody holds is found here (I5). Breaking: no. Locks: none.
-- Across tenants, and so the dispatcher's own: its policies and column grants bind whoever calls. Any number of sweepers
-- may run; each call is bounded, takes what is free and skips what another has locked.

grant create on schema keelson to keelson_dispatcher;
set local role keelson_dispatcher;

-- Free ones whose time has come, queued or waiting; told again in five seconds if nobody takes them. Where more are due than
-- it may take, also the oldest few of each tenant, lest those stand behind one tenant's thousands. Indexes executions_due,
-- executions_due_of_tenant.
create function keelson.sweep_due(p_limit int) returns table (tenant_id uuid, execution_id uuid)
language plpgsql security definer as $$
declare
  v_count int;
begin
  return query
  with due as (
    select e.tenant_id, e.id from executions e
    where e.sweep_at <= now() and e.finished_at is null
    order by e.sweep_at limit p_limit for no key update skip locked
  )
  update executions e set sweep_at = now() + interval '5 s'
  from due where e.tenant_id = due.tenant_id and e.id = due.id
  returning e.tenant_id, e.id;
  get diagnostics v_count = row_count;
  if v_count < p_limit then return; end if;
  return query
  with recursive owners as (
    (select e.tenant_id as id from executions e where e.wake_at is not null order by e.tenant_id limit 1)
    union all
    select (select e.tenant_id from executions e
      where e.wake_at is not null and e.tenant_id > owners.id order by e.tenant_id limit 1)
    from owners where owners.id is not null
  ), due as (
    select d.tenant_id, d.id from owners cross join lateral (
      select e.tenant_id, e.id from executions e
      where e.tenant_id = owners.id and e.wake_at <= now() and e.sweep_at <= now()
      order by e.wake_at limit 4 for no key update skip locked
    ) as d limit p_limit
  )
  update executions e set sweep_at = now() + interval '5 s'
  from due where e.tenant_id = due.tenant_id and e.id = due.id
  returning e.tenant_id, e.id;
end $$;
call keelson.hot('keelson.sweep_due(int)', 'keelson_dispatcher', 'keelson_worker');

-- Free ones with mail that has been lying for a second (T1, T2). Index inbox_at.
create function keelson.sweep_inbox(p_limit int) returns table (tenant_id uuid, execution_id uuid)
language sql security definer as $$
  select distinct mail.tenant_id, mail.execution_id from (
    select i.tenant_id, i.execution_id from inbox i
    cross join lateral (
      select from executions e
      where e.tenant_id = i.tenant_id and e.id = i.execution_id and e.gen = i.gen and e.owner is null
        and e.finished_at is null
      offset 0
    ) as free
    where i.at < now() - interval '1 s' order by i.at limit p_limit
  ) as mail
$$;
call keelson.hot('keelson.sweep_inbox(int)', 'keelson_dispatcher', 'keelson_worker');

-- Mail that nobody will read: of ended executions, and of older generations (T7). Index inbox_at.
create function keelson.gc_inbox(p_limit int) returns int language plpgsql security definer as $$
declare
  v_count int;
begin
  delete from inbox i using (
    select j.tenant_id, j.execution_id, j.id from inbox j
    cross join lateral (
      select from executions e
      where e.tenant_id = j.tenant_id and e.id = j.execution_id and (e.finished_at is not null or j.gen < e.gen)
      offset 0
    ) as past
    where j.at < now() - interval '1 s' order by j.at limit p_limit
  ) as dead
  where i.tenant_id = dead.tenant_id and i.execution_id = dead.execution_id and i.id = dead.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.gc_inbox(int)', 'keelson_dispatcher', 'keelson_worker');

-- Since when connections to PostgreSQL may have stood. One that recovers from the crash of a backend keeps its start time but
-- forgets its statistics.
create function keelson.up_since() returns timestamptz language sql stable as $$
  select greatest(pg_postmaster_start_time(), (select stats_reset from pg_stat_bgwriter))
$$;
call keelson.hot('keelson.up_since()', 'keelson_dispatcher');

-- Frees what dead workers held: another epoch, due at once. It counts as a loss unless the worker had said goodbye, or has
-- not been seen since PostgreSQL itself was restarted or has crashed (T13). Index executions_owned.
create function keelson.reap(p_limit int) returns table (tenant_id uuid, execution_id uuid, losses smallint)
language sql security definer as $$
  with lost as (
    select e.tenant_id, e.id, e.held,
      coalesce(not w.stopped and w.renewed_at >= keelson.up_since(), true) as counts
    from executions e left join workers w on w.id = e.owner
    where e.owner is not null and (w.id is null or w.dead or w.lease_until <= now())
    limit p_limit for no key update of e skip locked
  )
  update executions e set
    owner = null, epoch = e.epoch + 1, losses = e.losses + lost.counts::int,
    lost_owners = case when lost.counts then e.lost_owners || e.owner else e.lost_owners end,
    wake_at = case when not e.held then now() end,
    sweep_at = case when e.held then e.deadline_at else now() end
  from lost where e.tenant_id = lost.tenant_id and e.id = lost.id
  returning e.tenant_id, e.id, e.losses
$$;
call keelson.hot('keelson.reap(int)', 'keelson_dispatcher', 'keelson_worker');

-- Workers that look dead: nobody holds their advisory lock, and they have missed two of their ticks, which come twice a
-- second. Just after PostgreSQL was started, or has recovered from a crash, nobody holds one. To be believed when seen twice on one unbroken connection, whose pid comes along.
create function keelson.workers_silent(p_lock_class int)
returns table (worker_id text, pid int) language sql security definer as $$
  select w.id::text, pg_backend_pid() from workers w
  where not w.dead and w.watched and w.lease_until > now() and w.renewed_at < now() - interval '1 s'
    and keelson.up_since() < now() - interval '10 s'
    and not exists (
      select from pg_locks l
      where l.locktype = 'advisory' and l.classid::bigint = p_lock_class and l.objid::bigint = w.id and l.objsubid = 2
        and l.database = (select d.oid from pg_database d where d.datname = current_database()) and l.granted)
$$;
call keelson.hot('keelson.workers_silent(int)', 'keelson_dispatcher', 'keelson_worker');

-- Declares workers dead that are still as silent as workers_silent found them. A dead incarnation never returns.
create function keelson.workers_bury(p_workers bigint[]) returns int language plpgsql security definer as $$
declare
  v_count int;
begin
  update workers w set dead = true
  where w.id = any(p_workers) and not w.dead and w.renewed_at < now() - interval '1 s';
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.workers_bury(bigint[])', 'keelson_dispatcher', 'keelson_worker');

-- Schedules whose due time has come. Index schedules_due. Settled one by one by schedule_fire.
create function keelson.schedules_due(p_limit int)
returns table (
  tenant_id uuid, schedule_id uuid, workflow_id uuid, cron text, timezone text, missed text,
  next_at timestamptz, now_at timestamptz)
language sql security definer as $$
  select s.tenant_id, s.id, s.workflow_id, s.cron, s.timezone, s.missed, s.next_at, now()
  from schedules s where s.status = 'active' and s.in_latest and s.next_at <= now() order by s.next_at limit p_limit
$$;
call keelson.hot('keelson.schedules_due(int)', 'keelson_dispatcher');

-- Retention, in bounded batches; each returns how many rows went. What hangs on an execution goes with it. Two at once share
-- the executions; of the rest one has all, and the other is told 0 and waits for nobody. Index executions_retention.
create function keelson.executions_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  delete from executions e using (
    select x.tenant_id, x.id from executions x
    where x.finished_at < p_before order by x.finished_at limit p_limit for update skip locked
  ) as old
  where e.tenant_id = old.tenant_id and e.id = old.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.executions_retire(timestamptz, int)', 'keelson_dispatcher');

create function keelson.deliveries_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  if not pg_try_advisory_xact_lock(hashtext('keelson.deliveries_retire'), 0) then return 0; end if;
  delete from deliveries d using (
    select x.tenant_id, x.id from deliveries x where x.received_at < p_before order by x.received_at limit p_limit
  ) as old
  where d.tenant_id = old.tenant_id and d.id = old.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.deliveries_retire(timestamptz, int)', 'keelson_dispatcher');

create function keelson.delivery_keys_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  if not pg_try_advisory_xact_lock(hashtext('keelson.delivery_keys_retire'), 0) then return 0; end if;
  delete from delivery_keys k using (
    select x.tenant_id, x.hook_id, x.key from delivery_keys x where x.at < p_before order by x.at limit p_limit
  ) as old
  where k.tenant_id = old.tenant_id and k.hook_id = old.hook_id and k.key = old.key;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.delivery_keys_retire(timestamptz, int)', 'keelson_dispatcher');

create function keelson.schedule_fires_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  if not pg_try_advisory_xact_lock(hashtext('keelson.schedule_fires_retire'), 0) then return 0; end if;
  delete from schedule_fires f using (
    select x.tenant_id, x.schedule_id, x.due_at from schedule_fires x
    where x.settled_at < p_before order by x.settled_at limit p_limit
  ) as old
  where f.tenant_id = old.tenant_id and f.schedule_id = old.schedule_id and f.due_at = old.due_at;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.schedule_fires_retire(timestamptz, int)', 'keelson_dispatcher');

-- Incarnations long gone that own nothing any more.
create function keelson.workers_retire(p_before timestamptz) returns int language plpgsql security definer as $$
declare
  v_count int;
begin
  delete from workers w
  where w.lease_until < p_before and not exists (select from executions e where e.owner = w.id);
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.workers_retire(timestamptz)', 'keelson_dispatcher');

set local role keelson_owner;
revoke create on schema keelson from keelson_dispatcher;
revoke execute on procedure keelson.hot from keelson_app, keelson_dispatcher;
