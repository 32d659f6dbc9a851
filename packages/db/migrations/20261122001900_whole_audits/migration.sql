-- An audit of the whole database, page by page, of how histories end, and of the walls themselves. Breaking: no. Locks: none.

-- What of one tenant's histories does not end as its executions have (I3). Index: the primary keys.
create function keelson.audit_histories(p_tenant uuid, p_ids uuid[])
returns table (code text, subject_id uuid, place text, seen text, ref uuid) language plpgsql stable as $$
declare
  v_ends constant text[] := '{execution.succeeded,execution.failed,execution.cancelled}';
begin
  perform set_tenant(p_tenant);
  return query
  with batch as materialized (
    select b.execution_id, b.first_seq, b.items -> -1 ->> 'type' as ends_with,
      b.items @> '[{"type": "execution.queued"}]' as reopens,
      lag(b.items -> -1 ->> 'type') over w as before, lead(b.first_seq) over w is null as is_last
    from event_batches b where b.tenant_id = p_tenant and b.execution_id = any(p_ids)
    window w as (partition by b.execution_id order by b.first_seq)
  )
  select 'CHANGED_AFTER_END', b.execution_id, b.first_seq::text,
    format('event %s comes after %s, and is of no retry', b.first_seq, b.before), null::uuid
  from batch b where b.before = any(v_ends) and not b.reopens
  union all
  select 'END_NOT_LAST_EVENT', e.id, '', format('the execution is %s, its last event %s', e.status, b.ends_with), null
  from batch b join executions e on e.tenant_id = p_tenant and e.id = b.execution_id
  where b.is_last and (e.finished_at is not null or b.ends_with = any(v_ends)) and b.ends_with <> 'execution.' || e.status;
end $$;
call keelson.hot('keelson.audit_histories(uuid, uuid[])', 'keelson_app');

-- Where the wall between tenants is down (I7), as PostgreSQL's own catalogue has it. Bounded by the number of tables and roles.
create function keelson.audit_walls() returns table (code text, place text, seen text) language sql stable as $$
  with walled as materialized (
    select c.oid, c.relname, c.relrowsecurity and c.relforcerowsecurity as forced,
      case c.relname when 'tenants' then 'id' else 'tenant_id' end as tenant_column
    from pg_class c
    where c.relnamespace = 'keelson'::regnamespace and c.relkind in ('r', 'p')
      and (c.relname = 'tenants'
        or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))
  ), granted as materialized (
    select r.oid, r.rolname, r.rolsuper, r.rolbypassrls from pg_roles r
    where r.rolname in ('keelson_owner', 'keelson_app', 'keelson_worker', 'keelson_dispatcher')
    union
    select r.oid, r.rolname, r.rolsuper, r.rolbypassrls from pg_roles r
    join pg_auth_members m on m.member = r.oid join pg_roles g on g.oid = m.roleid
    where g.rolname in ('keelson_app', 'keelson_worker', 'keelson_dispatcher') and r.rolcanlogin and m.inherit_option
  )
  select 'ROW_SECURITY_OFF', w.relname::text, 'row level security is not enabled and forced' from walled w where not w.forced
  union all
  select 'POLICY_MISSING', w.relname::text, 'no policy compares the tenant both in what is read and in what is written'
  from walled w
  where not exists (
    select from pg_policies p
    where p.schemaname = 'keelson' and p.tablename = w.relname and p.policyname = 'tenant' and p.cmd = 'ALL'
      and p.qual = p.with_check
      and p.qual like '(' || w.tenant_column || ' = ( SELECT (NULLIF(current_setting(''app.tenant_id''::text, true), ''''::text))::uuid %')
  union all
  select 'POLICY_OPENS', p.tablename::text, format('policy %s opens it to %s', p.policyname, r)
  from pg_policies p cross join lateral unnest(p.roles) as r
  where p.schemaname = 'keelson' and p.policyname <> 'tenant'
    and not (r = 'keelson_dispatcher' or (r = 'keelson_owner' and p.policyname = 'lookup' and p.cmd = 'SELECT'))
  union all
  select 'ROLE_TOO_STRONG', g.rolname::text,
    format('the role %s', case when g.rolsuper then 'is a superuser' else 'passes by row level security' end)
  from granted g where g.rolsuper or g.rolbypassrls
$$;
call keelson.hot('keelson.audit_walls()', 'keelson_app');

grant create on schema keelson to keelson_dispatcher;
grant execute on procedure keelson.hot to keelson_dispatcher;
set local role keelson_dispatcher;

-- The executions after this one, by tenant and id: all of them, page by page. Index executions_pkey.
create function keelson.audit_executions_page(p_tenant uuid, p_after uuid, p_limit int)
returns table (tenant_id uuid, id uuid) language sql stable security definer as $$
  select e.tenant_id, e.id from executions e
  where (e.tenant_id, e.id) > (p_tenant, p_after) order by e.tenant_id, e.id limit p_limit
$$;
call keelson.hot('keelson.audit_executions_page(uuid, uuid, int)', 'keelson_app');

-- The deliveries after this one, whatever became of them. Index deliveries_pkey.
create function keelson.audit_deliveries_page(p_tenant uuid, p_after uuid, p_limit int)
returns table (tenant_id uuid, id uuid) language sql stable security definer as $$
  select d.tenant_id, d.id from deliveries d
  where (d.tenant_id, d.id) > (p_tenant, p_after) order by d.tenant_id, d.id limit p_limit
$$;
call keelson.hot('keelson.audit_deliveries_page(uuid, uuid, int)', 'keelson_app');

set local role keelson_owner;
revoke create on schema keelson from keelson_dispatcher;
revoke execute on procedure keelson.hot from keelson_dispatcher;
