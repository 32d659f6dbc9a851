-- What the operator sees across tenants: load, workers, usage, rates, and an audit of the invariants on the live database.
-- Breaking: no. Locks: none.
--
-- Functions across tenants are the dispatcher's, whose column grants bind them: they answer with ids, counts, states and
-- times, never with a payload. Every one is bounded: by what has not ended, by a limit, or by the roll-ups.

-- Findings of audits, with all that is known of them: they outlive what they were found on.
create table keelson.violations (
  tenant_id uuid not null references keelson.tenants,
  code text not null,
  subject_id uuid not null, -- the execution, or the delivery
  place text not null default '', -- which step, event or row of it; '' where there is one at most
  subject_type text not null check (subject_type in ('execution', 'delivery')),
  invariant text not null,
  text text not null,
  remedy text not null,
  -- In milliseconds, so that a page of a list begins exactly where another ended.
  first_seen_at timestamptz not null default date_trunc('milliseconds', now()),
  last_seen_at timestamptz not null default date_trunc('milliseconds', now()),
  primary key (tenant_id, code, subject_id, place)
);
create index violations_seen on keelson.violations (last_seen_at);
call keelson.protect('keelson.violations');
create policy dispatcher_reads on keelson.violations for select to keelson_dispatcher using (true);
create policy dispatcher_retires on keelson.violations for delete to keelson_dispatcher using (true);
grant select, insert, update on keelson.violations to keelson_app;
grant select, delete on keelson.violations to keelson_dispatcher;

-- Writes the findings of one tenant down, again where they were known.
-- p_findings: [{ code, subjectId, place, subjectType, invariant, text, remedy }]
create function keelson.violations_write(p_tenant uuid, p_findings json) returns void language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  insert into violations as v (tenant_id, code, subject_id, place, subject_type, invariant, text, remedy)
  select distinct on (f.code, f."subjectId", f.place)
    p_tenant, f.code, f."subjectId", f.place, f."subjectType", f.invariant, f.text, f.remedy
  from json_to_recordset(p_findings) as f (
    code text, "subjectId" uuid, place text, "subjectType" text, invariant text, text text, remedy text)
  on conflict (tenant_id, code, subject_id, place) do update set
    text = excluded.text, remedy = excluded.remedy, last_seen_at = excluded.last_seen_at;
end $$;
call keelson.hot('keelson.violations_write(uuid, json)', 'keelson_app');

-- Who may be looked for by name: no more than that there is such a tenant.
create policy dispatcher_reads on keelson.tenants for select to keelson_dispatcher using (true);
grant select (id) on keelson.tenants to keelson_dispatcher;
-- Of deliveries, which to look at and not what came.
grant select (status) on keelson.deliveries to keelson_dispatcher;

