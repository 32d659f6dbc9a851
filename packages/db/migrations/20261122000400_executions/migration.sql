-- Executions, their step runs, history and mail, and the workers that hold them. Breaking: no. Locks: none.

-- One incarnation of a worker a row. An execution's lease is (owner, epoch) and lives as long as its owner's row says
-- (T5); one that is dead never returns.
create table keelson.workers (
  -- By chance, not in turn: restored from a backup, a sequence would give the id of a worker that still lives to another,
  -- and with it that worker's leases (I2). An advisory lock takes 31 bits of it; one that is taken is drawn again.
  id bigint primary key default 1 + floor(random() * 2147483646),
  name text not null,
  started_at timestamptz not null default now(),
  renewed_at timestamptz not null default now(),
  lease_until timestamptz not null,
  watched boolean not null default false, -- it holds its advisory lock, so that its death can be seen early
  dead boolean not null default false,
  stopped boolean not null default false, -- said goodbye: what it leaves behind counts as no loss (T13)
  stats jsonb not null default '{}' -- its heartbeat: load, memory, loop lag
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
grant select, insert, update on keelson.workers to keelson_worker;
grant select, update (dead), delete on keelson.workers to keelson_dispatcher;
grant select on keelson.workers to keelson_app;

create table keelson.executions (
  tenant_id uuid not null,
  id uuid not null,
  workflow_id uuid not null,
  workflow_name text not null, -- as it was then: a rename does not rewrite history
  version_id uuid not null,
  version int not null,

  -- Where it stands. `seq` counts its events; the first, execution.queued, is this row itself.
  status text not null default 'queued'
    check (status in ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
  gen int not null default 1 check (gen >= 1), -- a retry of an ended execution adds one (T7)
  seq int not null default 1 check (seq >= 1),
  failing jsonb, -- the first failure that nothing can handle
  summary jsonb, -- { progress, current, retrying }, kept by the transitions
  retrying boolean not null default false,

  -- The lease, and when it must be looked at if nobody holds it.
  owner bigint,
  epoch bigint not null default 0 check (epoch >= 0),
  wake_at timestamptz, -- due from then on
  sweep_at timestamptz, -- the sweep looks at it then: a little later than wake_at, the hint comes first
  held boolean not null default false, -- accepted while its workflow was paused
  losses smallint not null default 0 check (losses >= 0), -- owners lost in a row without an attempt's outcome (T13)
  lost_owners bigint[] not null default '{}', -- those: one that turns out to live takes its loss back

  trigger_type text not null check (trigger_type in ('webhook', 'schedule', 'api', 'subworkflow')),
  -- Payloads are json, not jsonb, which reorders keys: a retry must send the same bytes, and json(x) say the same.
  trigger json not null,
  input json not null default 'null',
  output json,
  error jsonb,
  error_code text, -- of `error`, as columns: row security keeps indexes on expressions from being used
  failed_step text,
  labels jsonb,
  trace json, -- { traceparent, tracestate? } of what started it, carried on to http targets

  timeout_ms bigint check (timeout_ms > 0), -- of the version, from started_at
  deadline_at timestamptz, -- the earlier of its own and its waiting parent's
  -- No foreign keys here: parent and origin may be retired before it.
  parent_id uuid, -- whose step waits for it
  parent_step text,
  parent_gen int,
  nesting smallint not null default 0 check (nesting >= 0),
  quiet_failure boolean not null default false, -- its failure starts no onFailure
  replay_of uuid,
  schedule_id uuid,
  scheduled_at timestamptz,

  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,

  foreign key (tenant_id, workflow_id) references keelson.workflows,
  foreign key (tenant_id, version_id) references keelson.workflow_versions,

  -- What cannot be:
  constraint ended_is_finished check ((status in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null)),
  constraint ended_is_free check (finished_at is null or (owner is null and wake_at is null and sweep_at is null and not held)),
  constraint leased_is_not_due check (owner is null or (wake_at is null and sweep_at is null)),
  constraint held_is_queued check (not held or status = 'queued'),
  -- Free, neither waiting nor held, and no sweep that would find it: stuck (I5).
  constraint free_is_found check (
    owner is not null or finished_at is not null or held or status = 'waiting' or sweep_at is not null),
  constraint woken_is_swept check (wake_at is null or sweep_at is not null),
  constraint output_of_success check (output is null or status = 'succeeded'),
  constraint failure_has_error check (status <> 'failed' or error is not null),
  constraint parent_is_whole check (num_nulls(parent_id, parent_step, parent_gen) in (0, 3))
) with (
  fillfactor = 70,
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0
);
-- The protocol's: partial and small, whatever the history.
-- `finished_at is null` says nothing new: who leaves it out is looking for one tenant's, and means another index, which
-- a plan made while there is one tenant would else not tell from this.
create index executions_due on keelson.executions (sweep_at) where sweep_at is not null and finished_at is null;
create index executions_owned on keelson.executions (owner) where owner is not null;
create index executions_held on keelson.executions (tenant_id, workflow_id) where held;
create index executions_unfinished on keelson.executions (tenant_id, id) where finished_at is null;
create index executions_lost on keelson.executions (tenant_id, id) where losses > 0 and finished_at is null;
create index executions_retention on keelson.executions (finished_at) where finished_at is not null;
create index executions_of_schedule on keelson.executions (tenant_id, schedule_id)
  where schedule_id is not null and finished_at is null;
-- The lists': newest first, since ids sort by time. Without a filter the primary key is read backwards. What is written once,
-- at an end that is no success, may have several; what every start and every transition would write has one (docs/adr/0011).
create index executions_by_workflow on keelson.executions (tenant_id, workflow_id, id);
create index executions_failed on keelson.executions (tenant_id, error_code, id) where status = 'failed';
create index executions_failed_step on keelson.executions (tenant_id, failed_step, id) where status = 'failed';
create index executions_failed_workflow on keelson.executions (tenant_id, workflow_id, id) where status = 'failed';
create index executions_unsuccessful on keelson.executions (tenant_id, status, id) where status in ('failed', 'cancelled');
create index executions_retrying on keelson.executions (tenant_id, id) where retrying;
create index executions_children on keelson.executions (tenant_id, parent_id, id) where parent_id is not null;
create index executions_replays on keelson.executions (tenant_id, replay_of, id) where replay_of is not null;
-- The last one: of indexes that cost the same while the table is small, the planner takes the youngest.
alter table keelson.executions add primary key (tenant_id, id);

call keelson.protect('keelson.executions');
create policy dispatcher_reads on keelson.executions for select to keelson_dispatcher using (true);
create policy dispatcher_frees on keelson.executions for update to keelson_dispatcher using (true) with check (true);
create policy dispatcher_retires on keelson.executions for delete to keelson_dispatcher using (finished_at is not null);
grant select, insert, update on keelson.executions to keelson_app, keelson_worker;
grant
  select (tenant_id, id, workflow_id, status, gen, seq, owner, epoch, wake_at, sweep_at, held, losses,
    lost_owners, deadline_at, schedule_id, created_at, started_at, finished_at),
  update (owner, epoch, wake_at, sweep_at, losses, lost_owners),
  delete
on keelson.executions to keelson_dispatcher;

-- Ended rows are written once (I3). A retry opens one by adding to its generation.
create function keelson.refuse_change_of_ended() returns trigger language plpgsql as $$
begin
  raise exception 'execution % has ended: it changes by a retry alone', old.id using errcode = 'check_violation';
end $$;
create trigger ended_is_written_once before update on keelson.executions
  for each row when (old.finished_at is not null and new.gen = old.gen)
  execute function keelson.refuse_change_of_ended();

-- What lets others speak to an execution: nobody but its holder writes its row (T1, T2).
create table keelson.inbox (
  tenant_id uuid not null,
  execution_id uuid not null,
  id bigint generated always as identity,
  gen int not null, -- the generation it is meant for (T7)
  kind text not null check (kind in ('cancel', 'childEnded', 'wake')),
  step_id text,
  source_id uuid, -- the child that ended
  at timestamptz not null default now(),
  primary key (tenant_id, execution_id, id),
  foreign key (tenant_id, execution_id) references keelson.executions on delete cascade,
  check (kind <> 'childEnded' or (step_id is not null and source_id is not null))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
create index inbox_at on keelson.inbox (at);
call keelson.protect('keelson.inbox');
create policy dispatcher_reads on keelson.inbox for select to keelson_dispatcher using (true);
create policy dispatcher_clears on keelson.inbox for delete to keelson_dispatcher using (true);
grant select, insert, delete on keelson.inbox to keelson_app, keelson_worker;
grant select (tenant_id, execution_id, id, gen, at), delete on keelson.inbox to keelson_dispatcher;

-- One row a step that something has happened to.
create table keelson.step_runs (
  tenant_id uuid not null,
  execution_id uuid not null,
  step_id text not null,
  status text not null
    check (status in ('pending', 'running', 'waiting', 'succeeded', 'failed', 'skipped', 'cancelled')),
  iter int not null default 1 check (iter >= 1), -- which run of the step; a manual retry adds one
  key_iter int not null default 1 check (key_iter between 1 and iter), -- the suffix of its Idempotency-Key
  attempt int not null default 0 check (attempt >= 0),
  failures int not null default 0 check (failures between 0 and attempt),
  wait text check (wait in ('delay', 'backoff', 'child')),
  due_at timestamptz,
  branch text,
  input json, -- frozen before the effect; secrets stand as ***
  output json,
  output_bytes int, -- of its text: small ones come with the claim, others when they are named
  error jsonb,
  in_doubt boolean not null default false,
  child_id uuid,
  started_at timestamptz,
  sent_at timestamptz, -- when the last attempt was started
  finished_at timestamptz,
  reason jsonb,
  primary key (tenant_id, execution_id, step_id),
  foreign key (tenant_id, execution_id) references keelson.executions on delete cascade,
  constraint waiting_says_for_what check ((status = 'waiting') = (wait is not null)),
  constraint due_is_waiting check (due_at is null or status = 'waiting'),
  constraint finished_is_ended check (finished_at is null or status in ('succeeded', 'failed', 'skipped', 'cancelled'))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
call keelson.protect('keelson.step_runs');
grant select, insert, update on keelson.step_runs to keelson_app, keelson_worker;

-- Finished attempts, for the record; the one in flight stands in its step run.
create table keelson.attempts (
  tenant_id uuid not null,
  execution_id uuid not null,
  step_id text not null,
  iter int not null,
  attempt int not null,
  started_at timestamptz not null,
  finished_at timestamptz not null default now(),
  outcome text not null check (outcome in ('succeeded', 'failed', 'timed_out', 'cancelled', 'in_doubt')),
  error jsonb,
  next_attempt_at timestamptz,
  idempotency_key text,
  request jsonb,
  response jsonb,
  primary key (tenant_id, execution_id, step_id, iter, attempt),
  foreign key (tenant_id, execution_id) references keelson.executions on delete cascade
);
call keelson.protect('keelson.attempts');
grant select, insert on keelson.attempts to keelson_app, keelson_worker;

-- The history, a row a commit: its items are the events first_seq … last_seq. The primary key is the last line of
-- defence against one transition being committed twice (I2).
create table keelson.event_batches (
  tenant_id uuid not null,
  execution_id uuid not null,
  first_seq int not null check (first_seq >= 2), -- 1 is execution.queued, at the execution's created_at
  last_seq int not null,
  at timestamptz not null default now(),
  epoch bigint not null,
  items jsonb not null, -- [{ type, stepId?, attempt?, data? }]
  primary key (tenant_id, execution_id, first_seq),
  foreign key (tenant_id, execution_id) references keelson.executions on delete cascade,
  constraint batch_is_whole check (jsonb_array_length(items) = last_seq - first_seq + 1 and last_seq >= first_seq)
);
call keelson.protect('keelson.event_batches');
grant select, insert on keelson.event_batches to keelson_app, keelson_worker;

-- Executions by a business key: row security keeps an index on JSON from being used, so labels are rows.
create table keelson.execution_labels (
  tenant_id uuid not null,
  name text not null,
  value text not null,
  execution_id uuid not null,
  primary key (tenant_id, name, value, execution_id),
  foreign key (tenant_id, execution_id) references keelson.executions on delete cascade
);
create index execution_labels_of on keelson.execution_labels (tenant_id, execution_id);
call keelson.protect('keelson.execution_labels');
grant select on keelson.execution_labels to keelson_app;
grant select, insert on keelson.execution_labels to keelson_worker;
