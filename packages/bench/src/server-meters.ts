// What PostgreSQL and Redis have done so far, by their own counters, and what became of the executions.
import { Redis } from "ioredis";
import { Client } from "pg";

export interface ServerCounts {
  /** Transactions committed in the engine's database, those that only read included. */
  readonly commits: number;
  /** Transactions that wrote something: each took an id. */
  readonly writes: number;
  /** Statements as clients sent them. */
  readonly statements: number;
  readonly walBytes: number;
  /** As Redis counts them: those within scripts too. */
  readonly redisCommands: number;
}

export interface StatementCost {
  readonly query: string;
  readonly calls: number;
  readonly totalMs: number;
  readonly rows: number;
}

export interface Ends {
  readonly total: number;
  readonly succeeded: number;
}

export interface ServerMeters {
  readonly counts: () => Promise<ServerCounts>;
  /** Forgets the statements seen so far. */
  readonly forgetStatements: () => Promise<void>;
  /** Those that took most of PostgreSQL's time. */
  readonly costliest: (limit: number) => Promise<StatementCost[]>;
  /** Executions of the workflow and of its children. */
  readonly ends: (workflowNames: readonly string[]) => Promise<Ends>;
  readonly query: <R extends object>(sql: string, values?: readonly unknown[]) => Promise<R[]>;
  readonly close: () => Promise<void>;
}

/** A backend that has become idle tells what it has committed after this time at the latest; ms. */
export const COUNTS_SETTLE_MS = 10_500;

/** In another database than the engine's, so that it counts none of its own commits; `adminUrl` is the engine's. */
export async function openServerMeters(adminUrl: string, redisUrl: string): Promise<ServerMeters> {
  const engine = new URL(adminUrl).pathname.slice(1);
  const client = await connectMeter(adminUrl);
  const watcher = await connectMeter(Object.assign(new URL(adminUrl), { pathname: "/template1" }).href);
  const redis = new Redis(redisUrl);
  await client.query("create extension if not exists pg_stat_statements");
  const query = async <R extends object>(sql: string, values: readonly unknown[] = []): Promise<R[]> =>
    (await client.query<R>(sql, [...values])).rows;
  return {
    query,
    async counts() {
      const { rows } = await watcher.query<Record<string, string>>(
        `select d.xact_commit as commits, pg_snapshot_xmax(pg_current_snapshot())::text as writes,
           pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as wal
         from pg_stat_database d where d.datname = $1`,
        [engine],
      );
      const [statements] = await query<{ calls: string | null }>(
        "select sum(calls) as calls from pg_stat_statements where toplevel and dbid = (select oid from pg_database where datname = $1)",
        [engine],
      );
      const stats = await redis.info("stats");
      return {
        commits: Number(rows[0]?.["commits"]),
        writes: Number(rows[0]?.["writes"]),
        walBytes: Number(rows[0]?.["wal"]),
        statements: Number(statements?.calls ?? 0),
        redisCommands: Number(/total_commands_processed:(\d+)/.exec(stats)?.[1]),
      };
    },
    async forgetStatements() {
      await query("select pg_stat_statements_reset()");
    },
    costliest: async (limit) => {
      const rows = await query<{ query: string; calls: string; ms: number; rows: string }>(
        `select query, calls, total_exec_time as ms, rows from pg_stat_statements
         where dbid = (select oid from pg_database where datname = $1) order by total_exec_time desc limit $2`,
        [engine, limit],
      );
      return rows.map((row) => ({
        query: row.query.replace(/\s+/g, " ").slice(0, 300),
        calls: Number(row.calls),
        totalMs: row.ms,
        rows: Number(row.rows),
      }));
    },
    ends: (workflowNames) => countEnds(client, workflowNames),
    async close() {
      redis.disconnect();
      await Promise.all([client.end(), watcher.end()]);
    },
  };
}

/** Executions of these workflows, of all tenants. */
export async function countEnds(client: Client, workflowNames: readonly string[]): Promise<Ends> {
  const { rows } = await client.query<{ total: string; succeeded: string }>(
    `select count(*) as total, count(*) filter (where status = 'succeeded') as succeeded
     from keelson.executions where workflow_name = any($1)`,
    [workflowNames],
  );
  return { total: Number(rows[0]?.total), succeeded: Number(rows[0]?.succeeded) };
}

export async function connectMeter(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: "bench-meters" });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}
