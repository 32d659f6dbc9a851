// Guards of PostgreSQL: the fence, leases, mail, starts and the wall between tenants.
import type { Mutation } from "./mutation.ts";

const MIGRATIONS = "packages/db/migrations";
const GROUND = `${MIGRATIONS}/20261122000100_protect_tenant_tables/migration.sql`;
const EXECUTIONS = `${MIGRATIONS}/20261122000400_executions/migration.sql`;
const KEYS = `${MIGRATIONS}/20261122000500_deliveries_and_keys/migration.sql`;
const STARTS = `${MIGRATIONS}/20261122000700_starts/migration.sql`;
const LEASES = `${MIGRATIONS}/20261122000800_leases/migration.sql`;
const COMMIT = `${MIGRATIONS}/20261122000900_commit/migration.sql`;
const SWEEPS = `${MIGRATIONS}/20261122001100_sweeps/migration.sql`;
const FIRES = `${MIGRATIONS}/20261122001300_fires/migration.sql`;

const TRAPS_COMMIT = "packages/db/test/traps-commit.int.test.ts";
const TRAPS_LEASE = "packages/db/test/traps-lease.int.test.ts";
const TRAPS_MAIL = "packages/db/test/traps-mail.int.test.ts";
const CONFORMANCE = "packages/db/test/conformance.int.test.ts";
const CASES = "packages/engine/src/run/testing/conformance";
const ISOLATION = "packages/db/test/isolation.int.test.ts";
const STARTS_TEST = "packages/db/test/starts.int.test.ts";
const STORE = "packages/db/test/store.int.test.ts";
const POOL = "packages/db/test/pool.int.test.ts";

