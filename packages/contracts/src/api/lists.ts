// How lists are asked for and answered: pages, newest first, by an opaque cursor.

import { z } from "zod";
import { jsonSchemaOf } from "../json-schema.ts";

export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 100;

/** A whole number in a query string. */
export function queryInteger(min: number, max: number) {
  const rule = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,15}$/, rule)
    .transform(Number)
    .refine((value) => value >= min && value <= max, rule)
    .meta({ jsonSchema: { type: "integer", minimum: min, maximum: max } });
}

/** One or more values, parted by commas. */
export function commaList<T>(item: z.ZodType<T, string>, maxItems = 50) {
  return z
    .string()
    .transform((text) => text.split(","))
    .pipe(z.array(item).max(maxItems, `must name at most ${maxItems}, parted by commas`))
    .meta({ jsonSchema: { type: "array", items: jsonSchemaOf(item, "input"), minItems: 1, maxItems } });
}

export const queryBoolean = z
  .enum(["true", "false"], { error: "must be true or false" })
  .transform((text) => text === "true")
  .meta({ jsonSchema: { type: "boolean" } });

/** Every list's own parameters. */
export const PageQuery = z.strictObject({
  limit: queryInteger(1, MAX_PAGE).optional().describe("Items of a page, 1 to 100. Default 20."),
  cursor: z.string().max(2_000).optional().describe("`nextCursor` of the page before, with the same filters."),
});
export type PageQuery = z.infer<typeof PageQuery>;

/** A page of items, newest first unless said. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    items: z.array(item).describe("At most `limit` of them, newest first unless said."),
    nextCursor: z
      .string()
      .nullable()
      .describe("Send it as `cursor` for the next page, also after one with few items or none; null on the last one."),
  });
}
