-- Counts and latencies of executions, rolled up by minute and by hour. Breaking: no. Locks: none.
--
-- Whatever starts or ends an execution leaves one narrow row here, in its own commit; a fold moves such rows into the
-- counts, in one transaction. So each start and each end counts once, whatever dies, and no row is hot.

-- A heap without an index: it is written in the hot path, and read from one end to the other while it is short.
create table keelson.execution_counts_outbox (
  tenant_id uuid not null,
  workflow_id uuid not null,
  trigger text not null,
  status text, -- that it ended with; null: it started
  error_code text,
  at timestamptz not null default now(),
  duration_ms bigint -- of this run, from its first claim to its end; null: it started, or was never claimed
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
call keelson.protect('keelson.execution_counts_outbox');
create policy dispatcher_reads on keelson.execution_counts_outbox for select to keelson_dispatcher using (true);
create policy dispatcher_folds on keelson.execution_counts_outbox for delete to keelson_dispatcher using (true);
grant insert on keelson.execution_counts_outbox to keelson_app, keelson_worker;
grant select, delete on keelson.execution_counts_outbox to keelson_dispatcher;

-- A retried execution that ends again is another start and another end. No foreign key: what was counted outlives what it
-- was counted of. `status` and `error_code` are '' where there is none.
create table keelson.stats_minutes (
  tenant_id uuid not null,
  minute timestamptz not null,
  workflow_id uuid not null,
  trigger text not null,
  kind text not null check (kind in ('started', 'ended')),
  status text not null,
  error_code text not null,
  count bigint not null,
  duration_ms_sum bigint not null,
  duration_ms_max bigint not null,
  -- How many took how long: element i + 1 counts those from latency_bounds()[i] up to but not including the next, the
  -- first those below all. It ends with the last that is not zero. Its sum is the number of those with a duration.
  latency_buckets bigint[] not null,
  primary key (tenant_id, minute, workflow_id, trigger, kind, status, error_code)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index stats_minutes_at on keelson.stats_minutes (minute);

create table keelson.stats_hours (
  tenant_id uuid not null,
  hour timestamptz not null,
  workflow_id uuid not null,
  trigger text not null,
  kind text not null check (kind in ('started', 'ended')),
  status text not null,
  error_code text not null,
  count bigint not null,
  duration_ms_sum bigint not null,
  duration_ms_max bigint not null,
  latency_buckets bigint[] not null,
  primary key (tenant_id, hour, workflow_id, trigger, kind, status, error_code)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index stats_hours_at on keelson.stats_hours (hour);

call keelson.protect('keelson.stats_minutes');
call keelson.protect('keelson.stats_hours');
create policy dispatcher_folds on keelson.stats_minutes to keelson_dispatcher using (true) with check (true);
create policy dispatcher_folds on keelson.stats_hours to keelson_dispatcher using (true) with check (true);
grant select on keelson.stats_minutes, keelson.stats_hours to keelson_app;
grant select, insert, update, delete on keelson.stats_minutes, keelson.stats_hours to keelson_dispatcher;

-- LATENCY_BOUNDS_MS of packages/contracts/src/latency-buckets.ts: what is stored was counted by them, so they never change.
create function keelson.latency_bounds() returns bigint[] language sql immutable parallel safe
  return array[
    1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 1500, 2000, 3000, 5000, 7000, 10000, 15000,
    20000, 30000, 50000, 70000, 100000, 150000, 200000, 300000, 500000, 700000, 1000000, 1500000, 2000000, 3000000,
    5000000, 7000000, 10000000, 15000000, 20000000, 30000000, 50000000, 70000000, 100000000, 150000000, 200000000,
    300000000, 500000000, 700000000, 1000000000]::bigint[];

-- The buckets of these counts, each of which belongs to the bucket at the same place; null belongs to none.
create function keelson.latency_buckets_of(p_buckets int[], p_counts numeric[]) returns bigint[]
language sql immutable parallel safe
  return (
    select coalesce(array_agg(b.count order by b.i), '{}') from (
      select i, coalesce(sum(c.count), 0)::bigint as count
      from generate_series(1, (select max(x.bucket) from unnest(p_buckets) as x (bucket))) as i
      left join unnest(p_buckets, p_counts) as c (bucket, count) on c.bucket = i
      group by i
    ) as b);

create function keelson.latency_buckets_add(p_these bigint[], p_those bigint[]) returns bigint[]
language sql immutable parallel safe
  return (
    select coalesce(array_agg(coalesce(b.this, 0) + coalesce(b.that, 0) order by b.i), '{}')
    from unnest(p_these, p_those) with ordinality as b (this, that, i));

grant execute on function keelson.latency_bounds, keelson.latency_buckets_of, keelson.latency_buckets_add
  to keelson_app, keelson_dispatcher;

grant create on schema keelson to keelson_dispatcher;
grant execute on procedure keelson.hot to keelson_dispatcher;
set local role keelson_dispatcher;

-- Moves up to so many rows of the outbox into the counts; how many. One caller at a time: another has nothing to do and is
-- told 0, so that none waits for the rows of another.
create function keelson.execution_counts_fold(p_limit int) returns int language plpgsql security definer as $$
declare
  v_count int;
begin
  if not pg_try_advisory_xact_lock(hashtext('keelson.execution_counts_fold'), 0) then return 0; end if;
  with gone as (
    delete from execution_counts_outbox o
    where o.ctid = any(array(select x.ctid from execution_counts_outbox x limit p_limit))
    returning o.*
  ), counted as (
    select g.tenant_id, date_trunc('minute', g.at, 'UTC') as minute, g.workflow_id, g.trigger,
      case when g.status is null then 'started' else 'ended' end as kind,
      coalesce(g.status, '') as status, coalesce(g.error_code, '') as error_code,
      width_bucket(g.duration_ms, latency_bounds()) + 1 as bucket,
      count(*) as count, sum(g.duration_ms) as sum, max(g.duration_ms) as max
    from gone g group by 1, 2, 3, 4, 5, 6, 7, 8
  ), minutes as (
    insert into stats_minutes as s (
      tenant_id, minute, workflow_id, trigger, kind, status, error_code, count, duration_ms_sum, duration_ms_max,
      latency_buckets)
    select c.tenant_id, c.minute, c.workflow_id, c.trigger, c.kind, c.status, c.error_code,
      sum(c.count), coalesce(sum(c.sum), 0), coalesce(max(c.max), 0),
      latency_buckets_of(array_agg(c.bucket), array_agg(c.count::numeric))
    from counted c group by 1, 2, 3, 4, 5, 6, 7
    on conflict (tenant_id, minute, workflow_id, trigger, kind, status, error_code) do update set
      count = s.count + excluded.count,
      duration_ms_sum = s.duration_ms_sum + excluded.duration_ms_sum,
      duration_ms_max = greatest(s.duration_ms_max, excluded.duration_ms_max),
      latency_buckets = latency_buckets_add(s.latency_buckets, excluded.latency_buckets)
  ), hours as (
    insert into stats_hours as s (
      tenant_id, hour, workflow_id, trigger, kind, status, error_code, count, duration_ms_sum, duration_ms_max,
      latency_buckets)
    select c.tenant_id, date_trunc('hour', c.minute, 'UTC'), c.workflow_id, c.trigger, c.kind, c.status, c.error_code,
      sum(c.count), coalesce(sum(c.sum), 0), coalesce(max(c.max), 0),
      latency_buckets_of(array_agg(c.bucket), array_agg(c.count::numeric))
    from counted c group by 1, 2, 3, 4, 5, 6, 7
    on conflict (tenant_id, hour, workflow_id, trigger, kind, status, error_code) do update set
      count = s.count + excluded.count,
      duration_ms_sum = s.duration_ms_sum + excluded.duration_ms_sum,
      duration_ms_max = greatest(s.duration_ms_max, excluded.duration_ms_max),
      latency_buckets = latency_buckets_add(s.latency_buckets, excluded.latency_buckets)
  )
  select count(*) into v_count from gone;
  return v_count;
end $$;
call keelson.hot('keelson.execution_counts_fold(int)', 'keelson_dispatcher');

-- Retention, in bounded batches; each returns how many rows went. Indexes stats_minutes_at, stats_hours_at.
create function keelson.stats_minutes_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  delete from stats_minutes s
  where s.ctid = any(array(
    select x.ctid from stats_minutes x where x.minute < p_before order by x.minute limit p_limit for update skip locked));
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.stats_minutes_retire(timestamptz, int)', 'keelson_dispatcher');

create function keelson.stats_hours_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  delete from stats_hours s
  where s.ctid = any(array(
    select x.ctid from stats_hours x where x.hour < p_before order by x.hour limit p_limit for update skip locked));
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.stats_hours_retire(timestamptz, int)', 'keelson_dispatcher');

set local role keelson_owner;
revoke create on schema keelson from keelson_dispatcher;
revoke execute on procedure keelson.hot from keelson_dispatcher;