-- What of one tenant's executions breaks an invariant, as far as a single snapshot can tell: each commit is one, so that
-- work in progress looks whole here. Where time must pass for something to be wrong, a minute or more has. `ref` is an
-- execution that is named and is not this tenant's; whether it is another's is for executions_of_others to say.
-- Index: the primary keys.
create function keelson.audit_executions(p_tenant uuid, p_ids uuid[])
returns table (code text, subject_id uuid, place text, seen text, ref uuid) language plpgsql stable as $$
begin
  perform set_tenant(p_tenant);
  return query
  with e as materialized (
    select x.id, x.status, x.seq, x.epoch, x.gen, x.owner, x.held, x.wake_at, x.sweep_at, x.finished_at, x.workflow_id, x.version_id,
      x.parent_id, x.parent_gen, x.replay_of, x.schedule_id, x.scheduled_at
    from executions x where x.tenant_id = p_tenant and x.id = any(p_ids)
  ), batch as materialized (
    select b.execution_id, b.first_seq, b.last_seq, b.epoch, b.items,
      lag(b.last_seq, 1, 1) over w as seq_before, lag(b.epoch, 1, 0::bigint) over w as epoch_before
    from e join event_batches b on b.tenant_id = p_tenant and b.execution_id = e.id
    window w as (partition by b.execution_id order by b.first_seq)
  ), step as materialized (
    select s.execution_id, s.step_id, s.status, s.iter, s.attempt, s.wait, s.due_at, s.child_id, s.sent_at,
      e.status as execution_status, e.finished_at as execution_finished_at, e.owner, e.gen
    from e join step_runs s on s.tenant_id = p_tenant and s.execution_id = e.id
  ), edge as materialized (
    select v.id as version_id, node ->> 'id' as step_id, split_part(entry, ':', 1) as needs
    from workflow_versions v
    cross join lateral json_array_elements(v.definition -> 'steps') as node
    cross join lateral json_array_elements_text(coalesce(node -> 'dependsOn', '[]')) as entry
    where v.tenant_id = p_tenant and v.id in (select e.version_id from e)
  ), mail as materialized (
    select distinct i.execution_id from e join inbox i on i.tenant_id = p_tenant and i.execution_id = e.id and i.gen = e.gen
  ), free as materialized (
    -- Nobody holds it, and nobody is about to come.
    select e.* from e
    where e.finished_at is null and e.owner is null and e.id not in (select mail.execution_id from mail)
  )

  -- I2: one order, without a hole, under epochs that only grow
  select 'EVENT_SEQ_HOLE', b.execution_id, b.first_seq::text,
    format('event %s comes after event %s', b.first_seq, b.seq_before), null::uuid
  from batch b where b.first_seq <> b.seq_before + 1
  union all
  select 'EVENT_EPOCH_BACK', b.execution_id, b.first_seq::text,
    format('epoch %s comes after epoch %s', b.epoch, b.epoch_before), null
  from batch b where b.epoch < b.epoch_before
  union all
  select 'SEQ_NOT_LAST_EVENT', e.id, '',
    format('the execution stands at event %s, epoch %s; its last is event %s, epoch %s', e.seq, e.epoch, l.seq, l.epoch), null
  from e cross join lateral (
    select coalesce(max(b.last_seq), 1) as seq, coalesce(max(b.epoch), 0) as epoch from event_batches b
    where b.tenant_id = p_tenant and b.execution_id = e.id) as l
  where e.seq <> l.seq or e.epoch < l.epoch

  -- I3: what has ended stays so
  union all
  select 'STEP_LIVES_ON', s.execution_id, s.step_id, format('the execution is %s, the step %s', s.execution_status, s.status),
    null
  from step s where s.execution_finished_at is not null and s.status in ('running', 'waiting')

  -- I4: after its edges, with one live attempt, once in each of its runs
  union all
  select 'STEP_BEFORE_EDGE', s.execution_id, s.step_id,
    format('%s, but %s, on which it depends, is %s', s.status, d.needs, coalesce(n.status, 'pending')), null
  from edge d
  join e on e.version_id = d.version_id
  join step_runs s on s.tenant_id = p_tenant and s.execution_id = e.id and s.step_id = d.step_id
  left join step_runs n on n.tenant_id = p_tenant and n.execution_id = e.id and n.step_id = d.needs
  where s.status in ('running', 'waiting', 'succeeded', 'failed')
    and coalesce(n.status, 'pending') not in ('succeeded', 'failed', 'skipped', 'cancelled')
  union all
  select 'ATTEMPT_BESIDE_LIVE', s.execution_id, s.step_id,
    format('attempt %s is live, attempt %s has its outcome', s.attempt, max(a.attempt)), null
  from step s
  join attempts a on a.tenant_id = p_tenant and a.execution_id = s.execution_id and a.step_id = s.step_id
    and a.iter = s.iter and a.attempt >= s.attempt
  where s.status = 'running' and s.sent_at is not null
  group by s.execution_id, s.step_id, s.attempt
  union all
  select 'STEP_SUCCEEDED_TWICE', t.execution_id, t.step_id,
    format('succeeded %s times in %s runs of the step', t.times, coalesce(s.iter, 0)), null
  from (
    select b.execution_id, i ->> 'stepId' as step_id, count(*) as times
    from batch b cross join lateral jsonb_array_elements(b.items) as i
    where i ->> 'type' = 'step.succeeded' group by 1, 2
  ) as t
  left join step_runs s on s.tenant_id = p_tenant and s.execution_id = t.execution_id and s.step_id = t.step_id
  where t.times > coalesce(s.iter, 0)

  -- I5: nothing is stuck
  union all
  select 'STUCK', f.id, '', format('%s, with neither owner, mail, timer, child, hold nor sweep', f.status), null
  from free f
  where f.sweep_at is null and not f.held and not exists (
    select from executions c
    where c.tenant_id = p_tenant and c.parent_id = f.id and c.parent_gen = f.gen and c.finished_at is null)
  union all
  select 'CHILD_END_UNTOLD', f.id, s.step_id,
    format('waits for its child %s, which ended at %s', c.id, rfc3339(c.finished_at)), null
  from free f
  join step_runs s on s.tenant_id = p_tenant and s.execution_id = f.id and s.status = 'waiting' and s.wait = 'child'
  join executions c on c.tenant_id = p_tenant and c.id = s.child_id and c.parent_gen = f.gen
    and c.finished_at < now() - interval '1 minute'
  union all
  select 'HELD_FOR_NO_PAUSE', e.id, '', format('held, but its workflow is %s', w.status), null
  from e join workflows w on w.tenant_id = p_tenant and w.id = e.workflow_id
  where e.held and e.finished_at is null and w.status = 'active'
  union all
  select 'OWNER_GONE', e.id, '', format('held by worker %s, which has been gone for a minute', e.owner), null
  from e left join workers w on w.id = e.owner
  where e.owner is not null and (w.id is null
    or w.renewed_at < now() - interval '1 minute' and (w.dead or w.lease_until < now() - interval '1 minute'))
  union all
  -- Where all workers are full, or there is none, it waits as it should.
  select 'NOT_SWEPT', f.id, '', format('due since %s, and nobody has looked', rfc3339(f.sweep_at)), null
  from free f
  where f.sweep_at < now() - interval '5 minutes' and exists (
    select from workers w where not w.dead and w.lease_until > now()
      and (w.stats ->> 'executions')::int < (w.stats ->> 'slots')::int)
  union all
  -- Only one that waits is free and due later, and then for the earliest of its waits.
  select 'PUT_OFF', f.id, '', format('%s, and put off until %s', f.status, rfc3339(f.wake_at)), null
  from free f
  where f.wake_at > now() and not f.held and (f.status <> 'waiting' or exists (
    select from step s where s.execution_id = f.id and s.status = 'waiting' and s.due_at < now() - interval '1 minute'))

  -- A parent and its children. One that somebody retried goes on without its parent.
  union all
  select 'CHILD_WITHOUT_PARENT', e.id, '', format('its parent %s ended at %s', p.id, rfc3339(p.finished_at)), null
  from e join executions p on p.tenant_id = p_tenant and p.id = e.parent_id and p.gen = e.parent_gen
    and p.finished_at < now() - interval '5 minutes'
  where e.finished_at is null and e.gen = 1 and not exists (
    select from inbox i where i.tenant_id = p_tenant and i.execution_id = e.id and i.gen = e.gen and i.kind = 'cancel')
  union all
  select 'CHILD_OF_ANOTHER', s.execution_id, s.step_id,
    format('its child %s says that it belongs to step %s of %s', c.id, c.parent_step, c.parent_id), null
  from step s join executions c on c.tenant_id = p_tenant and c.id = s.child_id
  where c.parent_id is not null and (c.parent_id, c.parent_step) <> (s.execution_id, s.step_id)

  -- I6: a due time is one execution
  union all
  select 'FIRED_TWICE', e.id, '', format('due time %s is execution %s', rfc3339(e.scheduled_at), f.execution_id), null
  from e join schedule_fires f
    on f.tenant_id = p_tenant and f.schedule_id = e.schedule_id and f.due_at = e.scheduled_at
  where e.replay_of is null and f.execution_id is not null and f.execution_id <> e.id

  -- I7: named, and not this tenant's
  union all
  select 'OTHER_TENANTS', r.id, r.place, format('names execution %s', r.ref), r.ref
  from (
    select e.id, 'parent' as place, e.parent_id as ref from e
    union all select e.id, 'replayOf', e.replay_of from e
    union all select s.execution_id, s.step_id, s.child_id from step s
  ) as r
  where r.ref is not null and not exists (select from executions x where x.tenant_id = p_tenant and x.id = r.ref);
