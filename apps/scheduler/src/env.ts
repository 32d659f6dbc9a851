import { envDurationMs, envLogLevel, envPort, envUrl, parseEnv } from "@keelson/service-kit";
import { z } from "zod";

const Env = z.object({
  DATABASE_URL: envUrl(["postgres", "postgresql"]),
  REDIS_URL: envUrl(["redis", "rediss"]),
  REDIS_PREFIX: z
    .string()
    .regex(/^[a-z0-9:-]+$/)
    .default("keelson"),
  SCHEDULER_PORT: envPort().prefault("4002"),
  BIND_ADDRESS: z.string().default("127.0.0.1"),
  EXECUTION_RETENTION: envDurationMs({ minMs: 60_000 }).prefault("30d"),
  DELIVERY_RETENTION: envDurationMs({ minMs: 60_000 }).prefault("7d"),
  LOG_LEVEL: envLogLevel().prefault("info"),
});

/** This service's configuration; the only place that reads the environment. */
export const env = parseEnv(Env, process.env);
