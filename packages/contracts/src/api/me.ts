import { z } from "zod";
import { ApiKey } from "./api-keys.ts";
import { TenantLimits } from "./tenants.ts";
import { Id, Timestamp } from "./values.ts";

export const Me = z.strictObject({
  kind: z.enum(["tenant", "operator"]).describe("Whose key this is."),
  tenant: z
    .strictObject({ id: Id, slug: z.string(), name: z.string(), limits: TenantLimits })
    .nullable()
    .describe("Whose key it is; null for the operator."),
  apiKey: ApiKey.pick({ id: true, name: true, prefix: true, scopes: true, expiresAt: true })
    .nullable()
    .describe("The key itself; null for the operator."),
  server: z
    .strictObject({
      version: z.string(),
      time: Timestamp,
      ingressUrl: z.string().describe("Base of the hooks' addresses."),
    })
    .describe("The api that answers."),
});
export type Me = z.infer<typeof Me>;
