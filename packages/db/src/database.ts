// A service's way to PostgreSQL: one pool of its restricted login, for hand-written SQL and for Prisma alike.
// In code the tenant is a capability: rows are reached through `withTenant`, or by functions that set the tenant themselves.
import { PrismaPg } from "@prisma/adapter-pg";
import { Pool, type PoolClient, type QueryConfig, type QueryResultRow } from "pg";
import { isDirect } from "./direct-connection.ts";
import { PrismaClient, type Prisma } from "./generated/client.ts";
import { readMigrations } from "./migrate/migrate.ts";

/** What a tenant's work may do: Prisma within one transaction whose tenant is set. */
export type TenantTx = Prisma.TransactionClient;

export interface Database {
  readonly pool: Pool;
  /** One transaction in which PostgreSQL shows and takes rows of this tenant alone (I7). */
  withTenant<T>(tenantId: string, work: (tx: TenantTx) => Promise<T>): Promise<T>;
  /**
   * Calls one of the schema's functions, prepared, in a commit of its own; its rows. Rejects without an answer after
   * `timeoutMs`, default 17 s.
   */
  call<R extends QueryResultRow>(query: HotQuery, values: readonly unknown[], timeoutMs?: number): Promise<R[]>;
  /** As `call`, on a connection of the pool, in whatever transaction is open there. */
  callOn<R extends QueryResultRow>(client: PoolClient, query: HotQuery, values: readonly unknown[]): Promise<R[]>;
  /**
   * Work across tenants, by functions that answer with ids, counts, states and times alone. The reason is for whoever reads
   * the code: all such work is found by this name.
   */
  withSystem<T>(reason: string, work: (system: SystemCalls) => Promise<T>): Promise<T>;
  /** Throws unless the login is a member of `group` and can do no more than that. */
  assertRestricted(group: "keelson_app" | "keelson_worker" | "keelson_dispatcher"): Promise<void>;
  /** Throws unless every migration of this release is applied. */
  assertMigrated(): Promise<void>;
  close(): Promise<void>;
}

/** What work across tenants may do: call the schema's functions. */
export type SystemCalls = Pick<Database, "call">;

/** A named statement: prepared once on each connection; anew for each call where a pooler stands between. */
export interface HotQuery {
  readonly name: string;
  readonly text: string;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly applicationName: string;
  /** Connections of this process at the most; default 10. */
  readonly maxConnections?: number;
  /** Told of connections that broke while nobody used them. */
  readonly onIdleError?: (error: Error) => void;
}

/** How long to wait for a free connection, and for a new one: a burst is to wait rather than be refused; ms. */
const CONNECT_TIMEOUT_MS = 10_000;
/** No statement of a service takes longer; ms. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** Without an answer by then the connection is given up; ms. */
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 2_000;

export function openDatabase(options: DatabaseOptions): Database {
  const pool = new Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 3_000,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
  });
  pool.on("error", (error) => options.onIdleError?.(error));
  // The pool listens to those that nobody uses. One that breaks between two statements of a transaction tells whoever uses
  // it with the next one; without a listener it would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  pool.on("release", (_error, client) => closeIfInTransaction(client));
  pool.on("acquire", closeIfInTransaction);
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool, { schema: "keelson" }) });
  let migrated = false;
  let direct: boolean | undefined;
  /** The name stays with PostgreSQL's session, and through a pooler the next call may come to another one. */
  const configOf = (
    { name, text }: HotQuery,
    values: readonly unknown[],
    timeoutMs = QUERY_TIMEOUT_MS,
  ): TimedQuery => ({ ...(direct ? { name } : {}), text, values: [...values], query_timeout: timeoutMs });
  const call: Database["call"] = async <R extends QueryResultRow>(
    query: HotQuery,
    values: readonly unknown[],
    timeoutMs?: number,
  ) => {
    direct ??= await reachesDirectly(pool);
    const { rows } = await pool.query<R>(configOf(query, values, timeoutMs));
    return rows;
  };
  const callOn: Database["callOn"] = async <R extends QueryResultRow>(
    client: PoolClient,
    query: HotQuery,
    values: readonly unknown[],
  ) => {
    direct ??= await isDirect(client);
    const { rows } = await client.query<R>(configOf(query, values));
    return rows;
  };

  return {
    pool,
    withTenant: (tenantId, work) =>
      prisma.$transaction(
        async (tx) => {
          await tx.$queryRaw`select set_config('app.tenant_id', ${tenantId}, true)`;
          return work(tx);
        },
        { maxWait: CONNECT_TIMEOUT_MS, timeout: STATEMENT_TIMEOUT_MS },
      ),
    call,
    callOn,
    withSystem: (_reason, work) => work({ call }),
    assertRestricted: (group) => assertRestricted(pool, group),
    async assertMigrated() {
      if (migrated) await pool.query("select 1");
      else await assertMigrated(pool);
      migrated = true;
    },
    async close() {
      await prisma.$disconnect();
      if (!pool.ended) await pool.end();
    },
  };
}

