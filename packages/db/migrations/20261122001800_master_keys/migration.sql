-- Which master keys the tenants' secrets are sealed under, so that one can be replaced while the engine runs and the operator
-- knows when it may go. Breaking: no. Locks: secrets and replaced_secrets, while an index of each is made.

create index secrets_key_version on keelson.secrets (key_version, tenant_id, name);
create index replaced_secrets_key_version on keelson.replaced_secrets (key_version, tenant_id, name);
-- Names and numbers; never what is sealed.
create policy dispatcher_reads on keelson.secrets for select to keelson_dispatcher using (true);
grant select (tenant_id, name, key_version) on keelson.secrets to keelson_dispatcher;
grant select (key_version) on keelson.replaced_secrets to keelson_dispatcher;

grant create on schema keelson to keelson_dispatcher;
grant execute on procedure keelson.hot to keelson_dispatcher;
set local role keelson_dispatcher;

-- How many are sealed under each key, up to p_cap of each, and the first three that are in force. Index: each table's …_key_version.
create function keelson.secrets_by_key(p_cap int)
returns table (key_version int, secrets int, replaced int, samples json) language sql stable security definer as $$
  with recursive version (key_version) as (
    select least((select min(s.key_version) from secrets s), (select min(r.key_version) from replaced_secrets r))
    union all
    select least(
      (select min(s.key_version) from secrets s where s.key_version > v.key_version),
      (select min(r.key_version) from replaced_secrets r where r.key_version > v.key_version))
    from version v where v.key_version is not null
  )
  select v.key_version,
    (select count(*)::int from (select from secrets s where s.key_version = v.key_version limit p_cap) as x),
    (select count(*)::int from (select from replaced_secrets r where r.key_version = v.key_version limit p_cap) as x),
    (select coalesce(json_agg(json_build_object('tenantId', x.tenant_id, 'name', x.name)), '[]') from (
      select s.tenant_id, s.name from secrets s where s.key_version = v.key_version
      order by s.tenant_id, s.name limit 3) as x)
  from version v where v.key_version is not null order by 1
$$;
call keelson.hot('keelson.secrets_by_key(int)', 'keelson_app', 'keelson_worker');

-- Names that are sealed under this key, in the order of tenants and names, behind the given place. A name that is in both
-- tables under this key stands there once.
create function keelson.secrets_under_key(p_version int, p_after_tenant uuid, p_after_name text, p_limit int)
returns table (tenant_id uuid, name text) language sql stable security definer as $$
  select x.tenant_id, x.name from (
    (select s.tenant_id, s.name from secrets s
     where s.key_version = p_version and (s.tenant_id, s.name) > (p_after_tenant, p_after_name)
     order by s.tenant_id, s.name limit p_limit)
    union
    (select r.tenant_id, r.name from replaced_secrets r
     where r.key_version = p_version and (r.tenant_id, r.name) > (p_after_tenant, p_after_name)
     order by r.tenant_id, r.name limit p_limit)
  ) as x order by x.tenant_id, x.name limit p_limit
$$;
call keelson.hot('keelson.secrets_under_key(int, uuid, text, int)', 'keelson_app');

set local role keelson_owner;
revoke create on schema keelson from keelson_dispatcher;
revoke execute on procedure keelson.hot from keelson_dispatcher;
