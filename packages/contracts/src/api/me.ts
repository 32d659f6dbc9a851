import { z } from "zod";
import { ApiKey } from "./api-keys.ts";
import { TenantLimits } from "./tenants.ts";
import { Id, Timestamp } from "./values.ts";

export const Me = z.strictObject({
  kind: z.enum(["tenant", "operator"]).describe("Whose key this is."),
  tenant: z.strictObject({ id: Id, slug: z.string(), name: z.string(), limits: TenantLimits }).nullable(),
  apiKey: ApiKey.pick({ id: true, name: true, prefix: true, scopes: true, expiresAt: true }).nullable(),
  server: z.strictObject({
    version: z.string(),
    time: Timestamp,
    ingressUrl: z.string().describe("Base of the hooks' addresses."),
  }),
});
export type Me = z.infer<typeof Me>;
