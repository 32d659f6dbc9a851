-- Workflows, their immutable versions, and what starts them. Breaking: no. Locks: none.

create table keelson.workflows (
  tenant_id uuid not null references keelson.tenants,
  id uuid not null,
  name text not null check (name ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
  description text,
  status text not null default 'active' check (status in ('active', 'paused', 'archived')),
  latest_version int not null default 1 check (latest_version >= 1),
  tags text[] not null default '{}' check (cardinality(tags) <= 16),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  archived_at timestamptz,
  primary key (tenant_id, id),
  check ((archived_at is not null) = (status = 'archived'))
);
-- An archived workflow's name is free again.
create unique index workflows_name on keelson.workflows (tenant_id, name) where status <> 'archived';
call keelson.protect('keelson.workflows');
grant select, insert, update on keelson.workflows to keelson_app;
grant select on keelson.workflows to keelson_worker;
-- `for share` asks for the right to update something (T12).
grant update (updated_at) on keelson.workflows to keelson_worker;

create table keelson.workflow_versions (
  tenant_id uuid not null,
  id uuid not null,
  workflow_id uuid not null,
  version int not null check (version >= 1),
  definition json not null, -- json, not jsonb: a document is given back as it was written
  content_hash text not null, -- of the canonical document: an identical one makes no new version
  timeout_ms bigint check (timeout_ms > 0), -- the document's, so that a start need not parse it
  note text,
  created_by text,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, workflow_id, version),
  foreign key (tenant_id, workflow_id) references keelson.workflows
);
call keelson.protect('keelson.workflow_versions');
-- Immutable, so that caching one by its id can never be stale.
grant select, insert on keelson.workflow_versions to keelson_app;
grant select on keelson.workflow_versions to keelson_worker;

-- A webhook's address. It lasts over versions: known by workflow and trigger id; the latest version says how it is signed.
create table keelson.hooks (
  tenant_id uuid not null,
  id uuid not null,
  workflow_id uuid not null,
  trigger_id text not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, workflow_id, trigger_id),
  foreign key (tenant_id, workflow_id) references keelson.workflows,
  -- Across tenants: the look-up comes before the tenant is known.
  unique (id)
);
call keelson.protect('keelson.hooks');
-- For hook_find alone.
create policy lookup on keelson.hooks for select to keelson_owner using (true);
grant select, insert on keelson.hooks to keelson_app;

-- A schedule lasts over versions like a hook. cron … input are the latest version's.
create table keelson.schedules (
  tenant_id uuid not null,
  id uuid not null,
  workflow_id uuid not null,
  trigger_id text not null,
  cron text not null,
  timezone text not null,
  missed text not null check (missed in ('skip', 'latest', 'all')),
  overlap text not null check (overlap in ('allow', 'skip')),
  input json not null default 'null',
  status text not null default 'active' check (status in ('active', 'paused')),
  in_latest boolean not null default true, -- false: left out of the latest version, or the workflow is archived
  next_at timestamptz, -- the next due time; advanced in the transaction that settles it
  last_fired_at timestamptz,
  last_success_at timestamptz, -- the due time of its last execution that succeeded
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, workflow_id, trigger_id),
  foreign key (tenant_id, workflow_id) references keelson.workflows
);
-- What a scheduler's tick looks at.
create index schedules_due on keelson.schedules (next_at)
  where status = 'active' and in_latest and next_at is not null;
call keelson.protect('keelson.schedules');
create policy dispatcher_reads on keelson.schedules for select to keelson_dispatcher using (true);
grant select, insert, update on keelson.schedules to keelson_app;
grant select, update (last_success_at) on keelson.schedules to keelson_worker;
grant select (tenant_id, id, workflow_id, trigger_id, cron, timezone, missed, overlap, status, in_latest, next_at)
  on keelson.schedules to keelson_dispatcher;

-- Every due time and what became of it. The primary key makes it fire once, whatever number of schedulers run.
create table keelson.schedule_fires (
  tenant_id uuid not null,
  schedule_id uuid not null,
  due_at timestamptz not null,
  -- Of several in one row, all of which came to nothing: the last, and their number; null: too many to be counted.
  until_at timestamptz check (until_at > due_at),
  count int default 1 check (count >= 1),
  status text not null check (status in ('fired', 'skipped', 'missed')),
  reason text, -- a code
  execution_id uuid,
  settled_at timestamptz not null default now(),
  primary key (tenant_id, schedule_id, due_at),
  foreign key (tenant_id, schedule_id) references keelson.schedules,
  check ((status = 'fired') = (execution_id is not null)),
  check (until_at is not null or count = 1),
  check (until_at is null or status <> 'fired')
);
create index schedule_fires_retention on keelson.schedule_fires (settled_at);
call keelson.protect('keelson.schedule_fires');
create policy dispatcher_reads on keelson.schedule_fires for select to keelson_dispatcher using (true);
create policy dispatcher_retires on keelson.schedule_fires for delete to keelson_dispatcher using (true);
grant select, insert on keelson.schedule_fires to keelson_app;
grant select (tenant_id, schedule_id, due_at, settled_at), delete on keelson.schedule_fires to keelson_dispatcher;
