// Whether a connection is PostgreSQL's own. A pooler tells its own number for the session, and may lend PostgreSQL's session
// to others after each transaction: an advisory lock or a named statement means nothing there.
import type { Client, PoolClient } from "pg";

export async function isDirect(client: Client | PoolClient): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return "processID" in client && client.processID === rows[0]?.pid;
}