end $$;
call keelson.hot('keelson.audit_executions(uuid, uuid[])', 'keelson_app');

-- The same of deliveries: what was accepted is an execution, and the same repeat key the same one (I6). One that is not
-- there may have been retired: that is ruled out where one that ended before the delivery came is still kept.
-- Index: the primary keys; executions_retention.
create function keelson.audit_deliveries(p_tenant uuid, p_ids uuid[])
returns table (code text, subject_id uuid, place text, seen text, ref uuid) language plpgsql stable as $$
begin
  perform set_tenant(p_tenant);
  return query
  with d as materialized (
    select x.id, x.hook_id, x.repeat_key, x.execution_id, x.received_at
    from deliveries x where x.tenant_id = p_tenant and x.id = any(p_ids) and x.status = 'accepted'
  )
  select 'ACCEPTED_WITHOUT_EXECUTION', d.id, '', format('accepted as execution %s, which is not there', d.execution_id),
    d.execution_id
  from d
  where not exists (select from executions e where e.tenant_id = p_tenant and e.id = d.execution_id)
    and (select x.finished_at from executions x
         where x.tenant_id = p_tenant and x.finished_at is not null order by x.finished_at limit 1) < d.received_at
  union all
  select 'REPEAT_KEY_OF_ANOTHER', d.id, '',
    format('accepted as execution %s, but its repeat key belongs to %s', d.execution_id, k.execution_id), null
  from d join delivery_keys k on k.tenant_id = p_tenant and k.hook_id = d.hook_id and k.key = d.repeat_key
  where k.execution_id <> d.execution_id
  union all
  select 'OTHER_TENANTS', d.id, '', format('names execution %s', d.execution_id), d.execution_id
  from d where not exists (select from executions e where e.tenant_id = p_tenant and e.id = d.execution_id);
