// What pg_dump and pg_restore do to the schema `keelson`, where they are not to be had for this PostgreSQL: every row as of one
// snapshot, and back into the tables as the migrations make them, without triggers.
import { migrateDatabase } from "@keelson/db";
import { Client } from "pg";

interface TableDump {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** A list of lists of texts. */
  readonly rows: string;
}
interface Dump {
  readonly tables: readonly TableDump[];
  readonly sequences: readonly { readonly name: string; readonly value: string }[];
}

/** Taken while everything goes on. */
export async function dumpSchema(adminUrl: string): Promise<string> {
  return inTransaction(adminUrl, "begin isolation level repeatable read", async (client) => {
    const { rows } = await client.query<Omit<TableDump, "rows">>(
      `select c.oid::regclass::text as table, json_agg(json_build_object(
         'name', quote_ident(a.attname), 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum) as columns
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
       where c.relnamespace = 'keelson'::regnamespace and c.relkind = 'r' group by c.oid`,
    );
    const tables: TableDump[] = [];
    for (const of of rows) {
      const texts = of.columns.map(({ name }) => `${name}::text`).join(", ");
      const dumped = await client.query<{ rows: string }>(
        `select coalesce(json_agg(json_build_array(${texts})), '[]')::text as rows from ${of.table}`,
      );
      tables.push({ ...of, rows: dumped.rows[0]!.rows });
    }
    const sequences = await client.query<{ name: string; value: string }>(
      `select format('%I.%I', schemaname, sequencename) as name, last_value::text as value from pg_sequences
       where schemaname = 'keelson' and last_value is not null`,
    );
    return JSON.stringify({ tables, sequences: sequences.rows } satisfies Dump);
  });
}

/** Into a database without the schema. */
export async function restoreSchema(adminUrl: string, dump: string): Promise<void> {
  const { tables, sequences } = JSON.parse(dump) as Dump;
  await migrateDatabase({ adminUrl });
  await inTransaction(adminUrl, "begin", async (client) => {
    await client.query("set local session_replication_role = replica");
    await client.query(`truncate ${tables.map(({ table }) => table).join(", ")}`);
    for (const { table, columns, rows } of tables) {
      const names = columns.map(({ name }) => name).join(", ");
      const values = columns.map(({ type }, index) => `(r ->> ${index})::${type}`).join(", ");
      await client.query(
        `insert into ${table} (${names}) overriding system value select ${values} from json_array_elements($1) as r`,
        [rows],
      );
    }
    for (const { name, value } of sequences) await client.query("select setval($1, $2)", [name, value]);
  });
}

async function inTransaction<T>(url: string, begin: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query("commit");
    return result;
  } finally {
    await client.end();
  }
}
