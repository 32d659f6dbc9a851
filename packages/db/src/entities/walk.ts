// Lists by any filter at a cost that does not grow with the history: a walk backwards over one index, newest first, that
// looks at so many rows and no more (docs/adr/0011). What the index does not answer is asked of each row that it yields.
// A walk that was cut says where it stopped, and the next page goes on from there.
//
// The key of a walk is compared as a range and named in its order, so that PostgreSQL can take no index but the one that
// was meant: given `column = value order by id`, it would rather read the primary key where the value is frequent, and then
// go through all of a history whose newest part has it not.

import type { TenantTx } from "../database.ts";
import { Prisma } from "../generated/client.ts";
import type { Page } from "./page.ts";

/** Rows that one list looks at, divided among its walks. */
export const WALK_ROWS = 5_000;
/** The same where each row is looked up in another table. */
export const WALK_LOOK_UPS = 500;
/** Rows that a count looks up at the most. */
const COUNT_LOOK_UPS = 2_500;
/** Every walk may look at as many, however many there are: more than a page has. */
const FEWEST_ROWS = 200;
/** How far it is looked which walk is short. */
const PROBE_ROWS = 200;

/** One ordered walk: `from`, as `x`, by an index on (tenant_id, …key, id). */
export interface Walk {
  readonly from: Prisma.Sql;
  readonly key: readonly { readonly column: Prisma.Sql; readonly value: Prisma.Sql }[];
  readonly id: Prisma.Sql;
  /** The predicate of a partial index. */
  readonly where: Prisma.Sql | null;
  /** The table that is listed, where `from` is another: its rows are looked up. */
  readonly lookUp: Prisma.Sql | null;
}

/** What a list asks for: several walks never yield the same row. */
export interface Walks {
  readonly tenantId: string;
  readonly walks: readonly Walk[];
  /** Asked of each row, as `e`; empty: the walks answer everything. */
  readonly residual: readonly Prisma.Sql[];
  /** To ask a row takes a look-up in another table. */
  readonly dear: boolean;
  /** Ids from `from` up to but not including `to`. */
  readonly from: string;
  readonly to: string;
}

interface Walked {
  readonly id: string;
  readonly hit: boolean;
  /** Which row of its walk, from 1. */
  readonly n: number;
}

/** One page. `head` is what it tells of each row `e`, the id among it. */
export async function walkList<T extends { readonly id: string }>(
  tx: TenantTx,
  list: Walks,
  head: Prisma.Sql,
  limit: number,
): Promise<Page<T>> {
  const most = mostOf(list);
  const hit = allOf(list.residual);
  const branches = list.walks.map(
    (walk) => Prisma.sql`(
      select ${head}, e.n::int as n, ${hit} as hit from (${walkOf(list, walk, most, "numbered")}) as e
      where ${hit} or e.n = ${most} order by ${orderOf(walk)} limit ${limit + 1})`,
  );
  return pageOf(await tx.$queryRaw<(T & Walked)[]>`${Prisma.join(branches, " union all ")}`, most, limit);
}

/** How many match among so many that are looked at, at most `cap` + 1; `complete`: there are no more to look at. */
export async function walkCount(
  tx: TenantTx,
  list: Walks,
  cap: number,
): Promise<{ readonly hits: number; readonly complete: boolean }> {
  const { residual, walks, dear } = list;
  const lookUps = dear || (residual.length > 0 && walks.some(({ lookUp }) => lookUp !== null));
  const most = lookUps ? Math.min(COUNT_LOOK_UPS, cap + 1) : cap + 1;
  const branches = walks.map(
    (walk) => Prisma.sql`(${walkOf(list, walk, most, residual.length === 0 ? "ids" : "rows")})`,
  );
  const rows = await tx.$queryRaw<{ hits: number; looked: number }[]>`
    select count(*)::int as looked, (count(*) filter (where c.hit))::int as hits from (
      select ${allOf(residual)} as hit from (${Prisma.join(branches, " union all ")}) as e limit ${most}
    ) as c`;
  const { hits = 0, looked = 0 } = rows[0] ?? {};
  return { hits, complete: looked < most };
}

