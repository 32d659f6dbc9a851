import { envLogLevel, envMasterKeys, envUrl, parseEnv } from "@keelson/service-kit";
import { z } from "zod";

/** A part of what the api has, so that it can be run in the api's container as it is. */
const Env = z.object({
  DATABASE_URL: envUrl(["postgres", "postgresql"]),
  KEELSON_MASTER_KEY: envMasterKeys(),
  LOG_LEVEL: envLogLevel().prefault("info"),
});

/** What this run is to do; the only place that reads the environment. */
export const env = parseEnv(Env, process.env);
