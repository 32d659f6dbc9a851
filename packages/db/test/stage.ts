// Short ways to what nearly every test of the store begins with: an execution started, a lease, a commit, a session of
// one role on a connection of its own.
import type { Json } from "@keelson/contracts";
import type { ClaimedExecution, CommitItem, CommitVerdict, ExecutionRef } from "@keelson/engine";
import type { Started } from "@keelson/engine/testing/conformance";
import { eventually } from "@keelson/testkit";
import { Client } from "pg";
import { v7 as newId } from "uuid";
import { executionClaim, executionCommit, executionStart, type Database, type HotQuery } from "../src/index.ts";
import type { World } from "./world.ts";

export const NO_STEPS = { steps: [] };

export { endOf, itemOf, releaseOf, succeededStep, type Started } from "@keelson/engine/testing/conformance";

/** An execution of a new workflow, or of `of`, free and due. */
export async function startOne(
  world: World,
  options: { tenantId?: string; of?: { workflowId: string; versionId: string }; input?: Json } = {},
): Promise<Started> {
  const tenantId = options.tenantId ?? (await world.tenant());
  const of = options.of ?? (await world.workflow(tenantId, NO_STEPS));
  const executionId = newId();
  const verdict = await executionStart(
    world.app,
    startRequest({ tenantId, ...of, executionId }, options.input ?? null),
  );
  if (verdict.kind !== "started") throw new Error(`Not started: ${verdict.kind}`);
  return { tenantId, executionId, ...of };
}

export function startRequest(of: Started, input: Json = null) {
  return {
    tenantId: of.tenantId,
    workflowId: of.workflowId,
    start: {
      executionId: of.executionId,
      versionId: of.versionId,
      triggerType: "api" as const,
      trigger: { type: "api" },
      input,
    },
    idempotency: null,
    maxUnfinished: null,
  };
}

/** A worker's row, without the process behind it; alive for `ttlMs`. */
export async function registerWorker(world: World, ttlMs = 60_000): Promise<string> {
  const { rows } = await world.worker.pool.query<{ worker_id: string }>(
    "select worker_id from keelson.worker_register('test', $1)",
    [ttlMs],
  );
  return rows[0]!.worker_id;
}

export async function claimOne(world: World, workerId: string, ref: ExecutionRef): Promise<ClaimedExecution> {
  const [answer] = await executionClaim(world.worker, workerId, ref.tenantId, [ref.executionId]);
  if (answer?.kind !== "claimed") throw new Error(`Not claimed: ${JSON.stringify(answer)}`);
  return answer.execution;
}

export async function commitOne(world: World, workerId: string, item: CommitItem): Promise<CommitVerdict> {
  const [verdict] = await executionCommit(world.worker, workerId, item.tenantId, [item]);
  return verdict!;
}

export interface ExecutionFacts {
  readonly status: string;
  readonly gen: number;
  readonly seq: number;
  readonly owner: string | null;
  readonly epoch: string;
  readonly held: boolean;
  readonly losses: number;
  readonly due: boolean;
  readonly wake_at: Date | null;
  readonly sweep_at: Date | null;
  readonly output: Json;
  readonly error: { code: string } | null;
}

/** The row as it stands, whoever asks. */
export async function factsOf(world: World, ref: ExecutionRef): Promise<ExecutionFacts> {
  const { rows } = await world.admin.query<ExecutionFacts>(
    `select status, gen, seq, owner, epoch, held, losses, coalesce(wake_at <= now(), false) as due, wake_at, sweep_at,
       output, error
     from keelson.executions where tenant_id = $1 and id = $2`,
    [ref.tenantId, ref.executionId],
  );
  return rows[0]!;
}

/** How many rows of a table belong to an execution. */
export async function countOf(world: World, table: string, ref: ExecutionRef): Promise<number> {
  const { rows } = await world.admin.query<{ n: number }>(
    `select count(*)::int as n from keelson.${table} where tenant_id = $1 and execution_id = $2`,
    [ref.tenantId, ref.executionId],
  );
  return rows[0]!.n;
}

/** A connection of its own, for explicit transactions; ended with the world. */
export interface PgSession {
  readonly client: Client;
  readonly pid: number;
}

export async function openSession(world: World, role: "app" | "worker" | "dispatcher" | "admin"): Promise<PgSession> {
  const client = new Client({ connectionString: world.urls[role], application_name: `session-${role}` });
  client.on("error", () => undefined);
  await client.connect();
  world.onClose(() => client.end());
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return { client, pid: rows[0]!.pid };
}

/** The store's statements within this session's transaction. */
export function inSession(world: World, session: PgSession): Database {
  return {
    ...world.worker,
    call: async (query: HotQuery, values: readonly unknown[]) =>
      (await session.client.query(query.text, [...values])).rows,
  };
}

/** Resolves once that session waits for a lock: the window is open. */
export async function untilBlocked(world: World, pid: number): Promise<void> {
  await eventually(async () => {
    const { rows } = await world.admin.query(
      "select 1 from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'",
      [pid],
    );
    if (rows.length === 0) throw new Error(`Session ${pid} waits for no lock`);
  });
}

/** Runs `work` with a function changed as `mutate` says, in this database alone, and puts it back. */
export async function withMutation<T>(
  world: World,
  name: string,
  mutate: (definition: string) => string,
  work: () => Promise<T>,
): Promise<T> {
  const { rows } = await world.admin.query<{ definition: string }>(
    "select pg_get_functiondef(p.oid) as definition from pg_proc p where p.pronamespace = 'keelson'::regnamespace and proname = $1",
    [name],
  );
  const { definition } = rows[0]!;
  const changed = mutate(definition);
  if (changed === definition) throw new Error(`The mutation of ${name} changes nothing`);
  await world.admin.query(changed);
  try {
    return await work();
  } finally {
    await world.admin.query(definition);
  }
}
