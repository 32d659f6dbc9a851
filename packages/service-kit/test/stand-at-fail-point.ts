// Passes a fail point three times, and says so each time; stands still where its environment says.
import { failPoint } from "@keelson/contracts";
import { z } from "zod";
import { envFailPoint, refuseFailPointInProduction, standAtFailPoint } from "../src/fail-points.ts";
import { createLogger } from "../src/logger.ts";
import { parseEnv } from "../src/parse-env.ts";

const Env = z
  .object({ NODE_ENV: z.string().optional(), KEELSON_FAIL_POINT: envFailPoint().optional() })
  .superRefine(refuseFailPointInProduction);

const log = createLogger({ service: "test", level: "info" });
standAtFailPoint(parseEnv(Env, process.env).KEELSON_FAIL_POINT, log);
process.on("SIGTERM", () => process.exit(0));
for (const time of [1, 2, 3]) {
  failPoint("worker.commit.answered");
  log.info({ time }, "passed");
}
