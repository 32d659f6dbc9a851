import type { Database } from "../database.ts";

/** Several of the schema's functions in one commit. Rolls back and rejects where `work` rejects. */
export async function inTransaction<T>(db: Database, work: (tx: Database) => Promise<T>): Promise<T> {
  const client = await db.pool.connect();
  try {
    await client.query("begin");
    const result = await work({
      ...db,
      call: async (query, values) => (await client.query({ ...query, values: [...values] })).rows,
    });
    await client.query("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw error;
  } finally {
    client.release();
  }
}
