-- The value that a secret had before its last change, for a day: so that a request still signed with it can be explained. It
-- passes no check of a signature. Breaking: no. Locks: secrets, for a moment.

create table keelson.replaced_secrets (
  tenant_id uuid not null,
  name text not null,
  ciphertext bytea not null, -- sealed as in secrets
  nonce bytea not null check (octet_length(nonce) = 12),
  key_version int not null check (key_version > 0),
  replaced_at timestamptz not null default now(),
  primary key (tenant_id, name),
  -- A secret that is deleted takes what it was before with it.
  foreign key (tenant_id, name) references keelson.secrets on delete cascade
);
create index replaced_secrets_retention on keelson.replaced_secrets (replaced_at);
call keelson.protect('keelson.replaced_secrets');
create policy dispatcher_reads on keelson.replaced_secrets for select to keelson_dispatcher using (true);
create policy dispatcher_retires on keelson.replaced_secrets for delete to keelson_dispatcher using (true);
grant select, insert, update on keelson.replaced_secrets to keelson_app;
grant select (tenant_id, name, replaced_at), delete on keelson.replaced_secrets to keelson_dispatcher;

grant create on schema keelson to keelson_dispatcher;
grant execute on procedure keelson.hot to keelson_dispatcher;
set local role keelson_dispatcher;

create function keelson.replaced_secrets_retire(p_before timestamptz, p_limit int) returns int
language plpgsql security definer as $$
declare
  v_count int;
begin
  if not pg_try_advisory_xact_lock(hashtext('keelson.replaced_secrets_retire'), 0) then return 0; end if;
  delete from replaced_secrets r using (
    select x.tenant_id, x.name from replaced_secrets x
    where x.replaced_at < p_before order by x.replaced_at limit p_limit
  ) as old
  where r.tenant_id = old.tenant_id and r.name = old.name;
  get diagnostics v_count = row_count;
  return v_count;
end $$;
call keelson.hot('keelson.replaced_secrets_retire(timestamptz, int)', 'keelson_dispatcher');

set local role keelson_owner;
revoke create on schema keelson from keelson_dispatcher;
revoke execute on procedure keelson.hot from keelson_dispatcher;
