import {
  envCidrList,
  envDurationMs,
  envInteger,
  envMasterKeys,
  envPort,
  envUrl,
  parseServiceEnv,
  serviceEnv,
} from "@keelson/service-kit";
import { z } from "zod";

const Env = z.object({
  ...serviceEnv,
  WORKER_PORT: envPort().prefault("4003"),
  KEELSON_MASTER_KEY: envMasterKeys(),
  KEELSON_EGRESS_ALLOW: envCidrList().prefault(""),
  WORKER_CONCURRENCY: envInteger(1, 1000).prefault("64"),
  /** Past a pooler that DATABASE_URL goes through, so that a worker's death is seen at once and not by its lease's end. */
  DATABASE_DIRECT_URL: envUrl(["postgres", "postgresql"]).optional(),
  LEASE_TTL: envDurationMs({ minMs: 1_000, maxMs: 600_000 }).prefault("15s"),
});

/** This service's configuration; the only place that reads the environment. */
export const env = parseServiceEnv(Env, process.env);
