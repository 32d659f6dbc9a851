// One intervention for many executions or deliveries. What it hits is fixed when it is created.

import { z } from "zod";
import { type Json, isJsonObject } from "../json.ts";
import { type JsonSchema, jsonSchemaOf } from "../json-schema.ts";
import { DeliveryFilter, DeliveryListItem } from "./deliveries.ts";
import { ExecutionFilter } from "./execution-list.ts";
import { ExecutionSummary } from "./executions.ts";
import { ReplayExecution } from "./interventions.ts";
import { PageQuery, pageOf } from "./lists.ts";
import { Id, Timestamp } from "./values.ts";

export const BULK_ACTIONS = ["retry", "cancel", "replay", "redeliver"] as const;
export type BulkActionKind = (typeof BULK_ACTIONS)[number];

/** What a bulk action hits at the most, and unless it says otherwise. */
export const MAX_BULK_ITEMS = 10_000;
export const DEFAULT_BULK_ITEMS = 1_000;
/** Items a dry run shows. */
export const BULK_SAMPLE = 10;
/** Refusals that are shown of one bulk action. */
export const MAX_BULK_REFUSALS = 100;
/** Of what starts work, unless it says otherwise: a second. */
export const DEFAULT_PER_SECOND = 100;

const Limit = z.int().min(1).max(MAX_BULK_ITEMS);

const Common = z.strictObject({
  ids: z
    .array(Id)
    .min(1)
    .max(MAX_BULK_ITEMS)
    .optional()
    .describe("Which ones, by id. One that is not there is refused with NOT_FOUND. Either this or `filter`."),
  dryRun: z.boolean().optional().describe("True: only say what would be hit. Default false."),
  limit: Limit.optional().describe(
    "Hits at most so many, oldest first, 1 to 10,000. Default 1,000; with `ids` all of them.",
  ),
  perSecond: z
    .number()
    .min(0.01)
    .max(1_000)
    .optional()
    .describe("Pace over all servers, 0.01 to 1,000 a second. Default 100; of `cancel`, as fast as it goes."),
  stopAfterFailures: z
    .int()
    .min(1)
    .max(MAX_BULK_ITEMS)
    .optional()
    .describe("Stops once so many were refused or failed. Default: never."),
});

const ofExecutions = {
  filter: jsonFilter(ExecutionFilter)
    .optional()
    .describe(
      "The filter of `GET /v1/executions`. Without `status`, `retry` takes those that failed and `cancel` those that have not ended. A child whose parent is hit as well is left to its parent.",
    ),
};

export const CreateBulkAction = z
  .discriminatedUnion("action", [
    z.strictObject({ action: z.enum(["retry", "cancel"]), ...ofExecutions, ...Common.shape }),
    z.strictObject({
      action: z.literal("replay"),
      ...ofExecutions,
      ...Common.shape,
      version: ReplayExecution.shape.version,
    }),
    z.strictObject({
      action: z.literal("redeliver"),
      filter: jsonFilter(DeliveryFilter).optional().describe("The filter of `GET /v1/deliveries`."),
      ...Common.shape,
    }),
  ])
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), {
    error: "needs either `filter` or `ids`; an empty filter is everything",
  })
  .meta({ anyOf: [{ required: ["ids"] }, { required: ["filter"] }] });
export type CreateBulkAction = z.infer<typeof CreateBulkAction>;

export const BulkRetry = z.strictObject({
  ...ExecutionFilter.pick({ since: true, until: true }).shape,
  workflow: z
    .preprocess((value) => queryValue("workflow", value), ExecutionFilter.shape.workflow)
    .optional()
    .meta({
      description: "Workflows, by name or id: several as an array, or parted by commas. Default: all.",
      jsonSchema: { type: ["string", "array"], items: { type: "string" } },
    }),
  limit: Limit.optional().describe("At most so many, oldest first, 1 to 10,000. Default 1,000."),
});
export type BulkRetry = z.infer<typeof BulkRetry>;

