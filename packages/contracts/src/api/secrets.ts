import { z } from "zod";
import { withheld } from "../wording/withheld.ts";
import { pageOf } from "./lists.ts";
import { Timestamp } from "./values.ts";

const MAX_SECRET_CHARS = 65_536;

export const PutSecret = z.strictObject({
  value: z
    .string()
    .min(1, "must not be empty")
    .max(MAX_SECRET_CHARS, `must have at most ${MAX_SECRET_CHARS} characters`)
    .describe("The secret, at most 65,536 characters. It is never shown again."),
});
PutSecret.register(withheld, { why: "It holds a secret." });
export type PutSecret = z.infer<typeof PutSecret>;

export const SecretEntry = z
  .strictObject({
    name: z.string().meta({ description: "By which documents name it.", examples: ["PAY_TOKEN"] }),
    createdAt: Timestamp,
    updatedAt: Timestamp,
  })
  .describe("A secret without its value.");
export type SecretEntry = z.infer<typeof SecretEntry>;

export const SecretPage = pageOf(SecretEntry);
export type SecretPage = z.infer<typeof SecretPage>;
