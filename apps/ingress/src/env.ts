import { envBase64Key, envPort, parseEnv, serviceEnv } from "@keelson/service-kit";
import { z } from "zod";

const Env = z.object({
  ...serviceEnv,
  INGRESS_PORT: envPort().prefault("4001"),
  KEELSON_MASTER_KEY: envBase64Key(32),
});

/** This service's configuration; the only place that reads the environment. */
export const env = parseEnv(Env, process.env);