end $$;
call keelson.hot('keelson.audit_deliveries(uuid, uuid[])', 'keelson_app');

-- What these tenants' limits differ in from the defaults. The owner's, by the policy of tenants_list.
create function keelson.tenants_limits(p_ids uuid[])
returns table (id uuid, limits jsonb) language sql stable security definer as $$
  select t.id, t.limits from tenants t where t.id = any(p_ids)
$$;
call keelson.hot('keelson.tenants_limits(uuid[])', 'keelson_app');

grant create on schema keelson to keelson_dispatcher;
grant execute on procedure keelson.hot to keelson_dispatcher;
set local role keelson_dispatcher;

-- Which executions an audit looks at: those that have not ended, and those that ended last, so many of each at most.
-- p_before: of the ended ones, only those that ended earlier; null: the last. Indexes executions_unfinished, executions_retention.
create function keelson.audit_executions_sample(p_unfinished int, p_ended int, p_before timestamptz)
returns table (tenant_id uuid, id uuid, finished_at timestamptz) language sql stable security definer as $$
  (select e.tenant_id, e.id, null::timestamptz from executions e where e.finished_at is null limit p_unfinished)
  union all
  (select e.tenant_id, e.id, e.finished_at from executions e
   where e.finished_at is not null and e.finished_at < coalesce(p_before, 'infinity')
   order by e.finished_at desc limit p_ended)
$$;
call keelson.hot('keelson.audit_executions_sample(int, int, timestamptz)', 'keelson_app');

-- The last deliveries. Index deliveries_retention.
create function keelson.audit_deliveries_sample(p_limit int)
returns table (tenant_id uuid, id uuid) language sql stable security definer as $$
  select d.tenant_id, d.id from (
    select x.tenant_id, x.id, x.status from deliveries x order by x.received_at desc limit p_limit) as d
  where d.status = 'accepted'
