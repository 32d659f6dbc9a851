import type { PoolClient } from "pg";
import type { Database } from "../database.ts";

/** The connections of transactions that are open. */
const open = new WeakMap<Database, PoolClient>();

/**
 * Several of the schema's functions in one commit. Rolls back and rejects where `work` rejects. Within a transaction it is a
 * part of that: its commit is the whole's, and it rolls back alone.
 */
export async function inTransaction<T>(db: Database, work: (tx: Database) => Promise<T>): Promise<T> {
  const outer = open.get(db);
  if (outer !== undefined) {
    return between(
      outer,
      ["savepoint part", "release savepoint part", "rollback to savepoint part; release savepoint part"],
      () => work(db),
    );
  }
  const client = await db.pool.connect();
  const tx: Database = {
    ...db,
    call: (query, values) => db.callOn(client, query, values),
  };
  open.set(tx, client);
  try {
    return await between(client, ["begin", "commit", "rollback"], () => work(tx));
  } finally {
    client.release();
  }
}

async function between<T>(
  client: PoolClient,
  [begin, commit, rollback]: readonly [string, string, string],
  work: () => Promise<T>,
): Promise<T> {
  try {
    await client.query(begin);
    const result = await work();
    await client.query(commit);
    return result;
  } catch (error) {
    await client.query(rollback).catch(() => undefined);
    throw error;
  }
}
