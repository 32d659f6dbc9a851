-- Tenants, their API keys and secrets, and the record of who changed what. Breaking: no. Locks: none.

create table keelson.tenants (
  id uuid primary key,
  slug text not null check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  name text not null check (name <> ''),
  -- { apiPerMinute?, webhookPerMinute?, unfinishedExecutions? }: what differs from the defaults
  limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  -- Across tenants on purpose: slugs are the operator's to give.
  unique (slug)
);
call keelson.protect('keelson.tenants', 'id');
grant select, insert, update on keelson.tenants to keelson_app;
grant select on keelson.tenants to keelson_worker;

create table keelson.api_keys (
  tenant_id uuid not null references keelson.tenants,
  id uuid not null,
  hash bytea not null check (octet_length(hash) = 32), -- SHA-256 of the key; the key itself is shown once
  prefix text not null, -- its first characters, to recognise it by
  name text not null,
  scopes text[] not null check (scopes <@ array['read', 'write', 'trigger', 'admin']),
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  primary key (tenant_id, id),
  -- Across tenants: the look-up comes before the tenant is known. A hash of 160 random bits tells nobody anything.
  unique (hash)
);
call keelson.protect('keelson.api_keys');
-- For api_key_find alone, which is the owner's and returns the one key whose hash it was given.
create policy lookup on keelson.api_keys for select to keelson_owner using (true);
grant select, insert, update on keelson.api_keys to keelson_app;

create table keelson.secrets (
  tenant_id uuid not null references keelson.tenants,
  name text not null check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,127}$'),
  ciphertext bytea not null, -- AES-256-GCM with its tag; tenant and name are authenticated with it
  nonce bytea not null check (octet_length(nonce) = 12),
  key_version int not null check (key_version > 0), -- which master key
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, name)
);
call keelson.protect('keelson.secrets');
grant select, insert, update, delete on keelson.secrets to keelson_app;
grant select on keelson.secrets to keelson_worker;

create table keelson.audit_log (
  tenant_id uuid not null references keelson.tenants,
  id uuid not null,
  at timestamptz not null default now(),
  actor_type text not null,
  actor_id text,
  action text not null,
  target_type text not null,
  target_id text,
  details jsonb not null default '{}',
  primary key (tenant_id, id)
);
call keelson.protect('keelson.audit_log');
-- Written once: nobody may change it.
grant select, insert on keelson.audit_log to keelson_app;