$$;
call keelson.hot('keelson.audit_deliveries_sample(int)', 'keelson_app');

-- Which of these executions, asked for by a tenant that has them not, are another tenant's. A look-up for each tenant there is.
create function keelson.executions_of_others(p_ids uuid[])
returns table (id uuid, tenant_id uuid) language sql stable security definer as $$
  select e.id, e.tenant_id
  from unnest(p_ids) as r (id) cross join tenants t join executions e on e.tenant_id = t.id and e.id = r.id
$$;
call keelson.hot('keelson.executions_of_others(uuid[])', 'keelson_app');

-- Findings, the last seen first; p_before and p_after_key: where the page before ended. Index violations_seen.
create function keelson.violations_list(p_before timestamptz, p_after_key text, p_limit int)
returns table (
  key text, code text, invariant text, tenant_id uuid, subject_type text, subject_id uuid, place text, text text,
  remedy text, first_seen_at timestamptz, last_seen_at timestamptz) language sql stable security definer as $$
  select concat_ws(' ', v.tenant_id, v.code, v.subject_id, v.place), v.code, v.invariant, v.tenant_id, v.subject_type,
    v.subject_id, v.place, v.text, v.remedy, v.first_seen_at, v.last_seen_at
  from violations v
  where p_before is null or v.last_seen_at < p_before
    or (v.last_seen_at = p_before and concat_ws(' ', v.tenant_id, v.code, v.subject_id, v.place) > p_after_key)
  order by v.last_seen_at desc, 1 limit p_limit
$$;
call keelson.hot('keelson.violations_list(timestamptz, text, int)', 'keelson_app');

-- Findings that no audit has seen since; how many went. Index violations_seen.
create function keelson.violations_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  delete from violations v
  where v.ctid = any(array(
    select x.ctid from violations x where x.last_seen_at < p_before order by x.last_seen_at limit p_limit));
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.violations_retire(timestamptz, int)', 'keelson_app', 'keelson_dispatcher');

-- Workers with their heartbeat and the leases that PostgreSQL says they hold, the living first. Index executions_owned.
create function keelson.ops_workers(p_limit int)
returns table (
  id text, name text, started_at timestamptz, renewed_at timestamptz, alive boolean, stopped boolean, stats jsonb,
  leases int) language sql stable security definer as $$
  with held as materialized (select e.owner, count(*)::int as leases from executions e where e.owner is not null group by 1)
  select w.id::text, w.name, w.started_at, w.renewed_at, not w.dead and w.lease_until > now(), w.stopped, w.stats,
    coalesce(h.leases, 0)
  from workers w left join held h on h.owner = w.id
  order by not w.dead and w.lease_until > now() desc, w.renewed_at desc, w.id desc limit p_limit
$$;
call keelson.hot('keelson.ops_workers(int)', 'keelson_app');

-- What has not ended, counted up to p_cap; `waiting` is the rest of `unfinished`. `ready` could run now if a worker took it,
-- counted up to p_cap as well: it is swept eight seconds after it was last told of at the latest.
-- Indexes executions_unfinished, executions_held, executions_owned, executions_due.
create function keelson.ops_backlog(p_cap int)
returns table (
  now_at timestamptz, unfinished int, queued int, held int, running int, ready int, oldest_ready_seconds double precision)
language sql stable security definer as $$
  select now(), u.unfinished, u.queued, h.held, o.running, r.ready, r.oldest
  from (
    select count(*)::int as unfinished, (count(*) filter (where x.status = 'queued' and not x.held))::int as queued
    from (select e.status, e.held from executions e where e.finished_at is null limit p_cap) as x
  ) as u
  cross join (select count(*)::int as held from (select from executions e where e.held limit p_cap) as x) as h
  cross join (select count(*)::int as running from executions e where e.owner is not null) as o
  cross join (
    select count(*)::int as ready, extract(epoch from now() - min(x.wake_at))::double precision as oldest
    from (
      select e.wake_at from executions e
      where e.sweep_at <= now() + interval '9 s' and e.wake_at <= now() and e.finished_at is null
      order by e.sweep_at limit p_cap) as x
  ) as r
