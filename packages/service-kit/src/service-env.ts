// The variables that every service has; each app's env.ts spreads them and adds its own.

import { z } from "zod";
import { envDurationMs, envLogLevel, envUrl } from "./env-values.ts";
import { type FailPointEnv, envFailPoint, refuseFailPointInProduction } from "./fail-points.ts";
import { type Env, parseEnv } from "./parse-env.ts";

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
  /** What refuses fail points, where it is `production`. */
  NODE_ENV: z.string().optional(),
  /** Where this process is to stand still, for tests that kill it there. */
  KEELSON_FAIL_POINT: envFailPoint().optional(),
  /** The whole of a stop: what has not ended by then is let go of. In ms. */
  STOP_GRACE: envDurationMs({ minMs: 5_000, maxMs: 3_600_000 }).prefault("25s"),
  /** Of an OpenTelemetry collector; left out, nothing is recorded. Its other `OTEL_EXPORTER_OTLP_*` are the exporter's. */
  OTEL_EXPORTER_OTLP_ENDPOINT: envUrl(["http", "https"]).optional(),
  /** The part of the traces begun here that is recorded. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number("expected a number from 0 to 1").min(0).max(1).default(1),
};

/** Of the services that requests are shared out among. */
export const balancedEnv = {
  /** How long a stop still answers new connections, while `/readyz` says already that it stops. In ms. */
  STOP_DELAY: envDurationMs({ maxMs: 60_000 }).prefault("5s"),
};

/** `parseEnv` of what spreads `serviceEnv`: production is refused a fail point as well. */
export function parseServiceEnv<T extends FailPointEnv>(schema: z.ZodType<T>, env: Env): T {
  return parseEnv(schema.superRefine(refuseFailPointInProduction), env);
}
