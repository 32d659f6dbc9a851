import { z } from "zod";
import { pageOf } from "./lists.ts";
import { CreatedApiKey } from "./api-keys.ts";
import { Id, Timestamp, title } from "./values.ts";

/** What a tenant has where its operator sets nothing else. */
export const DEFAULT_TENANT_LIMITS = { apiPerMinute: 600, webhookPerMinute: 1_200, unfinishedExecutions: 10_000 };

const limit = z.int().min(1).max(1_000_000_000);

export const TenantLimits = z.strictObject({
  apiPerMinute: limit.describe("Requests a minute of one API key. Default 600."),
  webhookPerMinute: limit.describe("Rightly signed requests a minute to one webhook. Default 1,200."),
  unfinishedExecutions: limit.describe(
    "Executions that have not ended, beyond which no new one is taken. Default 10,000.",
  ),
});
export type TenantLimits = z.infer<typeof TenantLimits>;

export const Tenant = z
  .strictObject({
    id: Id,
    slug: z.string().describe("Its short name, unique among the tenants."),
    name: z.string().describe("Its name for people."),
    limits: TenantLimits,
    createdAt: Timestamp,
  })
  .describe("An isolated customer of the engine.");
export type Tenant = z.infer<typeof Tenant>;

export const TenantPage = pageOf(Tenant);
export type TenantPage = z.infer<typeof TenantPage>;

export const CreateTenant = z.strictObject({
  slug: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must be 1 to 63 of a-z, 0-9 and '-', not beginning with '-'")
    .describe("Short name, unique among the tenants: 1 to 63 of a-z, 0-9 and '-', not beginning with '-'."),
  name: title(200).describe("Name for people, at most 200 characters."),
});
export type CreateTenant = z.infer<typeof CreateTenant>;

export const CreatedTenant = z.strictObject({
  tenant: Tenant,
  apiKey: CreatedApiKey.describe("Its first key, with all scopes; shown this once."),
});
export type CreatedTenant = z.infer<typeof CreatedTenant>;

export const PatchTenant = z.strictObject({
  limits: TenantLimits.partial().optional().describe("The limits to change; those left out stay as they are."),
});
export type PatchTenant = z.infer<typeof PatchTenant>;
