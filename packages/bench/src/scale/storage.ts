// What an execution leaves in PostgreSQL: bytes by table, and the row versions that vacuum has to clear away.
import type { Bench } from "../bench.ts";

export interface TableSize {
  readonly table: string;
  readonly heapBytes: number;
  readonly indexBytes: number;
  /** Values out of line. */
  readonly toastBytes: number;
  readonly inserted: number;
  /** Updated or deleted: each leaves a dead version behind. */
  readonly dead: number;
  /** Of these, updated within their page, so that no index had to be written. */
  readonly hot: number;
}

export async function readSizes(bench: Bench): Promise<TableSize[]> {
  const rows = await bench.meters.query<Readonly<Record<keyof TableSize, string>>>(
    `select c.relname as "table", pg_relation_size(c.oid) as "heapBytes", pg_indexes_size(c.oid) as "indexBytes",
       pg_total_relation_size(c.oid) - pg_relation_size(c.oid) - pg_indexes_size(c.oid) as "toastBytes",
       s.n_tup_ins as inserted, s.n_tup_upd + s.n_tup_del as dead, s.n_tup_hot_upd as hot
     from pg_class c join pg_stat_user_tables s on s.relid = c.oid
     where c.relnamespace = 'keelson'::regnamespace and c.relkind = 'r' order by c.relname`,
  );
  return rows.map(({ table, ...counts }) => ({
    table,
    heapBytes: Number(counts.heapBytes),
    indexBytes: Number(counts.indexBytes),
    toastBytes: Number(counts.toastBytes),
    inserted: Number(counts.inserted),
    dead: Number(counts.dead),
    hot: Number(counts.hot),
  }));
}

/** What came to be between the two, for each of so many executions; the largest first, tables without a change left out. */
export function perExecution(
  before: readonly TableSize[],
  after: readonly TableSize[],
  executions: number,
): TableSize[] {
  const was = new Map(before.map((size) => [size.table, size]));
  return after
    .map((size) => {
      const each = (key: Exclude<keyof TableSize, "table">): number =>
        (size[key] - (was.get(size.table)?.[key] ?? 0)) / Math.max(1, executions);
      return {
        table: size.table,
        heapBytes: each("heapBytes"),
        indexBytes: each("indexBytes"),
        toastBytes: each("toastBytes"),
        inserted: each("inserted"),
        dead: each("dead"),
        hot: each("hot"),
      };
    })
    .filter((size) => bytesOf(size) > 0 || size.inserted + size.dead > 0)
    .toSorted((a, b) => bytesOf(b) - bytesOf(a));
}

export function bytesOf({ heapBytes, indexBytes, toastBytes }: TableSize): number {
  return heapBytes + indexBytes + toastBytes;
}