$$;
call keelson.hot('keelson.ops_backlog(int)', 'keelson_app', 'keelson_dispatcher');

-- The tenants with the most unfinished executions, of the first p_cap of them. Index executions_unfinished.
create function keelson.ops_fullest(p_cap int, p_limit int)
returns table (tenant_id uuid, unfinished int) language sql stable security definer as $$
  select x.tenant_id, count(*)::int
  from (select e.tenant_id from executions e where e.finished_at is null limit p_cap) as x
  group by 1 order by 2 desc, 1 limit p_limit
$$;
call keelson.hot('keelson.ops_fullest(int, int)', 'keelson_app');

-- Starts and ends by minute and status, from the roll-ups. Index stats_minutes_at.
create function keelson.ops_minutes(p_since timestamptz)
returns table (
  minute timestamptz, kind text, status text, count double precision, duration_ms_max double precision,
  latency_buckets double precision[])
language sql stable security definer as $$
  with m as (
    select s.minute, s.kind, s.status, s.count, s.duration_ms_max, s.latency_buckets
    from stats_minutes s where s.minute >= p_since
  ), bucket as (
    select m.minute, m.kind, m.status, b.i, sum(b.n) as n
    from m cross join lateral unnest(m.latency_buckets) with ordinality as b (n, i) group by 1, 2, 3, 4
  ), latency as (
    select b.minute, b.kind, b.status, latency_buckets_of(array_agg(b.i::int), array_agg(b.n)) as buckets
    from bucket b group by 1, 2, 3
  ), counted as (
    select m.minute, m.kind, m.status, sum(m.count)::double precision as count,
      max(m.duration_ms_max)::double precision as max
    from m group by 1, 2, 3
  )
  select c.minute, c.kind, c.status, c.count, c.max, l.buckets::double precision[]
  from counted c left join latency l using (minute, kind, status)
$$;
call keelson.hot('keelson.ops_minutes(timestamptz)', 'keelson_app');

-- What these tenants use: their unfinished executions, up to p_cap of each, those held, and from the roll-ups since p_since
-- what started, by webhooks among it, what ended, and what of that failed. Indexes executions_unfinished, executions_held,
-- stats_minutes_pkey.
create function keelson.ops_usage(p_tenants uuid[], p_cap int, p_since timestamptz)
returns table (
  tenant_id uuid, unfinished int, held int, started double precision, by_webhook double precision,
  ended double precision, failed double precision) language sql stable security definer as $$
  select t.id, u.count, h.count, s.started, s.by_webhook, s.ended, s.failed
  from unnest(p_tenants) as t (id)
  cross join lateral (
    select count(*)::int as count
    from (select from executions e where e.tenant_id = t.id and e.finished_at is null limit p_cap) as x) as u
  cross join lateral (
    select count(*)::int as count
    from (select from executions e where e.tenant_id = t.id and e.held limit p_cap) as x) as h
  cross join lateral (
    select
      coalesce(sum(m.count) filter (where m.kind = 'started'), 0)::double precision as started,
      coalesce(sum(m.count) filter (where m.kind = 'started' and m.trigger = 'webhook'), 0)::double precision as by_webhook,
      coalesce(sum(m.count) filter (where m.kind = 'ended'), 0)::double precision as ended,
      coalesce(sum(m.count) filter (where m.kind = 'ended' and m.status = 'failed'), 0)::double precision as failed
    from stats_minutes m where m.tenant_id = t.id and m.minute >= p_since) as s
$$;
call keelson.hot('keelson.ops_usage(uuid[], int, timestamptz)', 'keelson_app');

set local role keelson_owner;
revoke create on schema keelson from keelson_dispatcher;
revoke execute on procedure keelson.hot from keelson_dispatcher;
