import {
  envBase64Key,
  envCidrList,
  envDurationMs,
  envInteger,
  envLogLevel,
  envPort,
  envUrl,
  parseEnv,
} from "@keelson/service-kit";
import { z } from "zod";

const Env = z.object({
  DATABASE_URL: envUrl(["postgres", "postgresql"]),
  REDIS_URL: envUrl(["redis", "rediss"]),
  REDIS_PREFIX: z
    .string()
    .regex(/^[a-z0-9:-]+$/)
    .default("keelson"),
  WORKER_PORT: envPort().prefault("4003"),
  BIND_ADDRESS: z.string().default("127.0.0.1"),
  KEELSON_MASTER_KEY: envBase64Key(32),
  KEELSON_EGRESS_ALLOW: envCidrList().prefault(""),
  WORKER_CONCURRENCY: envInteger(1, 1000).prefault("64"),
  LEASE_TTL: envDurationMs({ minMs: 3_000, maxMs: 600_000 }).prefault("15s"),
  LOG_LEVEL: envLogLevel().prefault("info"),
});

/** This service's configuration; the only place that reads the environment. */
export const env = parseEnv(Env, process.env);
