// Parses its environment as an app's env.ts does, and prints what came of it.

import { z } from "zod";
import { envDurationMs, envPort } from "../src/env-values.ts";
import { parseEnv } from "../src/parse-env.ts";

const env = parseEnv(
  z.object({ API_PORT: envPort().prefault("4000"), LEASE_TTL: envDurationMs(), DATABASE_URL: z.string() }),
  process.env,
);
process.stdout.write(JSON.stringify(env));