export const STORE_MUTATIONS: readonly Mutation[] = [
  {
    name: "commit-without-epoch",
    breaks: "compares no epoch when it commits (I2)",
    file: COMMIT,
    find: "and e.owner is not distinct from p_worker and e.epoch = x.epoch and e.seq = x.seq",
    replace: "and e.owner is not distinct from p_worker and e.seq = x.seq",
    caughtBy: [
      { file: TRAPS_COMMIT, title: "lets no session commit under an epoch that its own worker has left behind" },
    ],
  },
  {
    name: "commit-without-owner",
    breaks: "compares no owner when it commits (I2)",
    file: COMMIT,
    find: "and e.owner is not distinct from p_worker and e.epoch = x.epoch and e.seq = x.seq",
    replace: "and e.epoch = x.epoch and e.seq = x.seq",
    caughtBy: [
      { file: TRAPS_COMMIT, title: "takes no commit from a worker that is not the owner, whatever epoch it names" },
    ],
  },
  {
    name: "commit-without-seq",
    breaks: "compares no seq when it commits (T6)",
    file: COMMIT,
    find: "and e.owner is not distinct from p_worker and e.epoch = x.epoch and e.seq = x.seq",
    replace: "and e.owner is not distinct from p_worker and e.epoch = x.epoch",
    caughtBy: [{ file: TRAPS_COMMIT, title: "takes a commit sent again for what it is: applied once" }],
  },
  {
    name: "events-not-joined",
    breaks: "writes the events of members that did not pass the fence (T11)",
    file: COMMIT,
    find: `"executionId" uuid, epoch bigint, "firstSeq" int, "lastSeq" int, items jsonb)
  where y."executionId" = any(v_held);`,
    replace: `"executionId" uuid, epoch bigint, "firstSeq" int, "lastSeq" int, items jsonb);`,
    caughtBy: [
      {
        file: TRAPS_COMMIT,
        title: "writes nothing of that member: no step, event, attempt, label, child, letter, and eats no mail",
      },
    ],
  },
  {
    name: "group-locks-out-of-order",
    breaks: "locks a group's rows in another order than everybody else (T10)",
    file: COMMIT,
    find: 'order by i."executionId"\n',
    replace: 'order by i."executionId" desc\n',
    caughtBy: [
      {
        file: TRAPS_COMMIT,
        title: "waits for the first of a group before it locks the second, whatever order they are handed over in",
      },
    ],
  },
  {
    name: "release-over-mail",
    breaks: "gives a lease back over unread mail (T1, T2)",
    file: COMMIT,
    find: "select x.release and not x.id = any(p_mail) as gives_back",
    replace: "select x.release as gives_back",
    caughtBy: [
      {
        file: TRAPS_MAIL,
        title: "keeps the parent's lease where the child's end came before the release, and says that there is mail",
      },
    ],
  },
  {
    name: "finished-step-changes",
    breaks: "lets a commit change a finished step run (I3)",
    file: COMMIT,
    find: "where p_reopen or excluded.iter > s.iter or s.status not in ('succeeded', 'failed', 'skipped', 'cancelled');",
    replace: ";",
    caughtBy: [
      { file: STORE, title: "changes no finished step run but under a new iter (I3)" },
      { file: CONFORMANCE, title: "has finished step runs that no commit changes", titledIn: `${CASES}/ended.ts` },
    ],
  },
  {
    name: "ended-execution-changes",
    breaks: "lets an ended execution change (I3)",
    file: EXECUTIONS,
    find: "when (old.finished_at is not null and new.gen = old.gen)",
    replace: "when (false)",
    caughtBy: [
      {
        file: CONFORMANCE,
        title: "is free, told to its waiting parent, and changes by a retry alone",
        titledIn: `${CASES}/ended.ts`,
      },
    ],
  },
  {
    name: "claim-of-owned",
    breaks: "gives a lease that somebody has",
    file: LEASES,
    find: "where e.tenant_id = p_tenant and e.id = asked.id and e.owner is null and e.finished_at is null",
    replace: "where e.tenant_id = p_tenant and e.id = asked.id and e.finished_at is null",
    caughtBy: [
      { file: TRAPS_COMMIT, title: "keeps the lease until the attempt has ended; nobody else is given the execution" },
    ],
  },
  {
    name: "claim-under-same-epoch",
    breaks: "gives a lease without a new epoch (I2)",
    file: LEASES,
    find: "owner = p_worker, epoch = e.epoch + 1, wake_at = null, sweep_at = null,",
    replace: "owner = p_worker, wake_at = null, sweep_at = null,",
    caughtBy: [
      { file: CONFORMANCE, title: "is given to one of fifty who ask at once", titledIn: `${CASES}/leases.ts` },
    ],
  },
  {
    name: "claim-by-the-dead",
    breaks: "does not ask whether the claiming worker lives",
    file: LEASES,
    find: "where exists (select from workers w where w.id = p_worker and not w.dead and w.lease_until > now())",
    replace: "",
    caughtBy: [
      {
        file: CONFORMANCE,
        title: "is given to no worker that is dead, retired or unknown",
        titledIn: `${CASES}/leases.ts`,
      },
    ],
  },
  {
    name: "claim-waits-for-locks",
    breaks: "waits for executions that others have locked (SKIP LOCKED of the claim)",
    file: LEASES,
    find: "for no key update of e skip locked",
    replace: "for no key update of e",
    caughtBy: [{ file: TRAPS_LEASE, title: "takes what is free without waiting for what another session has locked" }],
  },
  {
    name: "sweep-waits-for-locks",
    breaks: "lets one locked execution hold up the sweep (SKIP LOCKED of the sweep)",
    file: SWEEPS,
    find: "order by e.sweep_at limit p_limit for no key update skip locked",
    replace: "order by e.sweep_at limit p_limit for no key update",
    caughtBy: [{ file: STORE, title: "passes by what another session has locked, and hands the rest on" }],
  },
  {
    name: "loss-not-counted",
    breaks: "counts no owner that died (T13)",
    file: SWEEPS,
    find: "losses = e.losses + lost.counts::int,",
    replace: "losses = e.losses,",
    caughtBy: [
      { file: TRAPS_LEASE, title: "counts owners lost in a row; a start is no progress, an attempt's outcome is" },
    ],
  },
  {
    name: "reap-of-the-living",
    breaks: "frees what a living worker holds",
    file: SWEEPS,
    find: "where e.owner is not null and (w.id is null or w.dead or w.lease_until <= now())",
    replace: "where e.owner is not null",
    caughtBy: [{ file: TRAPS_LEASE, title: "frees nothing of a worker that lives" }],
  },
  {
    name: "mail-of-any-generation",
    breaks: "shows a retried execution the mail of the run before (T7)",
    file: LEASES,
    find: "from inbox i where i.tenant_id = p_tenant and i.execution_id = e.id and i.gen = e.gen)\n  from unnest",
    replace: "from inbox i where i.tenant_id = p_tenant and i.execution_id = e.id)\n  from unnest",
    caughtBy: [
      {
        file: TRAPS_MAIL,
        title: "does not show the old cancel to the new run, nor hold its lease for it, and clears it away",
      },
    ],
  },
  {
    name: "start-beside-resume",
    breaks: "reads a workflow without locking it when it starts (T12)",
    file: STARTS,
    find: "select w.status into v_status from workflows w where w.tenant_id = p_tenant and w.id = p_workflow for share;",
    replace: "select w.status into v_status from workflows w where w.tenant_id = p_tenant and w.id = p_workflow;",
    caughtBy: [
      {
        file: TRAPS_MAIL,
        title: "makes the resume wait for starts that read the workflow as paused, and frees what they held",
      },
    ],
  },
  {
    name: "start-keys-not-unique",
    breaks: "lets an Idempotency-Key stand for several executions (I6)",
    file: KEYS,
    find: "primary key (tenant_id, workflow_id, key),",
    replace: "",
    caughtBy: [
      { file: STARTS_TEST, title: "waits for another with its key that is not committed yet, and is a repeat of that" },
    ],
  },
  {
    name: "delivery-keys-not-unique",
    breaks: "lets a webhook's repeat key stand for several executions (I6)",
    file: KEYS,
    find: "primary key (tenant_id, hook_id, key),",
    replace: "",
    caughtBy: [
      {
        file: STARTS_TEST,
        title: "waits for another with its repeat key that is not committed yet, and is a repeat of that",
      },
    ],
  },
  {
    name: "fire-unfenced",
    breaks: "settles due times that another scheduler has settled (I6)",
    file: FIRES,
    find: "where s.tenant_id = p_tenant and s.id = p_schedule and s.next_at = p_expected_at",
    replace: "where s.tenant_id = p_tenant and s.id = p_schedule",
    caughtBy: [
      {
        file: STARTS_TEST,
        title: "is settled by who saw it last: one that is late changes neither it nor the next one",
      },
    ],
  },
  {
    name: "fire-not-unique",
    breaks: "fires a due time that has fired (I6)",
    file: FIRES,
    find: `continue when exists (
      select from schedule_fires f
      where f.tenant_id = p_tenant and f.schedule_id = p_schedule and f.due_at = v_fire.due_at);`,
    replace: "",
    caughtBy: [
      { file: STARTS_TEST, title: "fires once, also where a save has set the schedule back to a time that has fired" },
    ],
  },
  {
    name: "policy-dropped",
    breaks: "has a tenant's table without a policy (I7)",
    file: EXECUTIONS,
    find: "call keelson.protect('keelson.step_runs');",
    replace: "",
    caughtBy: [
      { file: ISOLATION, title: "keeps its tenants apart, says the catalogue" },
      { file: ISOLATION, title: "neither shows nor takes a tenant's rows, as ${role} with the tenant ${setting}" },
    ],
  },
  {
    name: "policy-of-everything",
    breaks: "shows every tenant all rows (I7)",
    file: GROUND,
    find: "using (%s) with check (%s)',",
    replace: "using (true or %s) with check (true or %s)',",
    caughtBy: [
      { file: ISOLATION, title: "neither shows nor takes a tenant's rows, as ${role} with the tenant ${setting}" },
      { file: ISOLATION, title: "lets no row move to another tenant" },
    ],
  },
  {
    name: "force-dropped",
    breaks: "lets the tables' owner pass by the policies (I7)",
    file: GROUND,
    find: "execute format('alter table %s force row level security', p_table);",
    replace: "",
    caughtBy: [{ file: ISOLATION, title: "keeps its tenants apart, says the catalogue" }],
  },
  {
    name: "tenant-of-the-connection",
    breaks: "leaves a tenant set on the connection after its transaction (I7)",
    file: "packages/db/src/database.ts",
    find: "set_config('app.tenant_id', ${tenantId}, true)",
    replace: "set_config('app.tenant_id', ${tenantId}, false)",
    caughtBy: [
      { file: POOL, title: "has no tenant after a transaction, after a failed one, and after a call of the hot path" },
    ],
  },
  {
    name: "secret-nonce-reused",
    breaks: "encrypts secrets under one nonce (I8)",
    file: "packages/db/src/secret-box.ts",
    find: "const nonce = newNonce();",
    replace: "const nonce = newNonce().fill(7);",
    caughtBy: [{ file: "packages/db/src/secret-box.test.ts", title: "never seals twice alike" }],
  },
];
