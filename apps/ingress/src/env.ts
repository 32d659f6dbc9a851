import { balancedEnv, envMasterKeys, envPort, envUrl, parseServiceEnv, serviceEnv } from "@keelson/service-kit";
import { z } from "zod";

const Env = z
  .object({
    ...serviceEnv,
    ...balancedEnv,
    INGRESS_PORT: envPort().prefault("4001"),
    KEELSON_PUBLIC_INGRESS_URL: envUrl(["http", "https"]).optional(),
    KEELSON_MASTER_KEY: envMasterKeys(),
  })
  .transform((values) => ({
    ...values,
    /** Base of the addresses of receipts, without a slash at its end; undefined: the ingress's own address. */
    publicUrl: values.KEELSON_PUBLIC_INGRESS_URL?.replace(/\/+$/, ""),
  }));

/** This service's configuration; the only place that reads the environment. */
export const env = parseServiceEnv(Env, process.env);
