// Kinds of value that many requests and answers share.

import { z } from "zod";
import type { Json } from "../json.ts";

export const Id = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, "must be an id: a UUID in lower case")
  .meta({ description: "A UUIDv7.", format: "uuid", examples: ["0192f0c1-2a3b-7c4d-8e5f-60718293a4b5"] });
export type Id = z.infer<typeof Id>;

/** Of answers: RFC 3339 in UTC with milliseconds. */
export const Timestamp = z.iso.datetime({ precision: 3 }).meta({
  description: "RFC 3339 in UTC, with milliseconds.",
  examples: ["2026-01-31T09:30:00.000Z"],
  jsonSchema: { type: "string", format: "date-time", pattern: "^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$" },
});
export type Timestamp = z.infer<typeof Timestamp>;

/** Of requests: RFC 3339 with any offset. */
export const TimeInput = z.iso
  .datetime({ offset: true, error: "must be a time as RFC 3339 has it, such as 2026-01-31T09:30:00Z" })
  .transform((text) => new Date(text))
  .refine((time) => Math.abs(time.getTime()) < MAX_TIME_MS, "must lie between the years 1 and 9999")
  .meta({
    description: "A time as RFC 3339 has it, with any offset.",
    examples: ["2026-01-31T09:30:00Z"],
    jsonSchema: { type: "string", format: "date-time" },
  });
export type TimeInput = z.infer<typeof TimeInput>;
/** PostgreSQL's own range is wider than what RFC 3339 can write. */
const MAX_TIME_MS = 253_402_300_800_000;

/** Text for people: no control characters, not blank. */
export function title(maxChars: number) {
  return z
    .string()
    .min(1, "must not be empty")
    .max(maxChars, `must have at most ${maxChars} characters`)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must have no control characters")
    .refine((text) => text.trim() !== "", "must not be blank");
}

/** Any JSON value. */
export const AnyJson: z.ZodType<Json> = z.json().meta({
  description: "Any JSON value.",
  examples: [{ orderId: 42 }],
  jsonSchema: { type: ["object", "array", "string", "number", "boolean", "null"] },
});