export const BulkRetryAnswer = z.strictObject({
  count: z.int().describe("How many failed executions will be retried."),
  id: Id.describe("Of the bulk action that does it."),
});
export type BulkRetryAnswer = z.infer<typeof BulkRetryAnswer>;

const matched = z.int().describe("How many it hits.");
const capped = z.boolean().describe("True where the filter matches more than `limit`, which are left alone.");

export const BulkDryRun = z.strictObject({
  matched,
  capped,
  sample: z
    .array(z.union([ExecutionSummary, DeliveryListItem]))
    .describe("The first ten that would be hit, as their list shows them."),
});
export type BulkDryRun = z.infer<typeof BulkDryRun>;

export const BulkAccepted = z.strictObject({ id: Id, matched, capped });
export type BulkAccepted = z.infer<typeof BulkAccepted>;

export const BULK_STATUSES = ["running", "succeeded", "cancelled", "stopped"] as const;

export const BulkActionListItem = z.strictObject({
  id: Id,
  action: z.enum(BULK_ACTIONS).describe("What is done to each."),
  status: z
    .enum(BULK_STATUSES)
    .describe(
      "succeeded: each one was tried; stopped: `stopAfterFailures` was reached; cancelled: somebody asked for it.",
    ),
  filter: z
    .record(z.string(), z.union([z.string(), z.boolean(), z.array(z.union([z.string(), z.number()]))]))
    .nullable()
    .describe("As it was understood; null where ids were named."),
  version: z
    .union([z.enum(["same", "latest"]), z.int()])
    .nullable()
    .describe("Of a replay."),
  perSecond: z.number().nullable().describe("Null: as fast as it goes."),
  stopAfterFailures: z.int().nullable().describe("It stops once so many were refused or failed; null: never."),
  matched,
  capped,
  done: z.int().describe("Those that were tried: succeeded, refused and failed."),
  succeeded: z.int().describe("Those to which it was done."),
  refused: z.int().describe("Those whose single call would have been refused."),
  failed: z.int().describe("Those at which something went wrong here."),
  createdAt: Timestamp,
  finishedAt: Timestamp.nullable().describe("When it was over; null while it runs."),
  createdBy: z.strictObject({ type: z.string(), id: z.string().nullable() }).describe("As the audit log has it."),
});
export type BulkActionListItem = z.infer<typeof BulkActionListItem>;

export const BulkAction = z
  .strictObject({
    ...BulkActionListItem.shape,
    refusals: z
      .array(z.strictObject({ id: Id, code: z.string(), message: z.string() }))
      .describe("The first hundred that were refused or failed: of what, and the problem that its single call has."),
  })
  .describe("One intervention for many.");
export type BulkAction = z.infer<typeof BulkAction>;

export const BulkActionPage = pageOf(BulkActionListItem);
export type BulkActionPage = z.infer<typeof BulkActionPage>;

export const BulkActionListQuery = PageQuery;

/** A list's filter as JSON: each value as the query string has it, or as a number, a boolean or an array. */
function jsonFilter<T extends z.ZodObject>(filter: T) {
  return z
    .preprocess(
      (value) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
          ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, queryValue(key, one)]))
          : value,
      filter,
    )
    .meta({ jsonSchema: jsonFilterSchema(filter) });
}

/** Each parameter as it is in a query string, or as JSON would have it. */
function jsonFilterSchema(filter: z.ZodObject): JsonSchema {
  const { properties = {}, ...rest } = jsonSchemaOf(filter, "input");
  const asJson = (property: Json): Json => {
    if (!isJsonObject(property)) return property;
    const { type, "x-repeated": _, ...keywords } = property;
    return type === "array" ? { ...keywords, type: ["array", "string", "integer"] } : property;
  };
  return {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties ?? {}).map(([key, one]) => [key, asJson(one)])),
  };
}

/** Labels may hold commas: several of them are an array in the query string as well. */
function queryValue(key: string, value: unknown): unknown {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (!Array.isArray(value) || key === "label") return value;
  return value.every((one) => typeof one === "string" || typeof one === "number") ? value.join(",") : value;
}
