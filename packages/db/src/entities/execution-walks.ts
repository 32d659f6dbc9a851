// Which index answers which filter of executions (migrations/…_executions), and what is left to ask of each row.

import { isEnded, type ExecutionFilter } from "@keelson/contracts";
import { Prisma } from "../generated/client.ts";
import type { Walk } from "./walk.ts";

/** One way to everything that matches: its walks, and which parts of the filter they answer. */
export interface Way {
  readonly walks: readonly Walk[];
  readonly answers: readonly string[];
}

/**
 * The parts of a filter, as conditions on `e`; labels are `label 0`, `label 1`, …
 * `workflows`: the ids of those it names. `asked`: of the rows that walks yield, one by one, or of the table as a whole.
 */
export function partsOf(
  filter: ExecutionFilter,
  workflows: readonly string[] | undefined,
  asked: "of rows" | "of all",
): Map<string, Prisma.Sql> {
  const parts = new Map<string, Prisma.Sql>();
  const oneOf = (
    part: string,
    column: Prisma.Sql,
    values: readonly (string | number)[] | undefined,
    type: Prisma.Sql,
  ) => {
    if (values?.length === 1) parts.set(part, Prisma.sql`${column} = ${values[0]}::${type}`);
    else if (values !== undefined) parts.set(part, Prisma.sql`${column} = any(${values}::${type}[])`);
  };
  oneOf("workflow", Prisma.sql`e.workflow_id`, workflows, UUID);
  oneOf("version", Prisma.sql`e.version`, filter.version, Prisma.sql`int`);
  oneOf("status", Prisma.sql`e.status`, filter.status, TEXT);
  oneOf("trigger", Prisma.sql`e.trigger_type`, filter.trigger, TEXT);
  oneOf("parent", Prisma.sql`e.parent_id`, filter.parent, UUID);
  oneOf("replayOf", Prisma.sql`e.replay_of`, filter.replayOf, UUID);
  // Only failed ones have a code and a step; written out, it lets their partial indexes be used.
  if (errorsOnly(filter)) parts.set("failed", Prisma.sql`e.status = 'failed'`);
  oneOf("errorCode", Prisma.sql`e.error_code`, filter.errorCode, TEXT);
  oneOf("failedStep", Prisma.sql`e.failed_step`, filter.failedStep, TEXT);
  if (filter.retrying !== undefined) {
    parts.set("retrying", filter.retrying ? Prisma.sql`e.retrying` : Prisma.sql`not e.retrying`);
  }
  if (filter.since !== undefined) parts.set("since", Prisma.sql`e.created_at >= ${filter.since}`);
  if (filter.until !== undefined) parts.set("until", Prisma.sql`e.created_at < ${filter.until}`);
  for (const [index, { name, value }] of (filter.label ?? []).entries()) {
    const labelled = Prisma.sql`
      from keelson.execution_labels l where l.tenant_id = e.tenant_id and l.name = ${name} and l.value = ${value}
        and l.execution_id = e.id`;
    // Asked of some rows, `exists` may have PostgreSQL read all that have the label first; a value it looks up.
    const condition =
      asked === "of rows" ? Prisma.sql`(select true ${labelled})` : Prisma.sql`exists (select ${labelled})`;
    parts.set(`label ${index}`, condition);
  }
  return parts;
}

/** What a filter can be walked by, the likely shortest first. */
export function waysOf(filter: ExecutionFilter, workflows: readonly string[] | undefined): Way[] {
  const ways: Way[] = [
    ...wayBy("parent", PARENT, filter.parent, UUID, Prisma.sql`x.parent_id is not null`),
    ...wayBy("replayOf", REPLAY_OF, filter.replayOf, UUID, Prisma.sql`x.replay_of is not null`),
    ...(filter.retrying === true ? [{ walks: [walk([], Prisma.sql`x.retrying`)], answers: ["retrying"] }] : []),
    ...failedWays(filter, workflows),
    ...statusWays(filter),
    ...(filter.label ?? []).map(({ name, value }, index) => ({
      walks: [labelWalk(name, value)],
      answers: [`label ${index}`],
    })),
    ...wayBy("workflow", WORKFLOW, workflows, UUID, null),
  ];
  return ways.length > 0 ? ways : [{ walks: [walk([], null)], answers: [] }];
}

/** Of what failed, and nothing else. */
function failedWays(filter: ExecutionFilter, workflows: readonly string[] | undefined): Way[] {
  const { status = ["failed"], errorCode, failedStep } = filter;
  const only = filter.status?.every((one) => one === "failed") === true || errorsOnly(filter);
  if (!only || !status.includes("failed")) return [];
  return [
    ...wayBy("errorCode", Prisma.sql`x.error_code`, errorCode, TEXT, FAILED),
    ...wayBy("failedStep", Prisma.sql`x.failed_step`, failedStep, TEXT, FAILED),
    ...wayBy("workflow", WORKFLOW, workflows, UUID, FAILED),
  ].map((way) => ({ ...way, answers: [...way.answers, "failed", "status"] }));
}

/** Failed ones, cancelled ones and those that have not ended have indexes; those that succeeded are nearly all. */
function statusWays({ status }: ExecutionFilter): Way[] {
  if (status === undefined || status.includes("succeeded")) return [];
  const ended = [...new Set(status.filter(isEnded))].map((one) =>
    walk(
      [{ column: Prisma.sql`x.status`, value: Prisma.sql`${one}::text` }],
      Prisma.sql`x.status in ('failed', 'cancelled')`,
    ),
  );
  const open = new Set(status.filter((one) => !isEnded(one)));
  if (open.size === 0) return [{ walks: ended, answers: ["status"] }];
  const unfinished = walk([], Prisma.sql`x.finished_at is null`);
  return [{ walks: [...ended, unfinished], answers: open.size === 3 ? ["status"] : [] }];
}

function errorsOnly({ errorCode, failedStep }: ExecutionFilter): boolean {
  return errorCode !== undefined || failedStep !== undefined;
}

/** A walk for each value; none where the filter does not name any. */
function wayBy(
  part: string,
  column: Prisma.Sql,
  values: readonly string[] | undefined,
  type: Prisma.Sql,
  where: Prisma.Sql | null,
): Way[] {
  if (values === undefined) return [];
  const walks = [...new Set(values)].map((value) => walk([{ column, value: Prisma.sql`${value}::${type}` }], where));
  return [{ walks, answers: [part] }];
}

function walk(key: Walk["key"], where: Prisma.Sql | null): Walk {
  return { from: Prisma.sql`keelson.executions x`, key, id: Prisma.sql`x.id`, where, lookUp: null };
}

function labelWalk(name: string, value: string): Walk {
  return {
    from: Prisma.sql`keelson.execution_labels x`,
    key: [
      { column: Prisma.sql`x.name`, value: Prisma.sql`${name}::text` },
      { column: Prisma.sql`x.value`, value: Prisma.sql`${value}::text` },
    ],
    id: Prisma.sql`x.execution_id`,
    where: null,
    lookUp: Prisma.sql`keelson.executions`,
  };
}

const UUID = Prisma.sql`uuid`;
const TEXT = Prisma.sql`text`;
const WORKFLOW = Prisma.sql`x.workflow_id`;
const PARENT = Prisma.sql`x.parent_id`;
const REPLAY_OF = Prisma.sql`x.replay_of`;
const FAILED = Prisma.sql`x.status = 'failed'`;
