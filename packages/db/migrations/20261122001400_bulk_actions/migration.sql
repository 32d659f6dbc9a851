-- One intervention for many executions or deliveries. Breaking: no. Locks: none.
-- What it hits is fixed in the commit that creates it. Any number of processes carry it out: some items are locked, their
-- effects and their record are one commit, so that whoever is killed has done all of it or nothing.

create table keelson.bulk_actions (
  tenant_id uuid not null references keelson.tenants,
  id uuid not null,
  action text not null check (action in ('retry', 'cancel', 'replay', 'redeliver')),
  filter jsonb, -- null: ids were named
  version jsonb, -- of a replay: "same", "latest" or a number
  per_second double precision check (per_second > 0), -- null: as fast as it goes
  stop_after_failures int check (stop_after_failures > 0),
  status text not null default 'running' check (status in ('running', 'succeeded', 'cancelled', 'stopped')),
  matched int not null,
  capped boolean not null, -- the filter matches more
  succeeded int not null default 0,
  refused int not null default 0,
  failed int not null default 0,
  actor_type text not null,
  actor_id text,
  next_at timestamptz not null default now(), -- when its next turns are given out
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, id),
  check ((status = 'running') = (finished_at is null)),
  check (succeeded + refused + failed <= matched)
);
create index bulk_actions_open on keelson.bulk_actions (next_at) where status = 'running';
create index bulk_actions_retention on keelson.bulk_actions (finished_at) where finished_at is not null;
call keelson.protect('keelson.bulk_actions');
-- For bulk_actions_open alone, which is the owner's and tells ids.
create policy lookup on keelson.bulk_actions for select to keelson_owner using (true);
create policy dispatcher_reads on keelson.bulk_actions for select to keelson_dispatcher using (true);
create policy dispatcher_retires on keelson.bulk_actions for delete to keelson_dispatcher using (true);
grant select, insert, update on keelson.bulk_actions to keelson_app;
grant select (tenant_id, id, finished_at), delete on keelson.bulk_actions to keelson_dispatcher;

create table keelson.bulk_action_items (
  tenant_id uuid not null,
  bulk_action_id uuid not null,
  n int not null, -- in this order
  target_id uuid not null, -- of an execution or a delivery, which may be gone by now
  tries int not null default 0, -- that ended neither well nor in a refusal: the next comes after all others'
  outcome text check (outcome in ('succeeded', 'refused', 'failed')), -- null: not done yet
  code text,
  message text,
  primary key (tenant_id, bulk_action_id, n),
  foreign key (tenant_id, bulk_action_id) references keelson.bulk_actions on delete cascade,
  check ((outcome in ('refused', 'failed')) is true = (code is not null))
);
create index bulk_action_items_open on keelson.bulk_action_items (tenant_id, bulk_action_id, tries, n)
  where outcome is null;
create index bulk_action_items_refused on keelson.bulk_action_items (tenant_id, bulk_action_id, n)
  where outcome in ('refused', 'failed');
call keelson.protect('keelson.bulk_action_items');
grant select, insert, update on keelson.bulk_action_items to keelson_app;

-- Which bulk actions have something to do now, of whatever tenant: ids and nothing else. Index bulk_actions_open.
create function keelson.bulk_actions_open(p_limit int) returns table (tenant_id uuid, id uuid)
language sql security definer as $$
  select b.tenant_id, b.id from bulk_actions b
  where b.status = 'running' and b.next_at <= now() order by b.next_at limit p_limit
$$;
call keelson.hot('keelson.bulk_actions_open(int)', 'keelson_app');

-- Gives out turns: how many items the caller may do now, so that all callers together keep the pace. Paced, the turns of at
-- most a quarter of a second at once; who comes late makes up for a quarter of a second at most. Turns that nobody uses are
-- lost, which costs time and nothing else. failures_left: after so many more it stops, or null. No row: not due, or over.
create function keelson.bulk_action_turns(p_tenant uuid, p_id uuid, p_batch int)
returns table (turns int, failures_left int, action text, version jsonb, limits jsonb) language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  with given as (
    select b.tenant_id, b.id, case
      when b.per_second is null then p_batch
      else least(p_batch, greatest(1, floor(b.per_second / 4)::int)) end as turns
    from bulk_actions b
    where b.tenant_id = p_tenant and b.id = p_id and b.status = 'running' and b.next_at <= now()
    for no key update
  )
  update bulk_actions b set next_at = case
    when b.per_second is null then now()
    else greatest(b.next_at, now() - interval '250 ms') + g.turns / b.per_second * interval '1 s' end
  from given g join tenants t on t.id = g.tenant_id
  where b.tenant_id = g.tenant_id and b.id = g.id
  returning g.turns, b.stop_after_failures - b.refused - b.failed, b.action, b.version, t.limits;
