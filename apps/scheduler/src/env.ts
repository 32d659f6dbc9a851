import { envDurationMs, envPort, parseServiceEnv, serviceEnv } from "@keelson/service-kit";
import { z } from "zod";

const Env = z.object({
  ...serviceEnv,
  SCHEDULER_PORT: envPort().prefault("4002"),
  EXECUTION_RETENTION: envDurationMs({ minMs: 60_000 }).prefault("30d"),
  DELIVERY_RETENTION: envDurationMs({ minMs: 60_000 }).prefault("7d"),
});

/** This service's configuration; the only place that reads the environment. */
export const env = parseServiceEnv(Env, process.env);
