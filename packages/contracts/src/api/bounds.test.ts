// The bounds of requests that docs/contract.md gives as numbers, at their edge.
import { expect, it } from "vitest";
import type { z } from "zod";
import { CreateBulkAction } from "./bulk-actions.ts";
import { PageQuery } from "./lists.ts";
import { CapacityQuery } from "./ops.ts";
import { PreviewSchedule } from "./schedules.ts";
import { PatchTenant } from "./tenants.ts";

const bulk = { action: "retry", filter: {} };
const preview = { cron: "0 0 * * *" };

it.each<[string, z.ZodType, good: readonly object[], bad: readonly object[]]>([
  ["a page", PageQuery, [{ limit: "1" }, { limit: "100" }], [{ limit: "0" }, { limit: "101" }, { limit: "1.5" }]],
  [
    "a bulk action's limit",
    CreateBulkAction,
    [
      { ...bulk, limit: 1 },
      { ...bulk, limit: 10_000 },
    ],
    [
      { ...bulk, limit: 0 },
      { ...bulk, limit: 10_001 },
    ],
  ],
  [
    "a bulk action's pace",
    CreateBulkAction,
    [
      { ...bulk, perSecond: 0.01 },
      { ...bulk, perSecond: 1_000 },
    ],
    [
      { ...bulk, perSecond: 0.009 },
      { ...bulk, perSecond: 1_001 },
    ],
  ],
  [
    "a preview",
    PreviewSchedule,
    [
      { ...preview, count: 1 },
      { ...preview, count: 100 },
    ],
    [
      { ...preview, count: 0 },
      { ...preview, count: 101 },
    ],
  ],
  [
    "an age",
    CapacityQuery,
    [{ maxAgeSeconds: "1" }, { maxAgeSeconds: "86400" }],
    [{ maxAgeSeconds: "0" }, { maxAgeSeconds: "86401" }],
  ],
  [
    "a tenant's limit",
    PatchTenant,
    [{ limits: { apiPerMinute: 1 } }, { limits: {} }],
    [{ limits: { apiPerMinute: 0 } }, { limits: { other: 1 } }],
  ],
])("%s has the documented bounds", (_what, schema, good, bad) => {
  for (const value of good) expect(schema.safeParse(value).error).toBeUndefined();
  for (const value of bad) expect(schema.safeParse(value).success).toBe(false);
});

it("a preview has five fire times in UTC, unless told otherwise", () => {
  expect(PreviewSchedule.parse(preview)).toMatchObject({ count: 5, timezone: "UTC" });
});
