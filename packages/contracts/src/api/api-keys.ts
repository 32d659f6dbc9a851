import { z } from "zod";
import { pageOf } from "./lists.ts";
import { Id, TimeInput, Timestamp, title } from "./values.ts";

export const SCOPES = ["read", "write", "trigger", "admin"] as const;
export const Scope = z
  .enum(SCOPES)
  .describe(
    "Scopes stand alone. read: every GET but audit; write: workflows, secrets, schedules; trigger: start, cancel, retry, replay, redeliver; admin: API keys and audit.",
  );
export type Scope = z.infer<typeof Scope>;

export const ApiKey = z
  .strictObject({
    id: Id,
    name: z.string().describe("Its name for people."),
    prefix: z.string().describe("The key's first characters, to recognise it by."),
    scopes: z.array(Scope).describe("What it may do."),
    createdAt: Timestamp,
    expiresAt: Timestamp.nullable().describe("From then on it is refused; null: never."),
    lastUsedAt: Timestamp.nullable().describe("To about a minute; null: not yet."),
  })
  .describe("A key of a tenant, without the key itself.");
export type ApiKey = z.infer<typeof ApiKey>;

export const ApiKeyPage = pageOf(ApiKey);
export type ApiKeyPage = z.infer<typeof ApiKeyPage>;

export const CreatedApiKey = z.strictObject({
  ...ApiKey.shape,
  key: z.string().describe("The key. It is shown this once, and kept nowhere."),
});
export type CreatedApiKey = z.infer<typeof CreatedApiKey>;

export const CreateApiKey = z.strictObject({
  name: title(200).describe("Name for people, at most 200 characters."),
  scopes: z
    .array(Scope)
    .min(1, "must name at least one scope")
    .max(SCOPES.length)
    .refine((scopes) => new Set(scopes).size === scopes.length, "must name each scope once")
    .meta({ uniqueItems: true })
    .optional()
    .describe("What the key may do. Default: all scopes."),
  expiresAt: TimeInput.nullable().optional().describe("When it expires, in the future. Default: never."),
});
export type CreateApiKey = z.infer<typeof CreateApiKey>;