end $$;
call keelson.hot('keelson.bulk_action_turns(uuid, uuid, int)', 'keelson_app');

-- Locks the next items that nobody has, until the end of the transaction. No row: none is left to take, or it is over.
-- Index bulk_action_items_open.
create function keelson.bulk_items_take(p_tenant uuid, p_id uuid, p_limit int)
returns table (n int, target_id uuid, tries int) language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  return query
  select i.n, i.target_id, i.tries from bulk_action_items i
  where i.tenant_id = p_tenant and i.bulk_action_id = p_id and i.outcome is null
    and exists (select from bulk_actions b where b.tenant_id = p_tenant and b.id = p_id and b.status = 'running')
  order by i.tries, i.n limit p_limit for update skip locked;
end $$;
call keelson.hot('keelson.bulk_items_take(uuid, uuid, int)', 'keelson_app');

-- Something kept the action, or this item of it, from being carried out: it goes on in a second, with other items first.
create function keelson.bulk_action_put_off(p_tenant uuid, p_id uuid, p_n int) returns void language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  update bulk_action_items i set tries = i.tries + 1
  where i.tenant_id = p_tenant and i.bulk_action_id = p_id and i.n = p_n and i.outcome is null;
  update bulk_actions b set next_at = greatest(b.next_at, now() + interval '1 s')
  where b.tenant_id = p_tenant and b.id = p_id and b.status = 'running';
end $$;
call keelson.hot('keelson.bulk_action_put_off(uuid, uuid, int)', 'keelson_app');

-- Records what became of items that the transaction has locked, and ends the action with its last one, or with one failure
-- too many. What was begun before its action was cancelled counts still. p_outcomes: [{ n, kind, code?, message? }]
create function keelson.bulk_items_record(p_tenant uuid, p_id uuid, p_outcomes json) returns void
language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  with done as (
    update bulk_action_items i set outcome = o.kind, code = o.code, message = o.message
    from json_to_recordset(p_outcomes) as o (n int, kind text, code text, message text)
    where i.tenant_id = p_tenant and i.bulk_action_id = p_id and i.n = o.n and i.outcome is null
    returning i.outcome
  ), counted as (
    select
      count(*) filter (where d.outcome = 'succeeded') as succeeded,
      count(*) filter (where d.outcome = 'refused') as refused,
      count(*) filter (where d.outcome = 'failed') as failed
    from done d
  )
  update bulk_actions b set
    succeeded = b.succeeded + c.succeeded, refused = b.refused + c.refused, failed = b.failed + c.failed
  from counted c where b.tenant_id = p_tenant and b.id = p_id;
  update bulk_actions b set
    status = case when b.succeeded + b.refused + b.failed = b.matched then 'succeeded' else 'stopped' end,
    finished_at = now()
  where b.tenant_id = p_tenant and b.id = p_id and b.status = 'running'
    and (b.succeeded + b.refused + b.failed = b.matched or b.refused + b.failed >= b.stop_after_failures);
end $$;
call keelson.hot('keelson.bulk_items_record(uuid, uuid, json)', 'keelson_app');

-- Retention: finished ones with their items. Across tenants, and so the dispatcher's own.
grant create on schema keelson to keelson_dispatcher;
grant execute on procedure keelson.hot to keelson_dispatcher;
set local role keelson_dispatcher;

create function keelson.bulk_actions_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  if not pg_try_advisory_xact_lock(hashtext('keelson.bulk_actions_retire'), 0) then return 0; end if;
  delete from bulk_actions b using (
    select x.tenant_id, x.id from bulk_actions x where x.finished_at < p_before order by x.finished_at limit p_limit
  ) as old
  where b.tenant_id = old.tenant_id and b.id = old.id;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.bulk_actions_retire(timestamptz, int)', 'keelson_dispatcher');

set local role keelson_owner;
revoke create on schema keelson from keelson_dispatcher;
revoke execute on procedure keelson.hot from keelson_dispatcher;
