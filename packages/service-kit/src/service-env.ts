// The variables that every service has; each app's env.ts spreads them and adds its own.

import { z } from "zod";
import { envLogLevel, envUrl } from "./env-values.ts";

export const serviceEnv = {
  /** Of the service's restricted login. */
  DATABASE_URL: envUrl(["postgres", "postgresql"]),
  REDIS_URL: envUrl(["redis", "rediss"]),
  /** Before every key and channel in Redis. */
  REDIS_PREFIX: z
    .string()
    .regex(/^[a-z0-9:-]+$/, "expected lower-case letters, digits, colons and hyphens")
    .default("keelson"),
  BIND_ADDRESS: z.string().default("127.0.0.1"),
  LOG_LEVEL: envLogLevel().prefault("info"),
};
