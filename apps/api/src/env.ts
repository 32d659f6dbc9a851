import { balancedEnv, envMasterKeys, envPort, envUrl, parseServiceEnv, serviceEnv } from "@keelson/service-kit";
import { z } from "zod";

const Env = z
  .object({
    ...serviceEnv,
    ...balancedEnv,
    API_PORT: envPort().prefault("4000"),
    INGRESS_PORT: envPort().prefault("4001"),
    KEELSON_PUBLIC_INGRESS_URL: envUrl(["http", "https"]).optional(),
    KEELSON_ADMIN_TOKEN: z
      .string()
      .regex(/^[\x21-\x7e]{8,}$/, "expected at least 8 printable characters without spaces"),
    KEELSON_MASTER_KEY: envMasterKeys(),
  })
  .transform((values) => ({
    ...values,
    /** Base of the hooks' addresses, without a slash at its end. */
    ingressUrl: (values.KEELSON_PUBLIC_INGRESS_URL ?? `http://127.0.0.1:${values.INGRESS_PORT}`).replace(/\/+$/, ""),
  }));

/** This service's configuration; the only place that reads the environment. */
export const env = parseServiceEnv(Env, process.env);
