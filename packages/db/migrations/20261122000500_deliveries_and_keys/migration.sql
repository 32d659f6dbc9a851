-- What arrived at the ingress, and the small tables that make a repeat the same execution (I6). Breaking: no. Locks: none.

create table keelson.deliveries (
  tenant_id uuid not null,
  id uuid not null,
  hook_id uuid not null,
  workflow_id uuid not null,
  status text not null check (status in ('accepted', 'duplicate', 'rejected')),
  reason jsonb, -- { code, text, hint }
  repeat_key text,
  headers jsonb not null default '{}',
  query jsonb not null default '{}',
  content_type text,
  body bytea not null default '', -- the raw bytes
  execution_id uuid, -- may be retired before the delivery
  redelivery_of uuid,
  received_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, hook_id) references keelson.hooks,
  check (status = 'rejected' or execution_id is not null),
  check (status <> 'rejected' or (execution_id is null and reason is not null))
);
-- Lists, newest first; without a filter the primary key is read backwards.
create index deliveries_by_hook on keelson.deliveries (tenant_id, hook_id, id);
create index deliveries_by_workflow on keelson.deliveries (tenant_id, workflow_id, id);
create index deliveries_rejected on keelson.deliveries (tenant_id, id) where status = 'rejected';
create index deliveries_retention on keelson.deliveries (received_at);
call keelson.protect('keelson.deliveries');
create policy dispatcher_reads on keelson.deliveries for select to keelson_dispatcher using (true);
create policy dispatcher_retires on keelson.deliveries for delete to keelson_dispatcher using (true);
grant select, insert on keelson.deliveries to keelson_app;
grant select (tenant_id, id, received_at), delete on keelson.deliveries to keelson_dispatcher;

-- Repeat keys of accepted deliveries alone: a refused one uses up no key.
create table keelson.delivery_keys (
  tenant_id uuid not null,
  hook_id uuid not null,
  key text not null check (octet_length(key) <= 1024),
  execution_id uuid not null, -- the first one; told to repeats though it may be deleted by now
  at timestamptz not null default now(),
  primary key (tenant_id, hook_id, key),
  foreign key (tenant_id, hook_id) references keelson.hooks
);
create index delivery_keys_retention on keelson.delivery_keys (at);
call keelson.protect('keelson.delivery_keys');
create policy dispatcher_reads on keelson.delivery_keys for select to keelson_dispatcher using (true);
create policy dispatcher_retires on keelson.delivery_keys for delete to keelson_dispatcher using (true);
grant select, insert on keelson.delivery_keys to keelson_app;
grant select (tenant_id, hook_id, key, at), delete on keelson.delivery_keys to keelson_dispatcher;

-- Idempotency keys of starts through the API: per workflow, for as long as the execution is kept.
create table keelson.idempotency_keys (
  tenant_id uuid not null,
  workflow_id uuid not null,
  key text not null check (octet_length(key) <= 1024),
  body_hash bytea not null,
  execution_id uuid not null,
  primary key (tenant_id, workflow_id, key),
  -- Checked at the commit: the key is taken before the execution is inserted.
  foreign key (tenant_id, execution_id) references keelson.executions on delete cascade deferrable initially deferred
);
create index idempotency_keys_of on keelson.idempotency_keys (tenant_id, execution_id);
call keelson.protect('keelson.idempotency_keys');
grant select, insert on keelson.idempotency_keys to keelson_app;