/** pg knows a query's own time-out, its types do not. */
type TimedQuery = QueryConfig & { readonly query_timeout: number };

async function reachesDirectly(pool: Pool): Promise<boolean> {
  const client = await pool.connect();
  try {
    return await isDirect(client);
  } finally {
    client.release();
  }
}

/**
 * A transaction left open would hand its tenant to the connection's next user (I7). Closed when it comes back, the
 * connection is not kept; closed when it is handed out, whoever got it fails as if it had broken.
 */
function closeIfInTransaction(client: PoolClient): void {
  const status = client.getTransactionStatus();
  if (status === "T" || status === "E") void client.end().catch(() => undefined);
}

/** Who this login is, whether it is in the group $1, and what it can do, by itself or as another, that no service may. */
const POWER = `
  with acts_as as (select r.* from pg_roles r where pg_has_role(session_user, r.oid, 'member'))
  select session_user as name, pg_has_role(session_user, $1::text, 'usage') as member,
    case
      when bool_or(r.rolsuper) then 'is a superuser'
      when bool_or(r.rolbypassrls) then 'passes by row level security'
      when bool_or(r.rolreplication) then 'may replicate the whole database'
      when bool_or(r.rolcreaterole) then 'may create roles'
      when bool_or(r.rolname = 'keelson_owner') then 'can act as the owner of the schema'
      when exists (
        select from pg_class c where c.relnamespace = 'keelson'::regnamespace and c.relowner in (select oid from acts_as)
      ) then 'owns tables of the schema'
      when bool_or(r.rolname in ('keelson_app', 'keelson_worker', 'keelson_dispatcher') and r.rolname <> $1::text)
        and pg_has_role(session_user, $1::text, 'member')
        then 'is a member of another service''s group as well'
      when exists (
        select from pg_proc p
        where p.pronamespace = 'keelson'::regnamespace and p.proowner in (
          select oid from acts_as where rolname not in ('keelson_app', 'keelson_worker', 'keelson_dispatcher')
        )
      ) then 'owns functions of the schema'
      when bool_or(r.rolname ~ '^pg_(read|write)_(all_data|server_files)$' or r.rolname = 'pg_execute_server_program')
        then 'reads or writes more than the schema grants'
    end as power
  from acts_as r`;

async function assertRestricted(pool: Pool, group: string): Promise<void> {
  const { rows } = await pool.query<{ name: string; member: boolean; power: string | null }>(POWER, [group]);
  const login = rows[0];
  if (login === undefined) throw new Error("PostgreSQL does not know the role this service logged in as");
  if (login.power !== null) {
    throw new Error(
      `DATABASE_URL logs in as '${login.name}', which ${login.power}; give this service a login that is a member of ${group} and nothing more`,
    );
  }
  if (!login.member) throw new Error(`DATABASE_URL logs in as '${login.name}', which is no member of ${group}`);
}

async function assertMigrated(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    "select migration_name as name from keelson._prisma_migrations where finished_at is not null",
  );
  const applied = new Set(rows.map((row) => row.name));
  const missing = (await readMigrations()).filter(({ name }) => !applied.has(name));
  if (missing.length > 0)
    throw new Error(`The schema lacks ${missing.map(({ name }) => name).join(", ")}: migrate first`);
}