/** Of several ways to the same rows, the one that ends first; of those that all are long, the first. */
export async function shortestOf<T extends Walks>(tx: TenantTx, ways: readonly [T, ...T[]]): Promise<T> {
  if (ways.length === 1) return ways[0];
  const probes = ways.map((way, index) => {
    const branches = way.walks.map((walk) => Prisma.sql`(${walkOf(way, walk, PROBE_ROWS, "ids")})`);
    return Prisma.sql`select ${index}::int as way, count(*)::int as rows from (
      select from (${Prisma.join(branches, " union all ")}) as e limit ${PROBE_ROWS}) as p`;
  });
  const probed = await tx.$queryRaw<{ way: number; rows: number }[]>`
    ${Prisma.join(probes, " union all ")} order by rows, way limit 1`;
  return ways[probed[0]?.way ?? 0] ?? ways[0];
}

/** The conditions as one that is true or false, never null. */
function allOf(conditions: readonly Prisma.Sql[]): Prisma.Sql {
  return conditions.length === 0 ? Prisma.sql`true` : Prisma.sql`((${Prisma.join([...conditions], " and ")}) is true)`;
}

/** Of each walk of a list. */
function mostOf({ walks, dear }: Walks): number {
  const most = dear || walks.some(({ lookUp }) => lookUp !== null) ? WALK_LOOK_UPS : WALK_ROWS;
  return Math.max(FEWEST_ROWS, Math.floor(most / walks.length));
}

/** The first `most` of a walk: ids, for which the index may be enough; rows; or rows with the key and their number, from 1. */
function walkOf({ tenantId, from, to }: Walks, walk: Walk, most: number, as: "ids" | "rows" | "numbered"): Prisma.Sql {
  const { key, id, where, lookUp } = walk;
  const columns = [...key.map(({ column }) => column), id];
  const bound = (at: string) => Prisma.join([...key.map(({ value }) => value), Prisma.sql`${at}::uuid`]);
  const order = Prisma.join(columns.map((column) => Prisma.sql`${column} desc`));
  const added = [
    ...key.map(({ column }, index) => Prisma.sql`${column} as ${KEY_NAMES[index] ?? Prisma.empty}`),
    Prisma.sql`row_number() over (order by ${order}) as n`,
  ];
  const selected = [
    as === "ids" || lookUp !== null ? Prisma.sql`${id} as walk_id` : Prisma.sql`x.*`,
    ...(as === "numbered" ? added : []),
  ];
  const walked = Prisma.sql`
    select ${Prisma.join(selected)} from ${walk.from}
    where x.tenant_id = ${tenantId}::uuid ${where === null ? Prisma.empty : Prisma.sql`and ${where}`}
      and (${Prisma.join(columns)}) >= (${bound(from)}) and (${Prisma.join(columns)}) < (${bound(to)})
    order by ${order} limit ${most}`;
  if (as === "ids" || lookUp === null) return walked;
  const names = as === "numbered" ? [...KEY_NAMES.slice(0, key.length), Prisma.sql`n`] : [];
  return Prisma.sql`select ${Prisma.join([Prisma.sql`t.*`, ...names.map((name) => Prisma.sql`x.${name}`)])}
    from (${walked}) as x join ${lookUp} as t on t.tenant_id = ${tenantId}::uuid and t.id = x.walk_id`;
}

const KEY_NAMES = [Prisma.sql`walk_key_1`, Prisma.sql`walk_key_2`];

function orderOf(walk: Walk): Prisma.Sql {
  const names = KEY_NAMES.slice(0, walk.key.length);
  return Prisma.join([...names.map((name) => Prisma.sql`e.${name} desc`), Prisma.sql`e.id desc`]);
}

/** Walks that were cut hold the page up: what is older than where one of them stopped may have neighbours yet unseen. */
function pageOf<T extends { readonly id: string }>(
  rows: readonly (T & Walked)[],
  most: number,
  limit: number,
): Page<T> {
  const stops = rows.filter(({ n }) => n === most).map(({ id }) => id);
  const stoppedAt = stops.toSorted().at(-1);
  const hits = rows
    .filter(({ hit, id }) => hit && (stoppedAt === undefined || id >= stoppedAt))
    .toSorted((one, other) => (one.id < other.id ? 1 : -1));
  const items = hits.slice(0, limit).map((row) => row);
  if (hits.length > limit) return { items, more: true };
  return stoppedAt === undefined ? { items, more: false } : { items, more: true, stoppedAt };
}
