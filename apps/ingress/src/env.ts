import { envBase64Key, envLogLevel, envPort, envUrl, parseEnv } from "@keelson/service-kit";
import { z } from "zod";

const Env = z.object({
  DATABASE_URL: envUrl(["postgres", "postgresql"]),
  REDIS_URL: envUrl(["redis", "rediss"]),
  REDIS_PREFIX: z
    .string()
    .regex(/^[a-z0-9:-]+$/)
    .default("keelson"),
  INGRESS_PORT: envPort().prefault("4001"),
  BIND_ADDRESS: z.string().default("127.0.0.1"),
  KEELSON_MASTER_KEY: envBase64Key(32),
  LOG_LEVEL: envLogLevel().prefault("info"),
});

/** This service's configuration; the only place that reads the environment. */
export const env = parseEnv(Env, process.env);
