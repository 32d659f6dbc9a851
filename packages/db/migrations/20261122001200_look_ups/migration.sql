-- Look-ups that come before the tenant is known. Breaking: no. Locks: none.
-- They are the owner's: the one row is found under a policy for the owner alone, all else under the tenant's own.

-- The key with this SHA-256, revoked and expired ones too: the caller says why it refuses. Index api_keys_hash_key.
create function keelson.api_key_find(p_hash bytea)
returns table (
  tenant_id uuid, id uuid, name text, prefix text, scopes text[], expires_at timestamptz, revoked_at timestamptz,
  tenant_slug text, tenant_name text, limits jsonb, tenant_deleted_at timestamptz, now_at timestamptz)
language plpgsql security definer as $$
declare
  v_tenant uuid;
begin
  select k.tenant_id into v_tenant from api_keys k where k.hash = p_hash;
  if not found then return; end if;
  perform set_tenant(v_tenant);
  return query
  select t.id, k.id, k.name, k.prefix, k.scopes, k.expires_at, k.revoked_at,
    t.slug, t.name, t.limits, t.deleted_at, now()
  from api_keys k join tenants t on t.id = k.tenant_id where k.tenant_id = v_tenant and k.hash = p_hash;
  perform set_config('app.tenant_id', '', true);
end $$;
call keelson.hot('keelson.api_key_find(bytea)', 'keelson_app');

-- Notes that a key was used, once a minute at most.
create function keelson.api_key_touch(p_tenant uuid, p_id uuid) returns void language plpgsql as $$
begin
  perform set_tenant(p_tenant);
  update api_keys k set last_used_at = now()
  where k.tenant_id = p_tenant and k.id = p_id
    and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
end $$;
call keelson.hot('keelson.api_key_touch(uuid, uuid)', 'keelson_app');

-- A hook with its workflow's state and latest version. Index hooks_id_key.
create function keelson.hook_find(p_id uuid)
returns table (
  tenant_id uuid, hook_id uuid, workflow_id uuid, trigger_id text, workflow_name text, workflow_status text,
  version_id uuid, version int, limits jsonb, tenant_deleted_at timestamptz)
language plpgsql security definer as $$
declare
  v_tenant uuid;
begin
  select h.tenant_id into v_tenant from hooks h where h.id = p_id;
  if not found then return; end if;
  perform set_tenant(v_tenant);
  return query
  select h.tenant_id, h.id, h.workflow_id, h.trigger_id, w.name, w.status, v.id, v.version, t.limits, t.deleted_at
  from hooks h
  join tenants t on t.id = h.tenant_id
  join workflows w on w.tenant_id = h.tenant_id and w.id = h.workflow_id
  join workflow_versions v on v.tenant_id = w.tenant_id and v.workflow_id = w.id and v.version = w.latest_version
  where h.tenant_id = v_tenant and h.id = p_id;
  perform set_config('app.tenant_id', '', true);
end $$;
call keelson.hot('keelson.hook_find(uuid)', 'keelson_app');

-- The operator's list of tenants, newest first; p_before: the last id of the page before, or null.
create policy lookup on keelson.tenants for select to keelson_owner using (true);
create function keelson.tenants_list(p_before uuid, p_limit int)
returns table (
  id uuid, slug text, name text, limits jsonb, created_at timestamptz, deleted_at timestamptz)
language sql security definer as $$
  select t.id, t.slug, t.name, t.limits, t.created_at, t.deleted_at from tenants t
  where p_before is null or t.id < p_before order by t.id desc limit p_limit
$$;
call keelson.hot('keelson.tenants_list(uuid, int)', 'keelson_app');
