-- Lays the ground that every later table stands on. Breaking: no. Locks: none.
--
-- Migrations run as keelson_owner, who owns the schema and everything in it. The four group roles
-- are made by the runner (src/migrate/roles.ts), since making a role takes more than owning a schema:
--   keelson_owner       owns; logs in nowhere
--   keelson_app         api and ingress: rows of the tenant that is set
--   keelson_worker      workers: what executing takes, of the tenant that is set
--   keelson_dispatcher  sweeps across tenants: ids, states, owners, epochs and times, never payloads

revoke all on schema keelson from public;
grant usage on schema keelson to keelson_app, keelson_worker, keelson_dispatcher;
grant select on keelson._prisma_migrations to keelson_app, keelson_worker, keelson_dispatcher;

-- The wall between tenants (I7): row level security, forced on the owner too. An unset tenant sees nothing: the setting
-- is null at first, and '' after a transaction that had set it. The sub-select makes PostgreSQL ask once per statement.
create procedure keelson.protect(p_table regclass, p_tenant_column name default 'tenant_id')
language plpgsql as $$
declare
  v_is_mine text := format(
    '%I = (select nullif(current_setting(''app.tenant_id'', true), '''')::uuid)', p_tenant_column);
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format(
    'create policy tenant on %s to keelson_app, keelson_worker, keelson_owner using (%s) with check (%s)',
    p_table, v_is_mine, v_is_mine);
end $$;
revoke execute on procedure keelson.protect from public;
